// One film on its canvas: where it lies on the screen, and how it and its landmarks are drawn.
// Image coordinates: x right, y down, (0, 0) the centre of the top-left pixel.

import { pieces } from "./curve.js";
import { colourOf, shape } from "./marks.js";

const MARGIN = 0.2; // of the screen, drawn beside it, so that a small shift needs no new greys
const LENSES = [0, 140, 220, 320];

export class View {
  constructor(film, marks, lens) {
    Object.assign(this, { film, marks, lens, pixels: null, scale: 1, left: 0, top: 0, ratio: 1, unit: 1, pointer: null });
    Object.assign(this, { lensSize: 0, outlines: true, names: false, points: true, asked: false, shown: null, layers: [] });
    this.scene = () => ({ landmarks: [], outlines: [], active: -1 });
    this.buffer = document.createElement("canvas");
    new ResizeObserver(() => this.resize()).observe(film.parentElement);
  }

  resize() {
    const box = this.film.parentElement.getBoundingClientRect();
    const fitted = this.fitted;
    this.ratio = window.devicePixelRatio || 1;
    this.unit = parseFloat(getComputedStyle(document.body).fontSize) / 13; // large screens have larger letters and marks
    for (const canvas of [this.film, this.marks]) {
      canvas.width = Math.max(1, Math.round(box.width * this.ratio));
      canvas.height = Math.max(1, Math.round(box.height * this.ratio));
    }
    this.shown = null;
    if (this.pixels && fitted) this.fit();
    this.draw();
  }

  show(pixels) {
    this.pixels = pixels;
    this.shown = null;
    if (pixels) this.fit();
    this.draw();
  }

  get width() { return this.film.width / this.ratio; }
  get height() { return this.film.height / this.ratio; }

  fit() {
    const { width, height } = this.pixels;
    this.scale = Math.min(this.width / width, this.height / height) * 0.98;
    this.left = (this.width - width * this.scale) / 2;
    this.top = (this.height - height * this.scale) / 2;
    this.fitted = true;
    this.draw();
  }

  toScreen([x, y]) { return [(x + 0.5) * this.scale + this.left, (y + 0.5) * this.scale + this.top]; }
  toImage([u, v]) { return [(u - this.left) / this.scale - 0.5, (v - this.top) / this.scale - 0.5]; }

  zoom(factor, [u, v] = [this.width / 2, this.height / 2]) {
    if (!this.pixels) return;
    const least = Math.min(this.width / this.pixels.width, this.height / this.pixels.height) * 0.5;
    const scale = Math.min(60, Math.max(least, this.scale * factor));
    this.left = u - (u - this.left) * (scale / this.scale);
    this.top = v - (v - this.top) * (scale / this.scale);
    this.scale = scale;
    this.fitted = false;
    this.keepInside();
    this.draw();
  }

  pan(du, dv) {
    this.left += du;
    this.top += dv;
    this.fitted = false;
    this.keepInside();
    this.draw();
  }

  keepInside() { // a part of the film always stays on the screen
    const [w, h] = [this.pixels.width * this.scale, this.pixels.height * this.scale];
    this.left = Math.min(this.width - 60, Math.max(60 - w, this.left));
    this.top = Math.min(this.height - 60, Math.max(60 - h, this.top));
  }

  reveal(point) {
    const [u, v] = this.toScreen(point);
    if (u < 20 || v < 20 || u > this.width - 20 || v > this.height - 20) this.pan(this.width / 2 - u, this.height / 2 - v);
  }

  turnLens() {
    this.lensSize = LENSES[(LENSES.indexOf(this.lensSize) + 1) % LENSES.length];
    this.draw();
  }

