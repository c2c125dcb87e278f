// What a person does to the film on the screen: choose, place, move, decide, approve.

import { further, nearest } from "./curve.js";

const STEP = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };

export class Editor {
  constructor(session, view, panel, message) {
    Object.assign(this, { session, view, panel, active: 0, hovered: -1, previewed: null, readOnly: false });
    this.say = message;
    this.moved = this.drawn = this.quiet = () => {};
    this.route = (landmarks) => landmarks.map((_, i) => i); // the order in which they are gone through
    view.scene = () => this.scene();
    panel.chosen = (i) => this.choose(i, true);
  }

  // What is drawn: the landmarks as they are, and where one is just being dragged to.
  scene() {
    const landmarks = this.session.all();
    for (const landmark of landmarks) landmark.doubt = landmark.error === null ? 0 : this.doubt(landmark.error);
    if (landmarks[this.hovered]) landmarks[this.hovered].hovered = true;
    if (this.previewed && landmarks[this.previewed.i]) {
      const landmark = landmarks[this.previewed.i];
      for (const [name, point] of Object.entries(this.followers.places(landmarks, this.previewed.i, this.previewed.point))) {
        landmarks.find((other) => other.name === name).point = point;
      }
      landmark.point = this.previewed.point;
      if (landmark.state === "proposed") landmark.state = "placed";
    }
    return { landmarks, outlines: this.outlines || [], active: this.active, drawing: this.drawing };
  }

  // 0 for an expected error of 1 mm or less, 1 for 5 mm or more; without mm, for 0.2 and 1 % of the film's diagonal.
  doubt(error) {
    const { spacing, size } = this.session.film.server;
    const relative = spacing ? (error * (spacing.x + spacing.y)) / 2 : (error / Math.hypot(...(size || [1, 1]))) * 500;
    return Math.min(1, Math.max(0, (relative - 1) / 4));
  }

  landmark(i = this.active) { return this.session.all()[i]; }

  draw() {
    this.panel.draw(this.session.all(), this.active);
    this.view.draw();
    this.drawn();
  }

  begin() { // a film was opened
    this.previewed = null;
    const landmarks = this.session.all();
    this.active = this.route(landmarks).find((i) => landmarks[i].state === "undecided") ?? 0;
    this.draw();
  }

  choose(i, reveal = false) {
    if (i < 0 || i >= this.session.landmarks.length) return;
    this.active = i;
    const { point } = this.landmark();
    if (point && reveal) this.view.reveal(point);
    this.draw();
  }

  step(by) {
    const order = this.route(this.session.all());
    const n = order.length;
    if (n) this.choose(order[(order.indexOf(this.active) + by + n) % n], true);
  }

  onward() { // to the next landmark that is not placed; there may be none
    const landmarks = this.session.all();
    const order = this.route(landmarks);
    const n = order.length;
    for (let k = 1; k < n; k++) {
      const i = order[(order.indexOf(this.active) + k) % n];
      if (landmarks[i].state === "undecided") { this.choose(i); return; }
    }
    this.draw();
  }

  hover(i, point) {
    this.hovered = i;
    this.view.marks.className = i >= 0 ? "point" : "";
    this.moved(point);
  }

  preview(i, point) {
    this.previewed = i === null ? null : { i, point };
    if (i !== null && !this.readOnly) this.followers.ask(this.session.landmarks[i]);
    if (point) this.moved(point);
    this.view.draw();
  }

  allowed() {
    if (this.readOnly) this.say("This review is read only.");
    return Boolean(this.session.film) && !this.readOnly;
  }

  seen() { return this.allowed() && Boolean(this.session.pixels); } // what is not seen is not decided, but for rejecting it

  within([x, y]) {
    const [w, h] = this.session.film.server.size;
    const digits = (v) => Math.round(v * 1000) / 1000;
    return [digits(Math.min(w - 0.5, Math.max(-0.5, x))), digits(Math.min(h - 0.5, Math.max(-0.5, y)))];
  }

  put(i, point) { // a landmark was dragged or dropped there
    this.preview(null);
    this.quiet();
    if (!this.seen()) return;
    const [x, y] = this.within(point);
    const landmarks = this.session.all();
    const { name, state } = landmarks[i];
    const followed = Object.entries(this.followers.places(landmarks, i, [x, y])).map(([other, at]) => [other, this.within(at)]);
    this.session.set({ [name]: { state: state === "occluded" ? "occluded" : "placed", x, y } }, Object.fromEntries(followed));
    this.draw();
  }

