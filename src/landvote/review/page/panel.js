// The list of landmarks beside the film: number, state, name. A screen reader finds the whole film here.

import { shape, STATES } from "./marks.js";

const HOW = { changed: "placed", accepted: "accepted", imported: "imported" };
const NS = "http://www.w3.org/2000/svg";

export class Panel {
  constructor(list, count) {
    Object.assign(this, { list, count, rows: [], chosen: () => {}, note: () => null, active: -1 });
  }

  draw(landmarks, active) {
    if (this.rows.length !== landmarks.length) {
      this.rows = landmarks.map((_, i) => this.row(i));
      this.list.replaceChildren(...this.rows.map(({ item }) => item));
    }
    landmarks.forEach((landmark, i) => {
      const { button, path, label, state } = this.rows[i];
      const words = landmark.state === "placed" ? HOW[landmark.how] : STATES[landmark.state];
      path.setAttribute("d", shape(landmark.state, 7, 7, 5));
      path.setAttribute("class", landmark.state);
      label.textContent = landmark.name;
      state.textContent = this.note(landmark) ?? words;
      button.setAttribute("aria-current", String(i === active));
    });
    if (active !== this.active && this.rows[active]) { // once what lies below the list has its new height
      requestAnimationFrame(() => this.rows[active]?.item.scrollIntoView({ block: "nearest" }));
    }
    this.active = active;
    const decided = landmarks.filter(({ state }) => state !== "undecided" && state !== "proposed").length;
    const proposed = landmarks.filter(({ state }) => state === "proposed").length;
    this.count.textContent = `${decided} of ${landmarks.length} decided${proposed ? `, ${proposed} proposed` : ""}`;
  }

  row(i) {
    const item = document.createElement("li");
    const button = item.appendChild(document.createElement("button"));
    button.type = "button";
    const number = button.appendChild(document.createElement("span"));
    number.className = "number";
    number.textContent = String(i + 1);
    const picture = button.appendChild(document.createElementNS(NS, "svg"));
    picture.setAttribute("viewBox", "0 0 14 14");
    const path = picture.appendChild(document.createElementNS(NS, "path"));
    const label = button.appendChild(document.createElement("span"));
    label.className = "label";
    const state = button.appendChild(document.createElement("span"));
    state.className = "state";
    button.addEventListener("click", () => this.chosen(i));
    return { item, button, path, label, state };
  }
}
