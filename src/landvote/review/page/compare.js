// Comparison: points of other annotators and of models beside those of an approved film.

import { getJson } from "./api.js";

const COLOURS = ["#ff9f6b", "#9be564", "#ff7ab8", "#8fa8ff", "#e6e06a", "#5fe0c8"];

export class Compare {
  constructor(session, view, panel, legend, message) {
    Object.assign(this, { session, view, panel, legend, message, sets: null, film: null });
    view.layers.push((context) => this.draw(context));
    panel.note = (landmark) => this.note(landmark);
    this.changed = () => {};
  }

  get shown() { return this.sets !== null && this.film === this.session.film && this.session.verdict === "approved"; }

  async turn() {
    if (this.shown) { this.end(); return; }
    const film = this.session.film;
    if (!film) return;
    if (this.session.verdict !== "approved") {
      this.message("Approve the film first: only points that you set without seeing those of others are independent.");
      return;
    }
    try {
      const { sets } = await getJson(`/api/films/${film.number}/others?who=${encodeURIComponent(this.session.who)}`);
      if (film !== this.session.film) return;
      if (!sets.length) { this.message("No one else has approved this film, and there is no model to compare with."); return; }
      Object.assign(this, { sets: sets.map((set, i) => ({ ...set, colour: COLOURS[i % COLOURS.length] })), film });
      this.say();
    } catch (error) { this.message(error.message, true); }
    this.changed();
  }

  end() {
    Object.assign(this, { sets: null, film: null });
    this.legend.hidden = true;
    this.changed();
  }

  // Distance of two points in the unit of the film on the screen.
  distance([a, b], [c, d]) {
    const { spacing } = this.session.film.server;
    return spacing ? Math.hypot((a - c) * spacing.x, (b - d) * spacing.y) : Math.hypot(a - c, b - d);
  }

  get unit() { return this.session.film.server.spacing ? "mm" : "px"; }

  note(landmark) {
    if (!this.shown) return null;
    const told = this.sets.map(({ points }) => {
      const there = points[landmark.name];
      return there && landmark.point ? this.distance(landmark.point, there).toFixed(1) : "–";
    });
    return `${told.join(" · ")} ${this.unit}`;
  }

  say() { // the legend: in the order of the distances in the list
    const landmarks = this.session.all();
    const title = document.createElement("b");
    title.textContent = "Beside your points";
    this.legend.replaceChildren(title, ...this.sets.map(({ name, points, colour }) => {
      const line = document.createElement("span");
      const swatch = line.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
      swatch.setAttribute("viewBox", "0 0 10 10");
      swatch.setAttribute("aria-hidden", "true");
      const dot = swatch.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "circle"));
      for (const [key, value] of Object.entries({ cx: 5, cy: 5, r: 4, fill: colour })) dot.setAttribute(key, value);
      const apart = landmarks.flatMap((l) => (l.point && points[l.name] ? [this.distance(l.point, points[l.name])] : []));
      const mean = apart.length ? `${(apart.reduce((a, b) => a + b) / apart.length).toFixed(1)} ${this.unit} apart on average` : "no point in common";
      line.append(` ${name}: ${mean}`);
      return line;
    }));
    this.legend.hidden = false;
  }

  draw(context) {
    if (!this.shown) { this.legend.hidden = true; return; }
    this.legend.hidden = false;
    const { landmarks } = this.view.scene();
    for (const { points, colour } of this.sets) {
      for (const landmark of landmarks) {
        const there = points[landmark.name];
        if (!there) continue;
        const [u, v] = this.view.toScreen(there);
        const path = new Path2D(`M${u - 4} ${v}h8M${u} ${v - 4}v8`);
        if (landmark.point) path.addPath(new Path2D(`M${u} ${v}L${this.view.toScreen(landmark.point)}`));
        for (const [stroke, width] of [["#000a", 3.5], [colour, 1.6]]) {
          context.strokeStyle = stroke;
          context.lineWidth = width * this.view.unit;
          context.stroke(path);
        }
      }
    }
  }
}
