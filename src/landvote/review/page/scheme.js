// The dialog "Landmarks": names, definitions, mirrored pairs, reference points, the pair that is 100 %, and outlines.
// Landmarks count from 1 here, as everywhere on the page, and from 0 in what is sent.

import { getJson, Refused } from "./api.js";

const RELATIONS = ["mirrored", "reference", "normaliser", "outlines"];
const $ = (id) => document.getElementById(id);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// "1-3, 7" <-> [0, 1, 2, 6]; null for anything else.
export function placesOf(text) {
  const found = [];
  for (const part of text.split(",").map((each) => each.trim()).filter(Boolean)) {
    const match = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(part);
    if (!match) return null;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (first < 1) return null;
    const step = last < first ? -1 : 1;
    for (let i = first; i !== last + step; i += step) found.push(i - 1);
  }
  return found;
}

export function textOf(places) {
  const runs = [];
  for (const i of places) {
    const run = runs.at(-1);
    if (run && i === run[1] + 1) run[1] = i;
    else runs.push([i, i]);
  }
  return runs.map(([a, b]) => (a === b ? `${a + 1}` : `${a + 1}-${b + 1}`)).join(", ");
}

function field(row, kind, label, more = {}) {
  const input = row.insertCell().appendChild(document.createElement("input"));
  Object.assign(input, { type: kind, autocomplete: "off", ...more });
  input.setAttribute("aria-label", label);
  return input;
}

function away(row, label) {
  const button = row.insertCell().appendChild(document.createElement("button"));
  Object.assign(button, { type: "button", textContent: "✕", title: label });
  button.setAttribute("aria-label", label);
  return button;
}

export class SchemeDialog {
  constructor(change, message) {
    Object.assign(this, { change, message, rows: [], curves: [], base: null, marked: new Set(), suggested: {} });
    $("relations-form").addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    $("relations-cancel").addEventListener("click", () => $("relations-dialog").close());
    $("relations-add").addEventListener("click", () => this.addRow({ was: "", name: "", definition: "" }).name.focus());
    $("relations-curve").addEventListener("click", () => this.addCurve({ name: "", points: [], closed: false }).name.focus());
    for (const key of ["mirrored", "reference", "normaliser"]) $(`suggest-${key}`).addEventListener("click", () => this.suggest(key));
  }

  async open() {
    const dialog = $("relations-dialog");
    this.fill({ landmarks: [], mirrored: [], reference: [], normaliser: null, outlines: [] });
    dialog.showModal(); // at once: keys that are pressed meanwhile are not for the film
    let told;
    try {
      told = await getJson("/api/scheme");
    } catch (error) {
      dialog.close();
      throw error;
    }
    const scheme = told.scheme ?? { landmarks: [], definitions: [], outlines: [], mirrored: [], reference: [], normaliser: null, revision: "" };
    Object.assign(this, { marked: new Set(told.marked), suggested: told.suggestions, revision: scheme.revision });
    this.base = fromServer(scheme);
    this.fill(this.base);
    $("relations-error").textContent = "";
    for (const key of ["mirrored", "reference", "normaliser"]) $(`why-${key}`).textContent = "";
    (this.rows[0]?.name ?? $("relations-add")).focus();
  }

  // -- what is in the fields --

  fill({ landmarks, mirrored, reference, normaliser, outlines }) {
    $("relations-rows").replaceChildren();
    $("relations-curves").replaceChildren();
    Object.assign(this, { rows: [], curves: [] });
    for (const landmark of landmarks) this.addRow(landmark);
    this.relate("mirrored", mirrored);
    this.relate("reference", reference);
    this.relate("normaliser", normaliser);
    for (const outline of outlines) this.addCurve(outline);
  }

  addRow({ was, name, definition }) {
    const element = $("relations-rows").insertRow();
    const number = element.insertCell();
    const label = was || "the new landmark";
    const row = {
      was, element, number,
      name: field(element, "text", `Name of ${label}`, { value: name, maxLength: 200, required: true }),
      definition: field(element, "text", `Definition of ${label}`, { value: definition, maxLength: 500, title: definition }),
      mirror: field(element, "text", `Number of the landmark opposite ${label}`, { inputMode: "numeric", pattern: "[0-9]*", maxLength: 5 }),
      reference: field(element, "checkbox", `${label} is a reference point`),
      normaliser: field(element, "checkbox", `${label} is one end of the distance that is 100 %`),
    };
    const button = away(element, `Take ${label} out`);
    button.disabled = this.marked.has(was);
    if (button.disabled) button.title = "It has points on films, or had some, and stays.";
    button.addEventListener("click", () => this.take(row));
    row.mirror.addEventListener("change", () => this.answer(row));
    this.rows.push(row);
    this.count();
    return row;
  }

  count() { this.rows.forEach(({ number }, i) => { number.textContent = String(i + 1); }); }

  take(row) { // numbers behind it change, and what is told by them
    const mine = this.collect();
    if (!mine) return;
    const gone = this.rows.indexOf(row);
    const moved = (places) => places.filter((i) => i !== gone).map((i) => (i > gone ? i - 1 : i));
    const whole = (pair) => (pair?.includes(gone) ? null : pair && moved(pair));
    this.fill({
      landmarks: mine.landmarks.filter((_, i) => i !== gone), mirrored: mine.mirrored.map(whole).filter(Boolean),
      reference: moved(mine.reference), normaliser: whole(mine.normaliser),
      outlines: mine.outlines.map((outline) => ({ ...outline, points: moved(outline.points) })),
    });
    $("relations-add").focus();
  }

