// The film on the screen and its edits. An edit is shown at once, and called saved only when the server has said so.

import { getJson, post, Refused } from "./api.js";
import { readPixels } from "./pixels.js";

const KEPT = 4; // decoded films: the one on the screen, the next two, the one before
const AGAIN = 1500; // milliseconds until an edit is sent again to a server that did not answer
const CALM = 350; // milliseconds without a further nudge

export class Session {
  constructor() {
    this.who = "";
    this.landmarks = [];
    this.film = null;
    this.queue = [];
    this.cache = new Map();
    this.sending = false;
    this.offline = false;
    this.nudged = null;
    this.waiting = 0; // what else is on its way to the server: changes of the landmarks
    this.changed = () => {};
    this.message = () => {};
    this.answered = () => {};
    this.hides = () => false; // whether a proposal is too doubtful to be shown, by its expected error
  }

  // -- films --

  async open(number) {
    this.flush();
    this.wanted = number;
    const who = encodeURIComponent(this.who);
    const broken = () => null; // the state says why
    const [state, pixels] = await Promise.all([getJson(`/api/films/${number}?who=${who}`), this.load(number).catch(broken)]);
    if (this.wanted !== number) return false;
    this.film = { number, server: state, opened: performance.now() };
    this.pixels = pixels;
    return true;
  }

  load(number) {
    if (!this.cache.has(number)) {
      const loaded = readPixels(number);
      loaded.catch(() => this.cache.delete(number));
      this.cache.set(number, loaded);
    }
    const loaded = this.cache.get(number);
    this.cache.delete(number);
    this.cache.set(number, loaded);
    while (this.cache.size > KEPT) this.cache.delete(this.cache.keys().next().value);
    return loaded;
  }

  async refresh() { // new proposals may have come
    if (!this.film || this.queue.length || this.nudged) return;
    const film = this.film;
    const state = await getJson(`/api/films/${film.number}?who=${encodeURIComponent(this.who)}`);
    if (film === this.film && !this.queue.length && !this.nudged) film.server = state;
    this.changed();
  }

  // -- what is on the screen --

  // The marks as the person sees them: those of the server, and the edits that are on their way.
  marks() {
    const marks = { ...this.film.server.marks };
    const pending = this.queue.filter((edit) => edit.film === this.film && edit.act === "set").map((edit) => edit.changes);
    if (this.nudged) pending.push(this.nudged.changes);
    for (const changes of pending) {
      for (const [name, mark] of Object.entries(changes)) {
        if (mark) marks[name] = [mark.state, mark.x ?? null, mark.y ?? null, "changed"];
        else delete marks[name];
      }
    }
    return marks;
  }

  // Each landmark of the scheme: name, state, point or null, expected error in pixels or null, ellipse or null.
  all() {
    if (!this.film) return this.landmarks.map((name) => ({ name, state: "undecided", point: null, error: null }));
    const marks = this.marks();
    const proposed = { ...this.film.server.proposed };
    for (const { film, followed } of this.queue) {
      if (film === this.film) for (const [name, [x, y]] of Object.entries(followed)) proposed[name] = [x, y, proposed[name]?.[2] ?? null];
    }
    return this.landmarks.map((name) => {
      const mark = marks[name];
      if (mark) return { name, state: mark[0], point: mark[0] === "missing" ? null : [mark[1], mark[2]], error: null, how: mark[3] };
      const p = proposed[name];
      return p && !this.hides(p[2]) ? { name, state: "proposed", point: [p[0], p[1]], error: p[2], ellipse: p[3] } : { name, state: "undecided", point: null, error: null };
    });
  }

  get verdict() { return this.film ? this.film.server.state : "new"; }
  get busy() { return this.queue.length > 0 || this.nudged !== null || this.waiting > 0; }

  // -- edits --

  set(changes, followed = {}) { // followed: landmark -> where its proposal went along
    this.flush();
    this.send("set", changes, this.film, followed);
  }

