// The list of films. Only those on the screen are in the page, so that there may be ten thousand.

import { getJson, getPicture } from "./api.js";
import { ago, lasted } from "./words.js";

const HIGH = 88; // pixels of a row, as in style.css
const PICTURES = 400; // small pictures that are kept
const WORDS = { new: "new", proposed: "proposed", corrected: "in work", approved: "approved", rejected: "rejected" };
const DONE = ["approved", "rejected"];

export class Worklist {
  constructor(box, { show, sort, find, strange, progress }) {
    Object.assign(this, { box, show, sort, find, strange, progress, rows: [], order: [], current: -1, total: 0 });
    this.pictures = new Map();
    Object.assign(this, { wanted: [], fetching: false });
    this.calm = new Promise((resolve) => { this.opened = resolve; }); // the first film comes before small pictures
    this.chosen = this.heard = () => {};
    this.words = new Map([...show.options].map((option) => [option, option.textContent]));
    this.space = box.appendChild(document.createElement("div"));
    this.space.className = "space";
    box.addEventListener("scroll", () => this.draw());
    box.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(box);
    for (const input of [show, sort, find, strange]) input.addEventListener("input", () => this.arrange());
  }

  async read(who) {
    const told = await getJson(`/api/films?who=${encodeURIComponent(who)}`);
    this.rows = told.films.map(([name, state, decided, touched, error, known, seconds, rank], number) =>
      ({ number, name, state, decided, touched, error, strange: known === false, seconds, rank, apart: this.rows[number]?.apart ?? null }));
    this.heard(told);
    this.compare().catch(() => {}); // the list is there without
    this.proposing = told.proposing;
    this.arrange();
  }

  async compare() { // how far people or models are apart: many films take a while
    const { apart } = await getJson("/api/apart");
    this.rows.forEach((row, number) => { row.apart = apart[number]; });
    if (this.sort.value === "apart") this.arrange();
    else this.draw();
  }

  update(number, { state, marks, touched, seconds }) {
    const row = this.rows[number];
    Object.assign(row, { state, touched, seconds, decided: Object.keys(marks).length });
    this.draw();
    this.say();
  }

  // The film on the screen stays in the list, whatever its state, until another one is opened.
  arrange() {
    const [show, find] = [this.show.value, this.find.value.trim().toLowerCase()];
    const fits = (row) => row.name.toLowerCase().includes(find) && this.fits(row, show);
    const by = {
      name: (a, b) => a.number - b.number,
      error: (a, b) => (b.error ?? -1) - (a.error ?? -1) || a.number - b.number,
      teaches: (a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity) || a.number - b.number,
      apart: (a, b) => (b.apart ?? -1) - (a.apart ?? -1) || a.number - b.number,
      touched: (a, b) => b.touched.localeCompare(a.touched) || a.number - b.number,
    }[this.sort.value];
    this.order = this.rows.filter((row) => fits(row) || row.number === this.current)
      .sort((a, b) => (this.strange.checked ? this.odd(b) - this.odd(a) : 0) || by(a, b)).map((row) => row.number);
    this.space.style.height = `${this.order.length * HIGH}px`;
    this.draw();
    this.say();
  }

  fits(row, show) { return show === "all" || (show === "todo" ? !DONE.includes(row.state) : row.state === show); }

  // Whether a film is to be looked at before the others: the model does not know its kind, and it is not done.
  odd(row) { return row.strange && !DONE.includes(row.state) ? 1 : 0; }

  say() {
    for (const [option, words] of this.words) option.textContent = `${words} (${this.rows.filter((row) => this.fits(row, option.value)).length})`;
    const approved = this.rows.filter((row) => row.state === "approved").length;
    const { done, working } = this.proposing || {};
    const model = working ? `; the model has looked at ${done}` : "";
    this.progress.textContent = `${approved} of ${this.rows.length} films approved${model}`;
  }

  select(number) {
    this.current = number;
    const place = this.order.indexOf(number);
    if (place < 0) { this.arrange(); return; }
    const { scrollTop, clientHeight } = this.box;
    if (place * HIGH < scrollTop) this.box.scrollTop = place * HIGH;
    if ((place + 1) * HIGH > scrollTop + clientHeight) this.box.scrollTop = (place + 1) * HIGH - clientHeight;
    this.draw();
  }

