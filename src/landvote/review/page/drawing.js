// Points that a person sets one after the other on the film for a purpose: an outline, a ruler, new landmarks.
// By mouse: clicks; a click on the last point ends. By keys: arrows move a cross, Enter sets a point there or ends.

const SAME = 6; // screen pixels within which a click is on the last point
const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Drawing {
  constructor(view, editor) {
    Object.assign(this, { view, editor, task: null, points: [], cursor: null });
    editor.drawing = this;
  }

  get active() { return this.task !== null; }
  said() { return this.task.says(this.points); }

  // A task: says(points) for the prompt, least and few (what to say below that), ended(points); or take(point) for each;
  // if need be most, curve(points), ghosts(points), and stopped().
  begin(task, points = []) {
    this.stop();
    if (!this.editor.seen()) return;
    Object.assign(this, { task, points });
    this.cursor = points.at(-1) ?? this.editor.within(this.view.toImage([this.view.width / 2, this.view.height / 2]));
    this.view.points = true;
    this.view.marks.focus();
    this.editor.draw();
  }

  stop() {
    if (!this.task) return;
    const { task } = this;
    Object.assign(this, { task: null, points: [] });
    task.stopped?.();
    this.editor.draw();
  }

  click(point) {
    const at = this.editor.within(point);
    this.cursor = at;
    const last = this.points.at(-1);
    if (last && this.distance(last, at) < SAME) this.end();
    else if (this.task.take) this.task.take(at);
    else {
      this.points.push(at);
      if (this.points.length === this.task.most) this.end();
    }
    this.editor.draw();
  }

  distance(a, b) {
    const [[u, v], [s, t]] = [this.view.toScreen(a), this.view.toScreen(b)];
    return Math.hypot(u - s, v - t);
  }

  end() {
    const { task, points } = this;
    if (task.take) return;
    if (points.length < task.least) { this.editor.say(task.few); return; }
    Object.assign(this, { task: null, points: [] });
    task.ended(points);
  }

  back() {
    this.points.pop();
    this.cursor = this.points.at(-1) ?? this.cursor;
    this.editor.draw();
  }

  // Obey a key while something is drawn; say whether it was one of these.
  key(event) {
    if (!this.task) return false;
    const ctrl = event.ctrlKey || event.metaKey;
    if (event.key === "Escape") this.stop();
    else if (event.key === "Enter") this.click(this.cursor);
    else if (event.key === "Backspace" || (ctrl && event.key === "z")) this.back();
    else if (STEP[event.key] && !ctrl) {
      const size = event.shiftKey ? 10 : event.altKey ? 0.2 : 1;
      this.cursor = this.editor.within(this.cursor.map((v, k) => v + STEP[event.key][k] * size));
      this.view.reveal(this.cursor);
      this.view.draw();
    } else return false;
    return true;
  }

  draw(context, view) {
    if (!this.task) return;
    const line = this.task.curve?.(this.points) ?? this.points;
    const path = new Path2D(line.map((point, i) => `${i ? "L" : "M"}${view.toScreen(point)}`).join(""));
    const dots = (points, size) => new Path2D(points.map((point) => {
      const [u, v] = view.toScreen(point);
      return `M${u - size} ${v}a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0Z`;
    }).join(""));
    const [ghosts, anchors] = [dots(this.task.ghosts?.(this.points) ?? [], 2.5 * view.unit), dots(this.points, 5 * view.unit)];
    const [u, v] = view.toScreen(this.cursor);
    const cross = new Path2D(`M${u - 15} ${v}h11M${u + 4} ${v}h11M${u} ${v - 15}v11M${u} ${v + 4}v11`);
    for (const [colour, width] of [["#000c", 4], ["#7bd88f", 1.8]]) {
      context.strokeStyle = colour;
      context.lineWidth = width * view.unit;
      for (const drawn of [path, ghosts, anchors, cross]) context.stroke(drawn);
    }
  }
}