  answer(row) { // the landmark opposite has this one opposite
    const here = String(this.rows.indexOf(row) + 1);
    for (const other of this.rows) if (other !== row && other.mirror.value === here) other.mirror.value = "";
    const other = this.rows[Number(row.mirror.value) - 1];
    if (!other || other === row) return;
    for (const third of this.rows) if (third !== row && third.mirror.value === row.mirror.value) third.mirror.value = "";
    other.mirror.value = here;
  }

  addCurve({ name, points, closed }) {
    const element = $("relations-curves").insertRow();
    const label = name || "the new outline";
    const curve = {
      element, name: field(element, "text", `Name of ${label}`, { value: name, maxLength: 200, required: true }),
      points: field(element, "text", `Landmarks of ${label}, by number, such as 1-30`, { value: textOf(points), placeholder: "1-30, 35", required: true }),
      closed: field(element, "checkbox", `${label} is closed`, { checked: closed }),
    };
    away(element, `Take ${label} out; its landmarks stay`).addEventListener("click", () => {
      element.remove();
      this.curves.splice(this.curves.indexOf(curve), 1);
    });
    this.curves.push(curve);
    return curve;
  }

  relate(key, places) {
    const chosen = places ?? [];
    if (key === "mirrored") {
      for (const row of this.rows) row.mirror.value = "";
      for (const [a, b] of chosen) [this.rows[a].mirror.value, this.rows[b].mirror.value] = [b + 1, a + 1];
    } else this.rows.forEach((row, i) => { row[key].checked = chosen.includes(i); });
  }

  suggest(key) {
    const { points, why } = this.suggested[key];
    const fits = this.base.landmarks.every(({ was }, i) => this.rows[i]?.was === was);
    $(`why-${key}`).textContent = fits ? why : "Save what you took out first, then ask again.";
    if (fits && points.length) this.relate(key, points);
  }

  // Return the whole as it stands in the fields; null, and say why, if it makes no sense.
  collect() {
    const wrong = (text) => { $("relations-error").textContent = text; return null; };
    const mirrored = [];
    for (const [i, row] of this.rows.entries()) {
      if (!row.mirror.value) continue;
      const j = Number(row.mirror.value) - 1;
      if (!this.rows[j] || j === i || this.rows[j].mirror.value !== String(i + 1)) return wrong(`Landmark ${i + 1} has no landmark ${j + 1} opposite that says the same.`);
      if (i < j) mirrored.push([i, j]);
    }
    const ticked = (key) => this.rows.flatMap((row, i) => (row[key].checked ? [i] : []));
    const normaliser = ticked("normaliser");
    if (normaliser.length && normaliser.length !== 2) return wrong(`100 % is the distance of two landmarks; ${normaliser.length} are ticked.`);
    const outlines = this.curves.map(({ name, points, closed }) => ({ name: name.value.trim(), points: placesOf(points.value), closed: closed.checked }));
    const odd = outlines.find(({ points }) => !points);
    if (odd) return wrong(`The landmarks of outline “${odd.name}” are not numbers such as 1-30, 35.`);
    $("relations-error").textContent = "";
    const landmarks = this.rows.map(({ was, name, definition }) => ({ was, name: name.value.trim(), definition: definition.value.trim() }));
    return { landmarks, mirrored, reference: ticked("reference"), normaliser: normaliser.length ? normaliser : null, outlines };
  }

  async save() {
    const mine = this.collect();
    if (!mine) return;
    try {
      await this.change({ change: mine, revision: this.revision });
      $("relations-dialog").close();
      this.message("The landmarks are saved.");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      $("relations-error").textContent = error.status === 409 && error.scheme ? this.merge(mine, error.scheme) : `Not saved: ${error.message}`;
    }
  }

  // Another window has saved meanwhile: take what it changed wherever this person changed nothing. Return what to say.
  merge(mine, scheme) {
    const theirs = fromServer(scheme);
    const n = this.base.landmarks.length;
    if (theirs.landmarks.length < n) return "Not saved: another window has taken landmarks out. Note what you changed here, and open this dialog again.";
    const places = this.base.landmarks.map(({ was }) => mine.landmarks.findIndex((row) => row.was === was));
    const landmarks = mine.landmarks.map((row) => {
      const i = row.was ? this.base.landmarks.findIndex(({ was }) => was === row.was) : -1;
      if (i < 0) return row;
      const [before, now] = [this.base.landmarks[i], theirs.landmarks[i]];
      const pick = (key) => (row[key] === before[key] ? now[key] : row[key]);
      return { was: now.was, name: pick("name"), definition: pick("definition") };
    });
    for (let i = n; i < theirs.landmarks.length; i++) places[i] = landmarks.push(theirs.landmarks[i]) - 1;
    const mapped = (value) => {
      if (typeof value === "number") return places[value];
      if (Array.isArray(value)) return value.map(mapped);
      return value?.points ? { ...value, points: mapped(value.points) } : value;
    };
    const merged = { landmarks };
    for (const key of RELATIONS) merged[key] = same(mine[key], mapped(this.base[key])) ? mapped(theirs[key]) : mine[key];
    Object.assign(this, { base: theirs, revision: scheme.revision });
    this.fill(merged);
    return "Not saved yet: another window has changed the landmarks. Its changes are in these fields now, and yours where both differ. Look, and save again.";
  }
}

function fromServer({ landmarks, definitions, outlines, mirrored, reference, normaliser }) {
  return {
    landmarks: landmarks.map((name, i) => ({ was: name, name, definition: definitions[i] })), mirrored, reference, normaliser,
    outlines: outlines.map((outline) => ({ name: outline.name, points: outline.landmarks, closed: outline.closed })),
  };
}