  // The film so many places further on, or the next one that is not finished.
  beside(step) { return this.order[this.order.indexOf(this.current) + step]; }

  unfinished() {
    const at = this.order.indexOf(this.current);
    const after = [...this.order.slice(at + 1), ...this.order.slice(0, Math.max(0, at))];
    return after.find((number) => !DONE.includes(this.rows[number].state));
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = this.beside(step);
    if (next !== undefined) this.chosen(next);
  }

  draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / HIGH) - 2);
    const last = Math.min(this.order.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / HIGH) + 2);
    const rows = [];
    for (let place = first; place < last; place++) rows.push(this.row(place));
    this.space.replaceChildren(...rows);
    this.box.setAttribute("aria-activedescendant", this.current >= 0 ? `film-${this.current}` : "");
  }

  row(place) {
    const { number, name, state, decided, error, strange, touched, seconds, apart } = this.rows[this.order[place]];
    const row = document.createElement("div");
    row.className = "film";
    row.id = `film-${number}`;
    row.style.top = `${place * HIGH}px`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", String(number === this.current));
    row.setAttribute("aria-setsize", String(this.order.length));
    row.setAttribute("aria-posinset", String(place + 1));
    const picture = row.appendChild(document.createElement("img"));
    picture.alt = "";
    this.picture(number, picture);
    const words = row.appendChild(document.createElement("div"));
    const title = words.appendChild(document.createElement("span"));
    title.className = "title";
    title.textContent = name;
    const more = words.appendChild(document.createElement("span"));
    more.className = "more";
    const chip = more.appendChild(document.createElement("span"));
    chip.className = `chip ${state}`;
    chip.textContent = WORDS[state];
    const expected = error === null || DONE.includes(state) ? "" : ` ±${error.toFixed(1)}`;
    const apartNow = apart === null || (expected && this.sort.value !== "apart") ? "" : ` ≠${apart.toFixed(1)}`;
    more.append(` ${decided}/${this.total}${apartNow || expected}`);
    const last = words.appendChild(document.createElement("span"));
    last.className = "more";
    if (strange) {
      const mark = last.appendChild(document.createElement("b"));
      mark.className = "strange";
      mark.textContent = "strange ";
    }
    last.append([touched && ago(touched), seconds && lasted(seconds)].filter(Boolean).join(" · "));
    row.title = [name, strange && "not of the kind that the model knows", expected && `expected error: ${error.toFixed(1)} pixels`,
      apart !== null && `the annotators, or the models where there are no two, are ${apart.toFixed(1)} pixels apart`,
      touched && `last touched ${ago(touched)}`, seconds && `time spent: ${lasted(seconds)}`].filter(Boolean).join("\n");
    row.addEventListener("click", () => this.chosen(number));
    return row;
  }

  async picture(number, image) {
    if (!this.pictures.has(number)) { // one at a time: films have the other connections
      this.wanted.push([number, image]);
      this.fetchPictures();
      return;
    }
    const address = await this.pictures.get(number);
    if (address) image.src = address;
  }

  async fetchPictures() {
    if (this.fetching) return;
    this.fetching = true;
    await this.calm;
    for (let next = this.wanted.shift(); next; next = this.wanted.shift()) {
      const [number, image] = next;
      await new Promise(requestAnimationFrame); // rows that were drawn anew meanwhile ask again
      if (!image.isConnected) continue;
      if (!this.pictures.has(number)) this.pictures.set(number, getPicture(`/api/films/${number}/thumbnail`).then((blob) => URL.createObjectURL(blob)).catch(() => ""));
      if (this.pictures.size > PICTURES) {
        const [oldest, made] = this.pictures.entries().next().value;
        this.pictures.delete(oldest);
        made.then((address) => URL.revokeObjectURL(address));
      }
      const address = await this.pictures.get(number);
      this.wanted = this.wanted.filter(([, { isConnected }]) => isConnected);
      if (address) for (const shown of this.space.querySelectorAll(`#film-${number} img`)) shown.src = address;
    }
    this.fetching = false;
  }
}

export const stateWord = (state) => WORDS[state] || "";
