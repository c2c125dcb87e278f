// The grey values of a film: at first those of a smaller picture where it is large; brought to 8 bits as they are seen.

const reader = new Worker("/page/reader.js");
const asked = new Map();
reader.onmessage = ({ data: { ticket, film, error } }) => {
  const { resolve, reject } = asked.get(ticket);
  asked.delete(ticket);
  if (film) resolve(film);
  else reject(new Error(error));
};
let tickets = 0;

function read(address) {
  return new Promise((resolve, reject) => {
    asked.set(++tickets, { resolve, reject });
    reader.postMessage({ ticket: tickets, address });
  });
}

// Return the film of a number as it is first shown.
export const readPixels = async (number) => new Pixels(number, await read(`/api/films/${number}/preview`));

class Pixels {
  constructor(number, film) {
    this.number = number;
    Object.assign(this, film); // width, height, bits, levels, first, black, white
    this.table = new Uint8ClampedArray(this.bits === 16 ? 65536 : 256);
    this.version = 0;
    this.inverted = false;
    this.resetWindow();
  }

  // Read the levels that are not there yet, once unless that fails; they replace the others.
  complete() {
    this.whole ??= this.first === 0 ? Promise.resolve() : this.more();
    return this.whole;
  }

  async more() {
    try {
      const { first, levels } = await read(`/api/films/${this.number}/pixels`);
      Object.assign(this, { first, levels });
    } catch (error) {
      this.whole = undefined;
      throw error;
    }
  }

  // Level n has 1 / 2^n of the pixels a side.
  level(n) { return this.levels[n]; }

  deepest() { return this.levels.length - 1; }

  resetWindow() {
    this.natural = Math.max(1, this.white - this.black);
    this.setWindow((this.black + this.white) / 2, this.natural);
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

  at(x, y) { // null beside the film, and while only a smaller picture is there
    const [i, j] = [Math.round(x), Math.round(y)];
    const within = i >= 0 && j >= 0 && i < this.width && j < this.height;
    return within && this.first === 0 ? this.levels[0].data[j * this.width + i] : null;
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
