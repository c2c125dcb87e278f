// The states of a landmark: what they are called and how they are drawn. Colour and shape both tell them apart.

export const STATES = {
  placed: "placed", proposed: "proposed", occluded: "hidden", missing: "missing", undecided: "not placed yet",
};

const COLOURS = { placed: "#5ad1ff", proposed: "#ffd166", occluded: "#c9a2ff" };

// A proposal turns from yellow to red the farther off it is expected to be: doubt is 0 to 1.
export function colourOf({ state, doubt }) {
  return state === "proposed" && doubt ? `hsl(${Math.round(44 * (1 - doubt))} 100% 68%)` : COLOURS[state];
}

// A circle with a dot: placed. A diamond: proposed. A square with a dot: hidden. A cross: missing.
export function shape(state, u, v, size) {
  const s = size;
  const dot = `M${u - 0.6} ${v}a0.6 0.6 0 1 0 1.2 0a0.6 0.6 0 1 0 -1.2 0`;
  switch (state) {
    case "placed": return `M${u - s} ${v}a${s} ${s} 0 1 0 ${2 * s} 0a${s} ${s} 0 1 0 ${-2 * s} 0Z${dot}`;
    case "proposed": return `M${u} ${v - s * 1.2}L${u + s * 1.2} ${v}L${u} ${v + s * 1.2}L${u - s * 1.2} ${v}Z`;
    case "occluded": return `M${u - s} ${v - s}h${2 * s}v${2 * s}h${-2 * s}Z${dot}`;
    case "missing": return `M${u - s} ${v - s}l${2 * s} ${2 * s}M${u + s} ${v - s}l${-2 * s} ${2 * s}`;
    default: return `M${u - s} ${v}h${2 * s}`;
  }
}
