// Neighbours follow a landmark that is dragged, as the server says they do: by the shape, or along their outline.

import { getJson } from "./api.js";

export class Followers {
  constructor(session, box) {
    Object.assign(this, { session, box, key: "", gains: {}, arrived: () => {} });
  }

  get on() { return this.box.checked; }

  // Ask how the others follow a landmark, once for each state of the film. Until that is known none does.
  ask(name) {
    const { film, who } = this.session;
    const key = JSON.stringify([film.number, film.server.revision, film.server.proposal, name]);
    if (!this.on || key === this.key || !Object.keys(film.server.proposed).length) return;
    Object.assign(this, { key, gains: {} });
    getJson(`/api/films/${film.number}/carry?who=${encodeURIComponent(who)}&landmark=${encodeURIComponent(name)}`).then(({ gains }) => {
      if (this.key !== key) return;
      this.gains = gains;
      this.arrived();
    }).catch(({ status }) => { if (this.key === key && !status) this.key = ""; }); // the point alone is dragged; saving it says what is wrong
  }

  // Where proposals go when a landmark is moved from one place to another: name -> point. What a person has set stays.
  places(landmarks, i, to) {
    const from = landmarks[i].point;
    if (!this.on || !from) return {};
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const moved = landmarks.filter((landmark, j) => j !== i && landmark.state === "proposed" && this.gains[landmark.name]);
    return Object.fromEntries(moved.map(({ name, point: [x, y] }) => {
      const [xx, xy, yx, yy] = this.gains[name];
      return [name, [x + xx * dx + xy * dy, y + yx * dx + yy * dy]];
    }));
  }
}
