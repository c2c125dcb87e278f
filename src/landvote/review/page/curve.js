// Outlines as curves (Catmull-Rom, as Bezier pieces), and sliding along them.

const FINE = 32; // steps of the curve between two points

// The control points of the curve from each of the points to the next one; a closed curve ends where it begins.
export function pieces(points) {
  const last = points.length - 1;
  const closed = last > 2 && points[0].every((v, k) => v === points[last][k]);
  const at = (i) => (closed ? points[(i + last) % last] : points[Math.min(last, Math.max(0, i))]);
  return points.slice(0, -1).map((a, i) => {
    const [p, b, q] = [at(i - 1), points[i + 1], at(i + 2)];
    return [a, [a[0] + (b[0] - p[0]) / 6, a[1] + (b[1] - p[1]) / 6], [b[0] - (q[0] - a[0]) / 6, b[1] - (q[1] - a[1]) / 6], b];
  });
}

// A piece of a curve as a line of points.
export function line([a, b, c, d]) {
  return Array.from({ length: FINE + 1 }, (_, i) => {
    const [t, s] = [i / FINE, 1 - i / FINE];
    return [0, 1].map((k) => s * s * s * a[k] + 3 * s * s * t * b[k] + 3 * s * t * t * c[k] + t * t * t * d[k]);
  });
}

// The curve from the neighbour before a landmark to the one after it, as a line of points, and where on it the landmark
// is; null for one on no outline.
function about(i, outlines, landmarks) {
  for (const { points } of outlines) {
    const ring = points.filter((j) => landmarks[j]?.point);
    const at = ring.indexOf(i);
    if (at < 0 || ring.length < 3) continue;
    const all = pieces(ring.map((j) => landmarks[j].point));
    const closed = ring[0] === ring[ring.length - 1];
    const before = all[at > 0 ? at - 1 : closed ? all.length - 1 : -1];
    const after = all[at];
    const way = [...(before ? line(before).slice(0, -1) : []), ...(after ? line(after) : [landmarks[i].point])];
    return { line: way, at: before ? FINE : 0 };
  }
  return null;
}

// The place on the curve about a landmark that is nearest to a point; null for a landmark on no outline.
export function nearest(i, point, outlines, landmarks) {
  const curve = about(i, outlines, landmarks);
  if (!curve) return null;
  let [best, found] = [Infinity, null];
  for (let k = 0; k + 1 < curve.line.length; k++) {
    const [a, b] = [curve.line[k], curve.line[k + 1]];
    const along = [b[0] - a[0], b[1] - a[1]];
    const t = ((point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1]) / (along[0] ** 2 + along[1] ** 2 || 1);
    const place = [0, 1].map((j) => a[j] + along[j] * Math.min(1, Math.max(0, t)));
    const distance = Math.hypot(place[0] - point[0], place[1] - point[1]);
    if (distance < best) [best, found] = [distance, place];
  }
  return found;
}

// The place so many pixels further along the curve (back, if negative), at most at the neighbour; null as above.
export function further(i, by, outlines, landmarks) {
  const curve = about(i, outlines, landmarks);
  if (!curve) return null;
  let [k, left, here] = [curve.at, Math.abs(by), curve.line[curve.at]];
  for (const step = Math.sign(by); curve.line[k + step]; k += step) {
    const there = curve.line[k + step];
    const length = Math.hypot(there[0] - here[0], there[1] - here[1]);
    if (length >= left) return here.map((v, j) => v + ((there[j] - v) * left) / length);
    left -= length;
    here = there;
  }
  return here;
}
