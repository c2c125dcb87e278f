// An outline: a curve through clicks, and points spread evenly along it, of which each click is one.

import { line, pieces } from "./curve.js";

const $ = (id) => document.getElementById(id);

// Return the curve between consecutive anchors: a list of points for each part.
function parts(anchors, closed) {
  return pieces(closed ? [...anchors, anchors[0]] : anchors).map(line);
}

function lengths(line) {
  const sums = [0];
  for (let i = 1; i < line.length; i++) sums.push(sums[i - 1] + Math.hypot(line[i][0] - line[i - 1][0], line[i][1] - line[i - 1][1]));
  return sums;
}

// Return count points along the curve through anchors. Between two anchors they are evenly spread; the parts of the curve
// get points by their lengths, and each anchor is one of the points.
export function spread(anchors, count, closed) {
  const lines = parts(anchors, closed);
  const sums = lines.map(lengths);
  const steps = lines.map(() => 1);
  for (let left = count - lines.length - (closed ? 0 : 1); left > 0; left--) {
    const widths = sums.map((sum, i) => sum.at(-1) / steps[i]);
    steps[widths.indexOf(Math.max(...widths))]++;
  }
  const points = lines.flatMap((line, i) => Array.from({ length: steps[i] }, (_, k) => {
    const wanted = (sums[i].at(-1) * k) / steps[i];
    const j = Math.max(1, sums[i].findIndex((sum) => sum >= wanted));
    const t = (wanted - sums[i][j - 1]) / Math.max(1e-9, sums[i][j] - sums[i][j - 1]);
    return line[j - 1].map((v, c) => v + t * (line[j][c] - v));
  }));
  return closed ? points : [...points, anchors.at(-1)];
}

export class OutlineTool {
  constructor(drawing, session, change, message) {
    Object.assign(this, { drawing, session, change, message, outlines: [] });
    $("outline-which").addEventListener("input", () => this.choose());
    $("outline-form").addEventListener("submit", (event) => { event.preventDefault(); this.draw(); });
    $("outline-cancel").addEventListener("click", () => $("outline-dialog").close());
  }

  ask() {
    if (!this.drawing.editor.seen()) return;
    this.drawing.stop();
    const which = $("outline-which");
    const before = which.value;
    which.replaceChildren(new Option("a new outline", ""), ...this.outlines.map(({ name, landmarks }) => new Option(`${name} (${landmarks.length} points)`, name)));
    const known = this.outlines.map(({ name }) => name);
    which.value = known.includes(before) ? before : known.at(-1) ?? "";
    this.choose();
    $("outline-dialog").showModal();
    (which.value ? $("outline-draw") : $("outline-name")).focus();
  }

  choose() {
    $("outline-new").hidden = Boolean($("outline-which").value);
    $("outline-name").required = $("outline-count").required = !$("outline-which").value;
    $("outline-error").textContent = "";
  }

  draw() {
    const known = this.outlines.find(({ name }) => name === $("outline-which").value);
    const name = known ? known.name : $("outline-name").value.trim();
    const closed = known ? known.closed : $("outline-closed").checked;
    const count = known ? known.landmarks.length : Number($("outline-count").value);
    const names = known ? known.landmarks.map((i) => this.session.landmarks[i]) : Array.from({ length: count }, (_, i) => `${name} ${i + 1}`);
    const taken = known ? undefined : names.find((each) => this.session.landmarks.includes(each)) ?? this.outlines.find((one) => one.name === name)?.name;
    const least = closed ? 3 : 2;
    const wrong = !name ? "Give the outline a name." : taken ? `“${taken}” is there already. Choose another name.` : count < least ? `This outline has ${count} points, and needs ${least} at least.` : "";
    $("outline-error").textContent = wrong;
    if (wrong) return;
    $("outline-dialog").close();
    const { film } = this.session;
    const enough = (points) => points.length >= least && points.length <= count;
    this.drawing.begin({
      least, most: count,
      few: `Click ${least} points along “${name}” at least.`,
      says: ({ length }) => `“${name}”: click along the curve (or arrows and Enter). The last point again ends, Backspace takes it back. ${length} clicked, ${count} points`,
      curve: (points) => (points.length > 1 ? parts(points, closed && points.length > 2).flat() : points),
      ghosts: (points) => (enough(points) ? spread(points, count, closed) : []),
      ended: (points) => this.keep({ film, known, name, names, closed, points }),
    });
    this.again = this.drawing.task;
  }

  async keep({ film, known, name, names, closed, points }) {
    const task = this.again;
    if (!known) {
      try {
        await this.change({ add: names, outline: name, closed });
      } catch (error) {
        this.message(`Not saved: ${error.message}`, true);
        if (this.session.film === film) this.drawing.begin(task, points); // nothing that was drawn is lost
        return;
      }
    }
    const placed = spread(points, names.length, closed).map((point) => this.drawing.editor.within(point));
    this.session.flush();
    this.session.send("set", Object.fromEntries(names.map((each, i) => [each, { state: "placed", x: placed[i][0], y: placed[i][1] }])), film);
    this.drawing.editor.choose(this.session.landmarks.indexOf(names[0]));
  }
}
