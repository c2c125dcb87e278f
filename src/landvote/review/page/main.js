// The page: it brings the parts together.

import { getJson, post, Refused } from "./api.js";
import { Drawing } from "./drawing.js";
import { Editor } from "./editor.js";
import { insight } from "./insight.js";
import { actOf, fillSheet } from "./keys.js";
import { About, NewLandmarks } from "./landmark.js";
import { Learning } from "./learning.js";
import { OutlineTool } from "./outline.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { RulerTool, spacingWords } from "./ruler.js";
import { SchemeDialog } from "./scheme.js";
import { Session } from "./session.js";
import { Followers } from "./settling.js";
import { View } from "./view.js";
import { stateWord, Worklist } from "./worklist.js";

const LOOK_AGAIN = 4000; // milliseconds between looks for new proposals
const SHOWN = 7000; // milliseconds that a message stays
const NAME = "landvote-name";

const $ = (id) => document.getElementById(id);
const session = new Session();
const view = new View($("film"), $("marks"), $("lens"));
const panel = new Panel($("landmarks"), $("count"));
const list = new Worklist($("films"), { show: $("show"), sort: $("sort"), find: $("find"), strange: $("strange"), progress: $("progress") });
const editor = new Editor(session, view, panel, message);
const pointer = new Pointer(view, editor);
const learning = new Learning(message);
const drawing = new Drawing(view, editor);
const newLandmarks = new NewLandmarks(drawing, session, change, message);
const outline = new OutlineTool(drawing, session, change, message);
const ruler = new RulerTool(drawing, session, message);
const relations = new SchemeDialog(change, message);
const about = new About();
let definitions = [];
let revision = ""; // of the landmarks that are shown
let lookedAt = "";
const known = insight({ session, view, panel, editor, list, message, redraw: () => session.changed() });
const followers = editor.followers = new Followers(session, $("follow"));
followers.arrived = () => view.draw();
let start = null;

// -- saying things --

function message(text, wrong = false) {
  const box = $("message");
  box.textContent = text;
  box.className = wrong ? "wrong" : "";
  box.hidden = false;
  clearTimeout(message.timer);
  message.timer = setTimeout(() => { box.hidden = true; }, SHOWN);
}

function quiet() { $("message").hidden = true; }

function showPrompt() {
  const landmark = session.film && editor.landmark();
  const place = landmark ? `${editor.active + 1} of ${session.landmarks.length}: ${landmark.name}` : "";
  const words = { undecided: `Click ${place}`, proposed: `${place} – proposed`, missing: `${place} – missing`, occluded: `${place} – hidden` };
  const shown = drawing.active ? drawing.said() : landmark ? words[landmark.state] ?? place : "";
  if ($("prompt").textContent !== shown) $("prompt").textContent = shown;
}

function showFacts() {
  const film = session.film?.server;
  $("name").textContent = film ? film.name : "No film";
  $("verdict").textContent = film ? stateWord(film.state) : "";
  $("verdict").className = `chip ${film ? film.state : ""}`;
  const facts = [];
  if (film) {
    if (session.pixels) facts.push(`${film.size[0]} × ${film.size[1]}, ${session.pixels.bits} bit`);
    facts.push(spacingWords(film.spacing));
    if (film.others.length) facts.push(`points of ${film.others.join(", ")} too`);
  }
  facts.unshift(...known.facts());
  $("facts").textContent = facts.join(" · ");
  $("facts").title = [...facts, film?.note].filter(Boolean).join("\n");
  const read = !film || start.readOnly;
  $("undo").disabled = read || !film.undo;
  $("redo").disabled = read || !film.redo;
  $("reopen").disabled = read || !["approved", "rejected"].includes(film.state);
  $("reject").disabled = read;
  $("relations").disabled = start.readOnly;
  for (const id of ["approve", "settle", "missing", "occluded", "clear", "newLandmark", "outline", "ruler"]) $(id).disabled = read || !session.pixels;
}

function showSaved() {
  const wrong = session.offline;
  $("saved").textContent = start?.readOnly ? "read only" : wrong ? "NOT SAVED: the server does not answer" : session.busy ? "saving …" : session.film ? "saved" : "";
  $("saved").className = wrong ? "wrong" : "";
}

session.message = message;
session.changed = () => { lookAtScheme(); editor.draw(); showFacts(); showSaved(); };
session.answered = (film) => list.update(film.number, film.server);
function showAbout() {
  const approved = list.rows.reduce((sum, { state }) => sum + (state === "approved"), 0);
  about.show(session.film && editor.landmark(), editor.active, definitions[editor.active], session.film?.number, approved);
}

