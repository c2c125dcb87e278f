// The ruler: two clicks on something of known length give the millimetres per pixel of the film.

import { post, Refused } from "./api.js";

const AGAIN = 100; // milliseconds between looks whether all edits are saved
const $ = (id) => document.getElementById(id);
const figure = (spacing) => `${spacing.x.toPrecision(3)} mm a pixel`;

// Return a film's spacing in words, with what its file says if people have measured otherwise.
export function spacingWords(spacing) {
  if (!spacing) return "mm unknown";
  const beside = spacing.file ? `; the film's own: ${figure(spacing.file)}, ${spacing.file.source}` : "";
  return `${figure(spacing)} (${spacing.source}${spacing.who ? `, ${spacing.who}` : ""}${beside})`;
}

export class RulerTool {
  constructor(drawing, session, message) {
    Object.assign(this, { drawing, session, message, ends: null, film: null });
    $("ruler-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const [[x0, y0], [x1, y1]] = this.ends;
      this.send({ x0, y0, x1, y1, length: Number($("ruler-length").value) }, $("ruler-alike").checked);
    });
    $("ruler-away").addEventListener("click", () => this.send(null, false));
    $("ruler-cancel").addEventListener("click", () => $("ruler-dialog").close());
  }

  begin() {
    this.drawing.begin({
      least: 2, most: 2, few: "Click the other end of the ruler as well.",
      says: ({ length }) => `Ruler: click ${length ? "the other" : "one"} end of something whose length in mm you know (or arrows and Enter). Esc stops.`,
      ended: (ends) => this.ask(ends),
    });
  }

  ask(ends) {
    Object.assign(this, { ends, film: this.session.film });
    const { spacing, size } = this.film.server;
    const own = spacing?.source === "ruler" ? spacing.file : spacing;
    const pixels = Math.hypot(ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]);
    $("ruler-pixels").textContent = `${pixels.toFixed(1)} pixels.${own ? ` The film comes with ${figure(own)} (${own.source}); the ruler goes before that.` : ""}`;
    $("ruler-size").textContent = `${size[0]} × ${size[1]}`;
    $("ruler-alike").checked = false;
    $("ruler-away").hidden = spacing?.source !== "ruler";
    $("ruler-error").textContent = "";
    $("ruler-dialog").showModal();
    $("ruler-length").focus();
    $("ruler-length").select();
  }

  async send(ruler, alike) {
    const { film, session } = this;
    const buttons = $("ruler-form").querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    $("ruler-error").textContent = alike ? "Looking at the sizes of all films …" : "";
    session.flush();
    while (session.busy) await new Promise((done) => setTimeout(done, AGAIN));
    try {
      const told = await post(`/api/films/${film.number}/ruler`, { who: session.who, revision: film.server.revision, ruler, alike });
      film.server = told.state;
      $("ruler-dialog").close();
      this.message(ruler ? `${figure(told.state.spacing)} by the ruler, on ${told.films === 1 ? "this film" : `${told.films} films`}.` : "The ruler is taken away.");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 409) film.server = error.state;
      $("ruler-error").textContent = `Not saved: ${error.message}`;
    } finally {
      for (const button of buttons) button.disabled = false;
    }
    session.answered(film);
    session.changed();
  }
}
