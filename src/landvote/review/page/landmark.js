// New landmarks by clicks, named where they are clicked; and what is known of the chosen landmark: definition and picture.

import { getPicture } from "./api.js";

const CALM = 150; // milliseconds that a landmark stays chosen before its picture is asked for
const $ = (id) => document.getElementById(id);

export class NewLandmarks {
  constructor(drawing, session, change, message) {
    Object.assign(this, { drawing, session, change, message, pending: null, adding: Promise.resolve(), names: [] });
    $("naming").addEventListener("submit", (event) => { event.preventDefault(); this.keep(); });
    $("naming").addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") { this.hide(); this.drawing.view.marks.focus(); }
    });
  }

  begin() {
    this.drawing.begin({
      take: (point) => this.take(point), stopped: () => this.keep(),
      says: () => "New landmarks: click where one lies (or arrows and Enter), type its name, or click the next one. Esc ends.",
    });
  }

  next() { // the name of a landmark that nobody has named
    const taken = new Set([...this.session.landmarks, ...this.names]); // those on their way may be in both
    let n = taken.size + 1;
    while (taken.has(String(n))) n++;
    return String(n);
  }

  take(point) {
    this.keep();
    this.ask(point, this.next());
  }

  ask(point, name, wrong = "") {
    this.pending = { point, film: this.session.film };
    this.drawing.points = [point];
    const [box, { view }] = [$("naming"), this.drawing];
    const [u, v] = view.toScreen(point);
    box.hidden = false;
    box.style.left = `${Math.max(4, Math.min(view.width - box.offsetWidth - 4, u + 18))}px`;
    box.style.top = `${Math.max(4, Math.min(view.height - box.offsetHeight - 4, v + 18))}px`;
    $("naming-error").textContent = wrong;
    $("naming-name").value = name;
    $("naming-name").select();
  }

  hide() {
    this.pending = null;
    this.drawing.points = [];
    $("naming").hidden = true;
    this.drawing.view.draw();
  }

  // Save the landmark that is being named; several may be on their way, one after the other.
  keep() {
    if (!this.pending) return;
    const [{ point: [x, y], film }, name] = [this.pending, $("naming-name").value.trim() || this.next()];
    this.hide();
    this.drawing.view.marks.focus();
    this.names.push(name);
    this.session.waiting++;
    this.adding = this.adding.then(async () => {
      try {
        await this.change({ add: [name] });
        this.session.flush();
        this.session.send("set", { [name]: { state: "placed", x, y } }, film);
        this.drawing.editor.choose(this.session.landmarks.indexOf(name));
      } catch (error) {
        this.message(`“${name}” is not saved: ${error.message}`, true);
        if (!this.pending && this.session.film === film && this.drawing.active) this.ask([x, y], name, error.message);
      } finally {
        this.names.splice(this.names.indexOf(name), 1);
        this.session.waiting--;
        this.session.changed();
      }
    });
  }
}

export class About {
  constructor() {
    Object.assign(this, { shown: "", address: "" });
  }

  // Show the landmark with this number; approved tells how many films the picture can be made of.
  show(landmark, number, definition, film, approved) {
    const key = landmark ? `${number} ${landmark.name} ${film} ${approved > 0 ? approved : ""}` : "";
    $("definition").textContent = definition || "";
    if (key !== this.shown) {
      this.shown = key;
      clearTimeout(this.timer);
      if (key && approved) this.timer = setTimeout(() => this.load(key, landmark.name, `/api/landmarks/${number}/picture?film=${film}`), CALM);
      else this.put("", "");
    }
    this.arrange();
  }

  async load(key, name, address) {
    let made = "";
    try {
      made = URL.createObjectURL(await getPicture(address));
    } catch { /* no approved film has it yet */ }
    if (key === this.shown) this.put(made, name);
    else URL.revokeObjectURL(made);
  }

  put(address, name) {
    URL.revokeObjectURL(this.address);
    this.address = address;
    const picture = $("mean");
    picture.hidden = !address;
    picture.alt = address ? `Where ${name} lies on approved films, on average` : "";
    if (address) picture.src = address;
    else picture.removeAttribute("src");
    this.arrange();
  }

  arrange() { $("about").hidden = !$("definition").textContent && !this.address; }
}