editor.drawn = () => { showPrompt(); showAbout(); $("accept").disabled = start.readOnly || editor.landmark()?.state !== "proposed"; };
editor.quiet = quiet;
editor.moved = (point) => {
  if (!view.pixels || !point) return;
  const grey = view.pixels.at(...point);
  $("cursor").textContent = grey === null ? "" : `x ${point[0].toFixed(1)}  y ${point[1].toFixed(1)}  grey ${grey}`;
};
window.addEventListener("beforeunload", (event) => { session.flush(); if (session.busy) event.preventDefault(); });

// -- films --

async function open(number) {
  if (number === undefined) { message("There is no further film in this list."); return; }
  pointer.cancel();
  drawing.stop();
  quiet();
  $("wait").hidden = true;
  list.select(number);
  const slow = setTimeout(() => { $("wait").textContent = "Opening the film …"; $("wait").hidden = false; }, 200);
  try {
    if (!await session.open(number)) return;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    session.film = null;
    view.show(null);
    clearTimeout(slow);
    $("wait").textContent = `This film cannot be shown. ${error.message}`;
    $("wait").hidden = false;
    session.changed();
    return;
  } finally {
    clearTimeout(slow);
    list.opened();
  }
  $("wait").hidden = Boolean(session.pixels);
  $("wait").textContent = `This film cannot be shown. ${session.film.server.broken} Press x to reject it.`;
  $("cursor").textContent = "";
  drawing.stop(); // of what was begun while the film was opened
  view.show(session.pixels);
  editor.begin();
  session.changed();
  if (session.film.server.exchanged) message("The pixels of this film have changed since its points were set. Check every point.", true);
  ahead(session.pixels);
}

// Read the whole of a large film, then the next two, so that they are there at once; if one is broken, opening it says so.
async function ahead(pixels) {
  const onScreen = () => session.pixels === pixels;
  try {
    await pixels?.complete();
    if (onScreen()) view.draw();
    const [next, later] = [list.beside(1), list.beside(2)];
    if (onScreen() && next !== undefined) await (await session.load(next)).complete();
    if (onScreen() && later !== undefined) await session.load(later);
  } catch { /* see above */ }
}

list.chosen = open;

async function approve() {
  const film = session.film;
  await newLandmarks.adding; // one that was just named has no mark yet
  if (session.film === film && await editor.approve() && session.film === film) {
    const next = list.unfinished();
    if (next === undefined) message("Every film in this list is approved or rejected.");
    else open(next);
  }
}

async function reject() {
  if (!editor.allowed()) return;
  const film = session.film;
  if (await session.act("reject") && session.film === film && list.unfinished() !== undefined) open(list.unfinished());
}

// -- keys and buttons --

const levels = (du, dv) => view.pixels && editor.levels(du, dv);
const switched = (what) => { view[what] = !view[what]; view.draw(); };
const ACTS = {
  placeOrAccept: () => editor.placeOrAccept(), missing: () => editor.missing(), restMissing: () => editor.restMissing(),
  occluded: () => editor.occluded(), clear: () => editor.clear(), next: () => editor.step(1), previous: () => editor.step(-1),
  left: (event) => editor.nudge("left", event), right: (event) => editor.nudge("right", event),
  up: (event) => editor.nudge("up", event), down: (event) => editor.nudge("down", event), cancel: () => { pointer.cancel(); quiet(); },
  slideBack: (event) => editor.slide(-1, event), slideOn: (event) => editor.slide(1, event),
  follow: () => { $("follow").checked = !followers.on; view.draw(); }, settle: () => editor.settle(),
  approve, reject, reopen: () => editor.allowed() && session.act("reopen"),
  nextFilm: () => open(list.beside(1)), previousFilm: () => open(list.beside(-1)),
  newLandmark: () => newLandmarks.begin(), outline: () => outline.ask(), ruler: () => ruler.begin(),
  relations: () => editor.allowed() && relations.open().catch((error) => message(error.message, true)),
  undo: () => editor.allowed() && session.act("undo"), redo: () => editor.allowed() && session.act("redo"),
  zoomIn: () => view.zoom(1.25), zoomOut: () => view.zoom(0.8), fit: () => view.pixels && view.fit(),
  brighter: () => levels(0, -12), darker: () => levels(0, 12), harder: () => levels(-20, 0), softer: () => levels(20, 0),
  natural: () => { view.pixels?.resetWindow(); view.draw(); }, invert: () => { view.pixels?.invert(); view.draw(); },
  lens: () => view.turnLens(), outlines: () => switched("outlines"), names: () => switched("names"), points: () => switched("points"),
  train: () => learning.train(), log: () => learning.showLog(), find: () => $("find").focus(), sheet: () => $("keys").showModal(),
  ...known.acts,
};

