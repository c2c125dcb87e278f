// The grey values of a film: decoded, halved again and again for small scales, and brought to 8 bits as they are seen.

const MAGIC = "LVF1";
const SAMPLED = 200000;

export class Pixels {
  constructor(buffer) {
    const head = new DataView(buffer);
    const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
    if (magic !== MAGIC) throw new Error("not a film");
    this.width = head.getUint32(4, true);
    this.height = head.getUint32(8, true);
    this.bits = head.getUint32(12, true);
    const count = this.width * this.height;
    const data = this.bits === 16 ? new Uint16Array(buffer, 16, count) : new Uint8Array(buffer, 16, count);
    this.levels = [{ width: this.width, height: this.height, data }];
    this.table = new Uint8ClampedArray(this.bits === 16 ? 65536 : 256);
    this.version = 0;
    this.inverted = false;
    this.resetWindow();
  }

  // Level n has 1 / 2^n of the pixels a side; it is made when it is first looked at.
  level(n) {
    while (this.levels.length <= n) this.levels.push(halved(this.levels[this.levels.length - 1]));
    return this.levels[n];
  }

  deepest() {
    return Math.max(0, Math.floor(Math.log2(Math.min(this.width, this.height))) - 4);
  }

  resetWindow() {
    const data = this.levels[0].data;
    const step = Math.max(1, Math.floor(data.length / SAMPLED));
    const some = data.filter ? Float32Array.from({ length: Math.floor(data.length / step) }, (_, i) => data[i * step]) : data;
    some.sort();
    const low = some[Math.floor(some.length * 0.005)];
    const high = some[Math.floor((some.length - 1) * 0.998)];
    this.natural = Math.max(1, high - low);
    this.setWindow((low + high) / 2, Math.max(1, high - low));
  }

  setWindow(centre, width) {
    this.centre = centre;
    this.window = Math.max(this.natural / 500, width);
    const low = centre - this.window / 2;
    const scale = 255 / this.window;
    for (let v = 0; v < this.table.length; v++) {
      const grey = (v - low) * scale;
      this.table[v] = this.inverted ? 255 - grey : grey;
    }
    this.version++;
  }

  invert() {
    this.inverted = !this.inverted;
    this.setWindow(this.centre, this.window);
  }

  at(x, y) {
    const [i, j] = [Math.round(x), Math.round(y)];
    return i >= 0 && j >= 0 && i < this.width && j < this.height ? this.levels[0].data[j * this.width + i] : null;
  }

  // Return part of a level as 8-bit greys; x0 to x1 and y0 to y1 are whole pixels of the level.
  region(n, x0, y0, x1, y1) {
    const { width, data } = this.level(n);
    const image = new ImageData(x1 - x0, y1 - y0);
    const out = new Uint32Array(image.data.buffer);
    const table = this.table;
    let to = 0;
    for (let y = y0; y < y1; y++) {
      for (let from = y * width + x0, end = y * width + x1; from < end; from++) {
        out[to++] = 0xff000000 | (table[data[from]] * 0x010101);
      }
    }
    return image;
  }
}

function halved({ width, height, data }) {
  const [w, h] = [Math.max(1, width >> 1), Math.max(1, height >> 1)];
  const out = new data.constructor(w * h);
  for (let y = 0, to = 0; y < h; y++) {
    let from = 2 * y * width;
    const below = height > 1 ? width : 0;
    const right = width > 1 ? 1 : 0;
    for (let x = 0; x < w; x++, from += 2) {
      out[to++] = (data[from] + data[from + right] + data[from + below] + data[from + below + right]) >> 2;
    }
  }
  return { width: w, height: h, data: out };
}
