// Learning: how far the loop is, the models it has made, and what a person asks of it.

import { getJson, post } from "./api.js";

const OFTEN = 1500; // milliseconds between looks while a model is trained
const SELDOM = 5000;
const TALL = 900; // pixels of a window in which there is room for all of it
const FEW = 50; // approved films; with fewer, the films that teach most come first
const KINDS = { given: "yours", forest: "forests", network: "network" };
const NAMED = { "rfrv": "Forests", "rfrv-clm": "Forests with a shape model", "whdv": "A network" };

const $ = (id) => document.getElementById(id);
const films = (count) => `${count} approved film${count === 1 ? "" : "s"}`;

// How far a training is, in words and from 0 to 1, by its last event.
export function progressOf(event) {
  switch (event?.event) {
    case "FilmRead": return ["reading films", event.done / event.films];
    case "ForestGrown": return [`${event.stage}: landmark ${event.done} of ${event.landmarks}`, event.done / event.landmarks];
    case "StepTaken": return [`${event.stage}: step ${event.step}`, event.progress];
    case "FilmLocated": return ["measuring errors", event.done / Math.max(event.films, 1)];
    case "StageBegun": return [`${event.stage}: begins`, 0];
    case "StageEnded": return [`${event.stage}: done`, 1];
    case "Planned": return [`takes about ${Math.max(1, Math.round(event.minutes))} min`, null];
    default: return ["begins", null];
  }
}

// The sentence at the top of the part: what is there, and what comes next.
export function sentenceOf(told) {
  const { approved, first, next, state, paused } = told;
  if (state === "preparing") return `Preparing ${films(approved)} …`;
  if (state === "training") {
    const part = progressOf(told.event)[1];
    return `${NAMED[told.recipe]} learn${told.recipe === "whdv" ? "s" : ""}: ${Math.floor(told.seconds / 60)} min ${told.seconds % 60} s${part === null ? "" : `, ${Math.floor(100 * part)} %`}`;
  }
  const had = `${films(approved)}.`;
  if (paused) return `${had} Learning is paused.`;
  if (state === "stopped") return `${had} Stopped. Next training at ${Math.max(next, approved + 1)}.`;
  if (!told.models.length && approved < first) return `${had} A model learns from ${first} on.`;
  return `${had} Next training at ${Math.max(next, approved + 1)}.`;
}

export class Learning {
  constructor(message) {
    Object.assign(this, { told: null, message, news: () => {}, proposing: "", working: false });
    for (const act of ["train", "stop"]) $(`learning-${act}`).addEventListener("click", () => this.act(act));
    $("learning-pause").addEventListener("click", () => this.act(this.told.paused ? "resume" : "pause"));
    $("learning-log").addEventListener("click", () => this.showLog());
    $("learning-ask").addEventListener("click", () => $("notice").showModal());
    $("notice").addEventListener("close", () => {
      if (["accept-notice", "decline-notice"].includes($("notice").returnValue)) this.act($("notice").returnValue);
      $("notice").returnValue = "";
    });
  }

  // Look for the first time, and again and again; without learning the part stays hidden.
  async begin(sort) {
    this.take(await getJson("/api/learning"));
    if (!this.told) return;
    $("learning").hidden = false;
    $("learning").open = window.innerHeight >= TALL; // a small screen is for the list
    if (this.told.approved < FEW) {
      sort.value = "teaches";
      sort.dispatchEvent(new Event("input"));
    }
    this.later();
  }

  later(asked = false) {
    clearTimeout(this.timer);
    const busy = asked || ["training", "preparing"].includes(this.told.state);
    this.timer = setTimeout(async () => {
      try { this.take(await getJson("/api/learning")); } catch { /* the next edit says that the server is gone */ }
      this.later();
    }, busy ? OFTEN : SELDOM);
  }

  async act(act) {
    try {
      this.take(await post("/api/learning", { act }));
      this.later(true);
    } catch (error) { this.message(error.message, true); }
  }

  train() { if (this.told) this.act("train"); }

  take(told) {
    this.told = told;
    if (!told) return;
    const training = told.state === "training";
    const failed = told.state === "failed";
    $("learning-says").textContent = failed ? "The training failed." : sentenceOf(told);
    $("learning-why").textContent = failed ? told.why : told.reason;
    $("learning-why").className = failed ? "error" : "";
    if (failed && !this.failed) $("learning").open = true;
    this.failed = failed;
    const [words, part] = progressOf(told.event);
    $("learning-step").textContent = training ? words : "";
    $("learning-bar").hidden = !training;
    if (part === null) $("learning-bar").removeAttribute("value");
    else $("learning-bar").value = part;
    $("learning-train").hidden = training || told.state === "preparing";
    $("learning-train").firstChild.textContent = failed ? "Try again " : "Train now ";
    $("learning-stop").hidden = !training;
    $("learning-pause").textContent = told.paused ? "Resume learning" : "Pause learning";
    $("learning-ask").hidden = !told.asks;
    if (told.asks && told.approved >= told.first && !this.asked) $("learning").open = this.asked = true;
    $("notice-text").textContent = told.notice;
    $("learning-networks").hidden = told.network !== null;
    this.table(told);
    if ($("log").open) this.fillLog();
    const proposing = told.models.find((model) => model.proposing)?.name || "";
    if (proposing !== this.proposing) {
      const first = !this.proposing && told.models.length === 1;
      this.proposing = proposing;
      if (proposing) this.news();
      if (first) this.message("A first model proposes points now. Correct them where they are off.");
    } else if (told.proposing.working !== this.working) this.news();
    this.working = told.proposing.working;
  }

  table({ models, unit }) {
    $("learning-table").hidden = !models.length;
    const cell = (row, text, title = "") => {
      const made = row.appendChild(document.createElement("td"));
      made.textContent = text;
      made.title = title;
    };
    $("learning-models").replaceChildren(...models.slice(-4).reverse().map((model) => {
      const row = document.createElement("tr");
      row.className = model.proposing ? "proposing" : "";
      const when = model.when ? new Date(model.when * 1000).toLocaleString() : "";
      cell(row, model.proposing ? "▸" : "", model.proposing ? "proposes" : "");
      cell(row, KINDS[model.kind], `${model.name}${model.proposing ? ", which proposes" : ""}${when ? `, trained ${when}` : ""}`);
      cell(row, model.films || "", "films learned from");
      cell(row, model.error === null ? "–" : `${model.error.toFixed(2)} ${unit}`, model.held ? `mean error on ${model.held} films held out` : "no films held out yet");
      cell(row, model.held || "", "films held out");
      cell(row, when ? new Date(model.when * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false }) : "", when);
      return row;
    }));
  }

  showLog() {
    if (!this.told) return;
    this.fillLog();
    $("log").showModal();
  }

  fillLog() {
    $("log-lines").textContent = this.told.log.join("\n") || "No training has said anything yet.";
  }
}
