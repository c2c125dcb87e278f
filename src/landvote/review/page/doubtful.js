// Landmarks whose proposals are doubtful: placed last, and shown unplaced where the error to expect is above a limit.

const KEPT = "landvote-doubtful";

export class Doubtful {
  constructor(session, editor) {
    Object.assign(this, { session, editor, on: false, limits: {}, usual: null });
    try {
      const { on, limits } = JSON.parse(localStorage.getItem(KEPT)) || {};
      Object.assign(this, { on: on === true, limits: typeof limits === "object" && limits ? limits : {} });
    } catch { /* nothing was kept, or nothing may be */ }
    session.hides = (error) => this.on && error !== null && error > this.limit();
    editor.route = (landmarks) => this.route(landmarks);
  }

  keep() {
    try { localStorage.setItem(KEPT, JSON.stringify({ on: this.on, limits: this.limits })); } catch { /* for this time only */ }
  }

  turn(on = !this.on) {
    this.on = on;
    this.keep();
  }

  get unit() { return this.session.film?.server.spacing ? "mm" : "px"; }

  // Millimetres of a pixel of the film on the screen; 1 where they are not known.
  get scale() {
    const spacing = this.session.film?.server.spacing;
    return spacing ? (spacing.x + spacing.y) / 2 : 1;
  }

  set(value) { // in the unit of the film on the screen; null is what the model's errors usually are
    if (value === null) delete this.limits[this.unit];
    else this.limits[this.unit] = value;
    this.keep();
  }

  limit() { // pixels
    const own = Number(this.limits[this.unit]);
    if (own > 0) return own / this.scale;
    return this.usual ?? Infinity;
  }

  // The order in which landmarks are gone through: certain ones first, those without any proposal last.
  route(landmarks) {
    const order = landmarks.map((_, i) => i);
    if (!this.on || !this.session.film) return order;
    const proposed = this.session.film.server.proposed;
    const error = (i) => {
      const told = proposed[landmarks[i].name];
      return told ? told[2] ?? Number.MAX_VALUE : Infinity;
    };
    return order.sort((a, b) => (error(a) === error(b) ? a - b : error(a) - error(b)));
  }
}