  click(point) { // beside all points: the chosen landmark is placed there, if it has no place yet
    if (this.drawing?.active) { this.drawing.click(point); return; }
    const landmark = this.landmark();
    if (!landmark || !this.session.film) return;
    if (landmark.point) {
      this.say("Every landmark has a place or is proposed. Drag a point, or click it and click where it belongs.");
      return;
    }
    if (!this.seen()) return;
    const fresh = landmark.state === "undecided";
    this.put(this.active, point);
    if (fresh) this.onward();
  }

  nudge(act, event) {
    const landmark = this.landmark();
    if (!landmark?.point || !this.seen()) return;
    const size = event.shiftKey ? 10 : event.altKey ? 0.2 : 1;
    const [x, y] = this.within(landmark.point.map((v, k) => v + STEP[act][k] * size));
    this.session.nudge(landmark.name, { state: landmark.state === "occluded" ? "occluded" : "placed", x, y });
    this.view.reveal([x, y]);
  }

  // Where a landmark that is dragged to a point lies on its outline; the point itself for one on none.
  onOutline(i, point) { return nearest(i, point, this.outlines || [], this.session.all()) || point; }

  slide(by, event) {
    const landmark = this.landmark();
    if (!landmark?.point || !this.seen()) return;
    const place = further(this.active, by * (event.altKey ? 0.2 : 1), this.outlines || [], this.session.all());
    if (!place) { this.say("This landmark is on no outline."); return; }
    const [x, y] = this.within(place);
    this.session.nudge(landmark.name, { state: landmark.state === "occluded" ? "occluded" : "placed", x, y });
    this.view.reveal([x, y]);
  }

  async settle() {
    if (!this.seen()) return;
    const { film } = this.session;
    const before = film.server.proposal;
    if (await this.session.act("settle") && this.session.film === film) {
      this.say(film.server.proposal === before ? "Nothing moved." : "Settled. Ctrl Z puts it back.");
    }
  }

  placeOrAccept() {
    const landmark = this.landmark();
    if (!landmark || !this.seen()) return;
    if (landmark.state === "proposed") {
      this.session.set({ [landmark.name]: { state: "placed", x: landmark.point[0], y: landmark.point[1] } });
      this.step(1);
    } else if (!landmark.point) this.click(this.view.toImage([this.view.width / 2, this.view.height / 2]));
  }

  missing() {
    const landmark = this.landmark();
    if (!landmark || !this.seen()) return;
    if (landmark.state === "missing") this.session.set({ [landmark.name]: null });
    else {
      this.session.set({ [landmark.name]: { state: "missing" } });
      this.onward();
    }
  }

  restMissing() {
    if (!this.seen()) return;
    const rest = this.session.all().filter(({ state }) => state === "undecided");
    if (rest.length) this.session.set(Object.fromEntries(rest.map(({ name }) => [name, { state: "missing" }])));
  }

  occluded() {
    const landmark = this.landmark();
    if (!landmark || !this.seen()) return;
    if (!landmark.point) { this.say("Place the landmark where it must be, then press o to say that it is hidden."); return; }
    const [x, y] = landmark.point;
    this.session.set({ [landmark.name]: { state: landmark.state === "occluded" ? "placed" : "occluded", x, y } });
  }

  clear() {
    const landmark = this.landmark();
    if (landmark && this.seen() && landmark.state !== "undecided" && landmark.state !== "proposed") this.session.set({ [landmark.name]: null });
  }

  async approve() {
    if (!this.seen()) return false;
    const lacking = this.session.all().flatMap(({ state, name }, i) => (state === "undecided" ? [[i, name]] : []));
    if (lacking.length) {
      this.choose(lacking[0][0], true);
      this.say(`Not placed yet: ${lacking.slice(0, 3).map(([, name]) => name).join(", ")}${lacking.length > 3 ? ", ..." : ""}. ` +
        "Place each, or press m where one is missing (Shift M: all of these).");
      return false;
    }
    return this.session.act("approve");
  }

  levels(du, dv) {
    const pixels = this.view.pixels;
    pixels.setWindow(pixels.centre + dv * pixels.natural / 400, pixels.window * Math.exp(du / 200));
    this.view.draw();
  }
}
