// A worker: it fetches a film's grey values and halves them again and again, so that the page is never held up.

const MAGIC = "LVF2";
const SAMPLED = 200000;
const HEAD = 20; // bytes

self.onmessage = async ({ data: { ticket, address } }) => {
  try {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const film = read(await response.arrayBuffer());
    self.postMessage({ ticket, film }, [...new Set(film.levels.filter(Boolean).map(({ data }) => data.buffer))]);
  } catch (error) {
    self.postMessage({ ticket, error: error.message });
  }
};

// Width, height and bits of the film; its levels, from the first that is there; the greys that are shown as black and white.
function read(buffer) {
  const head = new DataView(buffer);
  if (String.fromCharCode(...new Uint8Array(buffer, 0, 4)) !== MAGIC) throw new Error("not a film");
  const [width, height, bits, first] = [4, 8, 12, 16].map((at) => head.getUint32(at, true));
  const [w, h] = [Math.max(1, width >> first), Math.max(1, height >> first)];
  const data = bits === 16 ? new Uint16Array(buffer, HEAD, w * h) : new Uint8Array(buffer, HEAD, w * h);
  const levels = [];
  levels[first] = { width: w, height: h, data };
  const deepest = Math.max(first, Math.floor(Math.log2(Math.min(width, height))) - 4);
  for (let n = first; n < deepest; n++) levels[n + 1] = halved(levels[n]);
  const step = Math.max(1, Math.floor(data.length / SAMPLED));
  const some = Float32Array.from({ length: Math.floor(data.length / step) }, (_, i) => data[i * step]).sort();
  return { width, height, bits, first, levels, black: some[Math.floor(some.length * 0.005)], white: some[Math.floor((some.length - 1) * 0.998)] };
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