  nudge(name, mark) { // many small steps are one edit
    if (this.nudged && !(name in this.nudged.changes)) this.flush();
    clearTimeout(this.nudged?.timer);
    this.nudged = { film: this.film, changes: { [name]: mark }, timer: setTimeout(() => this.flush(), CALM) };
    this.changed();
  }

  flush() {
    if (!this.nudged) return;
    clearTimeout(this.nudged.timer);
    const { film, changes } = this.nudged;
    this.nudged = null;
    this.send("set", changes, film);
  }

  act(act) {
    this.flush();
    return this.send(act, {});
  }

  send(act, changes, film = this.film, followed = {}) {
    return new Promise((resolve) => {
      const { proposal, proposed } = film.server;
      const unplaced = Object.keys(proposed).filter((name) => this.hides(proposed[name][2]));
      const shown = Math.round(performance.now() - film.opened);
      // with proposals on their way the person sees those that the server will have then
      const moving = this.queue.some((edit) => edit.film === film && Object.keys(edit.followed).length);
      this.queue.push({ act, changes, film, followed, proposal: moving ? null : proposal, unplaced, shown, resolve });
      this.changed();
      this.work();
    });
  }

  async work() {
    if (this.sending) return;
    this.sending = true;
    while (this.queue.length) {
      const edit = this.queue[0];
      const { act, changes, film, followed, unplaced, shown } = edit;
      const proposal = edit.proposal ?? film.server.proposal;
      const asked = { who: this.who, revision: film.server.revision, shown };
      const told = act === "settle" ? asked
        : { ...asked, act, proposal, changes, unplaced, ...(Object.keys(followed).length ? { followed } : {}) };
      let saved = false;
      try {
        film.server = await post(`/api/films/${film.number}/${act === "settle" ? "settle" : "edits"}`, told);
        saved = true;
        this.offline = false;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.status === 0 || error.status === 429 || error.status === 503) {
          this.offline = true;
          this.changed();
          await new Promise((done) => setTimeout(done, AGAIN));
          continue;
        }
        this.offline = false;
        if (error.status === 409 && this.merged(edit, error.state)) continue;
        if (error.status !== 409) this.message(error.message, true);
      }
      this.queue.shift();
      edit.resolve(saved);
      this.answered(film);
      this.changed();
    }
    this.sending = false;
  }

  // Another window has changed the film. Both edits are kept: ours goes on top, and undo brings the other one back.
  // Return whether ours is to be sent again.
  merged(edit, state) {
    const before = edit.film.server;
    edit.film.server = state;
    const differs = (name) => JSON.stringify(before.marks[name]) !== JSON.stringify(state.marks[name]);
    const theirs = this.landmarks.filter(differs);
    const named = theirs.slice(0, 3).join(", ") + (theirs.length > 3 ? ", ..." : "");
    const other = `Another window changed this film${named ? ` (${named})` : ""}.`;
    if (edit.act !== "set") {
      const why = state.proposal === before.proposal ? other : "New points have been proposed for this film.";
      this.message(`${why} Look at it again, then repeat what you did.`);
      return false;
    }
    const same = (name) => {
      const [mark, there] = [edit.changes[name], state.marks[name]];
      if (!mark || !there) return !mark && !there;
      return mark.state === there[0] && Math.abs((mark.x ?? 0) - (there[1] ?? 0)) < 1e-3 && Math.abs((mark.y ?? 0) - (there[2] ?? 0)) < 1e-3;
    };
    if (Object.keys(edit.changes).every(same)) return false; // it had been saved, and the answer was lost
    if ((edit.proposal ?? before.proposal) !== state.proposal) { // other points are proposed: those seen here do not follow
      edit.followed = {};
      for (const later of this.queue) if (later.film === edit.film) Object.assign(later, { followed: {}, proposal: later.proposal ?? "changed" });
    }
    const both = theirs.some((name) => name in edit.changes);
    this.message(`${other} ${both ? "Yours is kept on top; undo brings the other one back." : "Yours is kept as well."}`);
    return true;
  }
}