document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const typing = event.target.matches("input, textarea, select");
  if (typing) {
    if (event.key === "Escape") $("marks").focus();
    return;
  }
  if (event.key === "Enter" && event.target.matches("button, a")) return; // it is pressed
  if (drawing.key(event)) { event.preventDefault(); return; }
  const act = actOf(event);
  if (!act) return;
  event.preventDefault();
  ACTS[act](event);
});

for (const id of ["newLandmark", "outline", "ruler", "relations", "missing", "occluded", "clear", "undo", "redo", "reject", "reopen", "approve", "settle"]) $(id).addEventListener("click", () => ACTS[id]());
$("follow").addEventListener("change", () => { $("more").hidePopover(); $("marks").focus(); });
$("accept").addEventListener("click", () => editor.placeOrAccept());
$("help").addEventListener("click", () => $("keys").showModal());

// -- landmarks and people --

function takeScheme(scheme) {
  session.landmarks = scheme ? scheme.landmarks : [];
  editor.outlines = outline.outlines = scheme ? scheme.outlines : [];
  definitions = scheme ? scheme.definitions : [];
  revision = scheme ? scheme.revision : "";
  list.total = session.landmarks.length;
}

async function lookAtScheme() { // another window may have changed it
  const told = session.film?.server.scheme;
  if (told === undefined || told === revision || told === lookedAt || session.waiting) return;
  lookedAt = told;
  const before = revision;
  try {
    takeScheme((await getJson("/api/start")).scheme);
  } catch { return; } // the next edit says that the server is gone
  if (revision !== before) message("Another window has changed the landmarks.");
  session.changed();
}

async function change(told) {
  session.waiting++;
  session.changed();
  try {
    takeScheme((await post("/api/scheme", { who: session.who, ...told })).scheme);
    await list.read(session.who);
    await session.refresh();
  } finally {
    session.waiting--;
    session.changed();
  }
}

function askScheme() {
  return new Promise((resolve) => {
    let done = false;
    const use = async (told) => {
      try {
        await change(told);
        done = true;
        $("scheme").close();
        resolve();
      } catch (error) { $("scheme-error").textContent = error.message; }
    };
    $("click-them").addEventListener("click", () => { done = true; $("scheme").close(); resolve(true); });
    $("shipped").replaceChildren(...start.schemes.map(({ name, count, landmarks }) => {
      const button = document.createElement("button");
      button.textContent = `${name} `;
      const more = button.appendChild(document.createElement("span"));
      more.textContent = `${count} landmarks: ${landmarks.join(", ")}, …`;
      button.addEventListener("click", () => use({ choose: name }));
      return button;
    }));
    $("own").addEventListener("submit", (event) => {
      event.preventDefault();
      const names = $("names").value.split("\n").map((name) => name.trim()).filter(Boolean);
      if (names.length) use({ add: names });
      else $("scheme-error").textContent = "Write one name at least.";
    });
    $("scheme").addEventListener("close", () => { if (!done) $("scheme").showModal(); });
    $("scheme").showModal();
  });
}

function askPerson(suggested) {
  return new Promise((resolve) => {
    const [dialog, input] = [$("person"), $("person-name")];
    input.value = suggested;
    dialog.addEventListener("close", () => resolve(input.value.trim()), { once: true }); // without one it is asked again
    dialog.showModal();
    input.select();
  });
}

const remembered = () => decodeURIComponent(document.cookie.split("; ").find((c) => c.startsWith(`${NAME}=`))?.slice(NAME.length + 1) || "");

async function person(ask) {
  let name = ask ? "" : remembered();
  while (!name) name = await askPerson(remembered() || start.user);
  document.cookie = `${NAME}=${encodeURIComponent(name)}; path=/; max-age=31536000; samesite=strict`;
  session.who = name;
  $("who").textContent = name;
  try {
    await list.read(name);
  } catch (error) {
    message(error.message, true);
    await person(true);
  }
}

$("who").addEventListener("click", async () => {
  if (session.busy) { message("Wait until everything is saved."); return; }
  await person(true);
  if (session.film) await open(session.film.number);
});

// -- at first --

async function begin() {
  fillSheet($("sheet"), (act) => { $("keys").close(); ACTS[act]({}); });
  start = await getJson("/api/start");
  editor.readOnly = start.readOnly;
  takeScheme(start.scheme);
  await person(false);
  const byClicks = !start.scheme && !start.readOnly && await askScheme();
  learning.news = look;
  await learning.begin($("sort"));
  await open(list.unfinished() ?? list.order[0]);
  $("marks").focus();
  if (byClicks) newLandmarks.begin();
  setInterval(() => { if (list.proposing?.working) look(); }, LOOK_AGAIN);
}

async function look() { // new proposals may have come
  if (session.busy) return;
  try {
    await list.read(session.who);
    if (session.film?.server.state === "new") await session.refresh();
  } catch { /* the next edit says that the server is gone */ }
}

begin().catch((error) => message(error.message, true));
