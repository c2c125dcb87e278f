// Mouse, pen and fingers on the film: drag a point or the film, place by a click, pick up and drop, wheel, two fingers.

const NEAR = 11; // screen pixels within which a point is meant
const STILL = 4; // screen pixels that a click may tremble

export class Pointer {
  constructor(view, editor) {
    Object.assign(this, { view, editor, drag: null, carried: null, fingers: new Map() });
    const canvas = view.marks;
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.up(event));
    canvas.addEventListener("pointerleave", () => { view.pointer = null; view.draw(); });
  }

  place(event) {
    const box = this.view.marks.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.view.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), this.place(event));
  }

  near([u, v]) {
    if (this.editor.drawing?.active) return -1; // clicks are for what is drawn
    const { landmarks, active } = this.view.scene();
    let [best, found] = [NEAR, -1];
    landmarks.forEach((landmark, i) => {
      if (!landmark.point || !this.view.points) return;
      const [a, b] = this.view.toScreen(landmark.point);
      const distance = Math.hypot(a - u, b - v) - (i === active ? 3 : 0); // the chosen one lies on top
      if (distance < best) [best, found] = [distance, i];
    });
    return found;
  }

  down(event) {
    const at = this.place(event);
    this.fingers.set(event.pointerId, at);
    this.view.marks.setPointerCapture(event.pointerId);
    this.view.marks.focus({ preventScroll: true });
    if (!this.view.pixels) return;
    if (this.fingers.size === 2) { this.drag = null; this.editor.preview(null); return; }
    if (event.button === 2) this.drag = { kind: "levels", at };
    else if (event.button === 1) this.drag = { kind: "pan", at };
    else if (this.carried !== null) this.drag = { kind: "drop", start: at, at };
    else {
      const found = this.near(at);
      if (found >= 0) this.editor.choose(found);
      this.drag = { kind: found >= 0 ? "point" : "film", landmark: found, start: at, at, moved: false };
      if (found >= 0) {
        const [u, v] = this.view.toScreen(this.view.scene().landmarks[found].point);
        this.drag.offset = [u - at[0], v - at[1]]; // the point does not jump to the pointer
      }
    }
    event.preventDefault();
  }

  move(event) {
    const at = this.place(event);
    if (this.fingers.has(event.pointerId) && this.fingers.size === 2) { this.pinch(event.pointerId, at); return; }
    this.view.pointer = at;
    const drag = this.drag;
    if (!drag) {
      if (this.carried !== null) this.editor.preview(this.carried, this.view.toImage(at));
      else this.editor.hover(this.near(at), this.view.toImage(at));
      this.view.draw();
      return;
    }
    const [du, dv] = [at[0] - drag.at[0], at[1] - drag.at[1]];
    drag.at = at;
    if (drag.start && Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > STILL) drag.moved = true;
    if (drag.kind === "levels") this.editor.levels(du, dv);
    else if (drag.kind === "pan" || (drag.kind !== "point" && drag.moved)) { this.view.pan(du, dv); this.view.marks.className = "pan"; }
    else if (drag.kind === "point" && drag.moved) this.editor.preview(drag.landmark, this.target(at, event));
    this.view.draw();
  }

  // Where a dragged point goes: with Ctrl or Cmd along its outline.
  target(at, event) {
    const point = this.shifted(at);
    return event.ctrlKey || event.metaKey ? this.editor.onOutline(this.drag.landmark, point) : point;
  }

  shifted(at) { return this.view.toImage([at[0] + this.drag.offset[0], at[1] + this.drag.offset[1]]); }

  pinch(id, at) {
    const [a, b] = this.fingers.values();
    const before = Math.hypot(a[0] - b[0], a[1] - b[1]);
    const middle = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    this.fingers.set(id, at);
    const [c, d] = this.fingers.values();
    const now = [(c[0] + d[0]) / 2, (c[1] + d[1]) / 2];
    this.view.zoom(Math.hypot(c[0] - d[0], c[1] - d[1]) / Math.max(1, before), middle);
    this.view.pan(now[0] - middle[0], now[1] - middle[1]);
  }

  up(event) {
    const at = this.place(event);
    this.fingers.delete(event.pointerId);
    const drag = this.drag;
    this.drag = null;
    this.view.marks.className = "";
    if (!drag || event.type === "pointercancel") { this.editor.preview(null); return; }
    if (drag.kind === "drop" && !drag.moved) {
      const landmark = this.carried;
      this.carried = null;
      this.editor.put(landmark, this.view.toImage(at));
    } else if (drag.kind === "point" && drag.moved) {
      this.drag = drag;
      const to = this.target(at, event);
      this.drag = null;
      this.editor.put(drag.landmark, to);
    } else if (drag.kind === "point" && event.pointerType !== "touch" && !this.editor.readOnly) {
      this.carried = drag.landmark; // picked up: it follows until the next click
      this.editor.say("Picked up: click where it belongs, or press Esc.");
    } else if (drag.kind === "film" && !drag.moved) this.editor.click(this.view.toImage(at));
  }

  cancel() {
    const carried = this.carried !== null || this.drag !== null;
    this.carried = this.drag = null;
    this.editor.preview(null);
    return carried;
  }
}
