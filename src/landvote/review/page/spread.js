// How far off proposals may be, as ellipses on the film: of the point that is meant, or of all.

import { colourOf } from "./marks.js";

const HOLDS_90 = 4.605; // squared Mahalanobis distance, as in data/prediction.py
const LEAST = 6; // screen pixels: a smaller one lies behind its point

// Half axes and angle of xx, xy, yy: the ellipse that holds the truth in 90 % of cases.
export function axes([xx, xy, yy]) {
  const middle = (xx + yy) / 2;
  const apart = Math.hypot((xx - yy) / 2, xy);
  const half = (variance) => Math.sqrt(HOLDS_90 * Math.max(0, variance));
  return [half(middle + apart), half(middle - apart), Math.atan2(2 * xy, xx - yy) / 2];
}

export class Spread {
  constructor(view) {
    Object.assign(this, { view, all: false });
    view.layers.push((context) => this.draw(context));
  }

  draw(context) {
    const { landmarks, active } = this.view.scene();
    landmarks.forEach((landmark, i) => {
      if (landmark.state !== "proposed" || !(this.all || i === active || landmark.hovered)) return;
      if (landmark.ellipse) this.ellipse(context, landmark);
      else if (landmark.error) this.circle(context, landmark);
    });
  }

  ellipse(context, landmark) {
    const [long, short, angle] = axes(landmark.ellipse);
    if (long * this.view.scale < LEAST) return;
    this.stroke(context, landmark, (u, v) => context.ellipse(u, v, long * this.view.scale, Math.max(1, short * this.view.scale), angle, 0, 2 * Math.PI));
  }

  circle(context, landmark) { // of the expected error, where nothing tells more
    const radius = landmark.error * this.view.scale;
    if (radius < LEAST) return;
    context.setLineDash([4, 4]);
    this.stroke(context, landmark, (u, v) => context.arc(u, v, radius, 0, 2 * Math.PI));
    context.setLineDash([]);
  }

  stroke(context, landmark, outline) {
    context.beginPath();
    outline(...this.view.toScreen(landmark.point));
    for (const [colour, width] of [["#0008", 3], [colourOf(landmark), 1.3]]) {
      context.strokeStyle = colour;
      context.lineWidth = width * this.view.unit;
      context.stroke();
    }
  }
}
