// The dialog "Agreement": people with each other and with the machine, and the time that films take.

import { getJson } from "./api.js";
import { paragraph, table } from "./table.js";
import { lasted } from "./words.js";

const number = (value) => (value === null || value === undefined ? "–" : value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const lengths = (told) => [told.mean, told.median, told.p90, told.p95].map(number);
const worst = (told) => {
  const [first] = [...told.landmarks].sort((a, b) => b.mean - a.mean);
  return first ? `${first.landmark} (${number(first.mean)})` : "–";
};

const shown = ({ prompted }) => (prompted ? "proposals shown" : "without proposals");

export class Agreement {
  constructor(dialog, box) { Object.assign(this, { dialog, box }); }

  async show() {
    this.box.replaceChildren(paragraph("Reckoning …"));
    this.dialog.showModal();
    try {
      this.box.replaceChildren(...this.parts(await getJson("/api/agreement")));
    } catch (error) { this.box.replaceChildren(paragraph(error.message, "error")); }
  }

  parts({ unit, pairs, machine, time }) {
    const header = [`mean (${unit})`, "median", "90 %", "95 %", "worst landmark"];
    const figures = (told) => [told.films, told.points, ...lengths(told), worst(told)];
    const parts = [];
    if (pairs.length) {
      parts.push(table("People with each other", ["annotators", "films", "number", "points", ...header],
        pairs.map((pair) => [`${pair.one}, ${pair.other}`, shown(pair), ...figures(pair)]), 2));
      if (pairs.some(({ prompted }) => prompted)) parts.push(paragraph("Where two people accept one proposal, they agree by that alone: films without proposals tell how far they agree.", "soft"));
    } else parts.push(paragraph("No film is approved by two people yet."));
    const kinds = { proposed: "proposals shown", blind: "blind films" };
    const rows = machine.flatMap((each) => Object.keys(kinds).filter((kind) => each[kind].films)
      .map((kind) => [each.who, kinds[kind], ...figures(each[kind])]));
    if (rows.length) {
      parts.push(table("People with the machine", ["person", "films", "number", "points", ...header], rows, 2));
      for (const { who, proposed } of machine.filter(({ proposed }) => proposed.points)) {
        const by = proposed.changed ? `, by ${number(proposed.correction)} ${unit} on average` : "";
        parts.push(paragraph(`${who} accepted ${proposed.accepted} proposed points as they were, and changed ${proposed.changed}${by}.`));
      }
      if (!machine.some(({ blind }) => blind.films)) parts.push(paragraph("No blind film is approved yet (settings: P)."));
      parts.push(paragraph("People who correct proposals drift towards them: the blind films tell how good the machine is.", "soft"));
    } else parts.push(paragraph("No film is approved yet for which the machine had points."));
    const landmarks = [
      ...pairs.map((pair) => [`${pair.one}, ${pair.other}, ${shown(pair)}`, pair]),
      ...machine.flatMap((each) => Object.keys(kinds).map((kind) => [`${each.who}, ${kinds[kind]}`, each[kind]])),
    ].filter(([, told]) => told.landmarks.length);
    for (const [name, told] of landmarks) {
      const more = document.createElement("details");
      more.appendChild(document.createElement("summary")).textContent = `Landmarks: ${name}`;
      const sorted = [...told.landmarks].sort((a, b) => b.mean - a.mean);
      more.append(table("", ["landmark", "points", ...header.slice(0, 4)], sorted.map((l) => [l.landmark, l.points, ...lengths(l)])));
      parts.push(more);
    }
    if (time.length) {
      parts.push(table("Time and actions per film (medians)", ["person", "films", "time", "actions"],
        time.flatMap((each) => [each, ...(each.films > 10 ? each.tens : [])].map((part) =>
          [each.who, part.from ? `${part.from} to ${part.to}` : `all ${part.films}`, lasted(part.seconds), part.actions])), 2));
    }
    return parts;
  }
}