  draw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.drawFilm();
      this.drawMarks();
      this.drawLens();
    });
  }

  drawFilm() {
    const context = this.film.getContext("2d", { alpha: false });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.film.width, this.film.height);
    if (!this.pixels) return;
    const scale = this.scale * this.ratio;
    const n = Math.min(this.pixels.deepest(), Math.max(this.pixels.first, Math.round(-Math.log2(scale))));
    const wanted = this.window(n);
    const shown = this.shown;
    const stale = !shown || shown.n !== n || shown.version !== this.pixels.version || shown.pixels !== this.pixels;
    if (stale || wanted.some((v, i) => (i < 2 ? v < shown.area[i] : v > shown.area[i]))) this.fill(n, wanted);
    const [x0, y0, x1, y1] = this.shown.area;
    const cell = 2 ** n * scale;
    context.imageSmoothingEnabled = scale < 8;
    context.imageSmoothingQuality = scale < 1 ? "medium" : "high";
    context.drawImage(
      this.buffer, 0, 0, x1 - x0, y1 - y0,
      this.left * this.ratio + x0 * cell, this.top * this.ratio + y0 * cell, (x1 - x0) * cell, (y1 - y0) * cell);
  }

  // Which pixels of a level are on the screen.
  window(n) {
    const { width, height } = this.pixels.level(n);
    const cell = 2 ** n * this.scale;
    const within = (v, most) => Math.min(most, Math.max(0, v));
    return [
      within(Math.floor(-this.left / cell), width - 1), within(Math.floor(-this.top / cell), height - 1),
      within(Math.ceil((this.width - this.left) / cell), width), within(Math.ceil((this.height - this.top) / cell), height),
    ];
  }

  fill(n, [x0, y0, x1, y1]) {
    const { width, height } = this.pixels.level(n);
    const [dx, dy] = [Math.ceil((x1 - x0) * MARGIN), Math.ceil((y1 - y0) * MARGIN)];
    const area = [Math.max(0, x0 - dx), Math.max(0, y0 - dy), Math.min(width, x1 + dx), Math.min(height, y1 + dy)];
    const image = this.pixels.region(n, ...area);
    this.buffer.width = image.width;
    this.buffer.height = image.height;
    this.buffer.getContext("2d", { alpha: false }).putImageData(image, 0, 0);
    this.shown = { n, area, version: this.pixels.version, pixels: this.pixels };
  }

  drawMarks() {
    const context = this.marks.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    if (!this.pixels || !this.points) return;
    const { landmarks, outlines, active, drawing } = this.scene();
    if (this.outlines) for (const outline of outlines) this.drawOutline(context, outline, landmarks);
    for (const draw of this.layers) draw(context);
    const many = landmarks.length > 40;
    landmarks.forEach((landmark, i) => {
      if (!landmark.point) return;
      const [u, v] = this.toScreen(landmark.point);
      const size = this.unit * (i === active ? 7 : many ? 3.5 : 5);
      const path = new Path2D(shape(landmark.state, u, v, size));
      for (const [colour, width] of [["#000c", 4], [colourOf(landmark), i === active ? 2.2 : 1.6]]) {
        context.strokeStyle = colour;
        context.lineWidth = width * this.unit;
        context.stroke(path);
      }
      if (i === active) {
        context.lineWidth = 1;
        context.strokeStyle = "#fff";
        context.stroke(new Path2D(`M${u - 16} ${v}h7M${u + 9} ${v}h7M${u} ${v - 16}v7M${u} ${v + 9}v7`));
      }
      if (i === active || landmark.hovered) label(context, `${i + 1} ${landmark.name}`, u, v, this);
      else if (this.names) label(context, many ? `${i + 1}` : `${i + 1} ${landmark.name}`, u, v, this, true);
    });
    drawing?.draw(context, this);
  }

  drawOutline(context, outline, landmarks) {
    const runs = [[]];
    for (const i of outline.points) {
      const point = landmarks[i] && landmarks[i].point;
      if (point) runs[runs.length - 1].push(this.toScreen(point));
      else runs.push([]);
    }
    const path = new Path2D(runs.filter((run) => run.length > 1).map(smooth).join(""));
    for (const [colour, width] of [["#0008", 3], ["#ffffff90", 1.2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke(path);
    }
  }

  drawLens() {
    const { lens, lensSize, pointer } = this;
    lens.hidden = !lensSize || !pointer || !this.pixels;
    if (lens.hidden) return;
    const size = Math.round(lensSize * this.ratio);
    if (lens.width !== size) lens.width = lens.height = size;
    lens.style.width = lens.style.height = `${lensSize}px`;
    const [u, v] = pointer;
    const beside = u + 30 + lensSize < this.width ? u + 30 : u - 30 - lensSize;
    lens.style.left = `${beside}px`;
    lens.style.top = `${Math.min(this.height - lensSize, Math.max(0, v - lensSize / 2))}px`;
    const times = Math.max(2, 4 / this.scale); // at least four times the pixels of the film
    const [x, y] = this.toImage(pointer);
    const half = lensSize / (2 * this.scale * times);
    const n = this.pixels.first;
    const side = 2 ** n; // of a pixel of that level
    const { width, height } = this.pixels.level(n);
    const [x0, y0] = [x, y].map((v) => Math.max(0, Math.floor((v - half) / side)));
    const [x1, y1] = [[x, width], [y, height]].map(([v, most]) => Math.min(most, Math.ceil((v + half) / side) + 1));
    const context = lens.getContext("2d", { alpha: false });
    context.fillStyle = "#000";
    context.fillRect(0, 0, size, size);
    const cell = this.scale * times * this.ratio;
    const place = (px, py) => [size / 2 + (px - x) * cell, size / 2 + (py - y) * cell];
    if (x1 > x0 && y1 > y0) {
      this.small ||= document.createElement("canvas");
      [this.small.width, this.small.height] = [x1 - x0, y1 - y0];
      this.small.getContext("2d", { alpha: false }).putImageData(this.pixels.region(n, x0, y0, x1, y1), 0, 0);
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.small, ...place(x0 * side - 0.5, y0 * side - 0.5), (x1 - x0) * side * cell, (y1 - y0) * side * cell);
    }
    context.lineWidth = 1.5 * this.ratio;
    for (const landmark of this.scene().landmarks) {
      if (!landmark.point || !this.points) continue;
      const [a, b] = place(...landmark.point);
      context.strokeStyle = colourOf(landmark);
      context.stroke(new Path2D(shape(landmark.state, a, b, 5 * this.ratio)));
    }
    const [c, d] = [size / 2, 6 * this.ratio];
    const cross = new Path2D(`M${c - 3 * d} ${c}h${2 * d}M${c + d} ${c}h${2 * d}M${c} ${c - 3 * d}v${2 * d}M${c} ${c + d}v${2 * d}`);
    for (const [colour, width] of [["#000b", 3], ["#fff", 1]]) {
      context.strokeStyle = colour;
      context.lineWidth = width * this.ratio;
      context.stroke(cross);
    }
  }
}

// A curve through all points, as a path.
function smooth(points) {
  let path = `M${points[0]}`;
  for (const [, c, d, b] of pieces(points)) path += `C${c} ${d} ${b}`;
  return path;
}

function label(context, text, u, v, view, faint = false) {
  context.font = `${view.unit * (faint ? 11 : 13)}px system-ui, sans-serif`;
  const width = context.measureText(text).width;
  const x = u + 14 + width < view.width ? u + 11 : u - 11 - width;
  const y = Math.max(14, v - 9);
  context.lineWidth = 3;
  context.strokeStyle = "#000d";
  context.strokeText(text, x, y);
  context.fillStyle = faint ? "#d4dae0" : "#fff";
  context.fillText(text, x, y);
}
