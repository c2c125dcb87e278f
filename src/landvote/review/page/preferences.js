// The dialog "Settings": blind films of the review, and doubtful landmarks in this browser.

import { getJson, post } from "./api.js";

export class Preferences {
  constructor(doubtful, { dialog, form, blind, on, limit, unit, error }) {
    Object.assign(this, { doubtful, dialog, blind, on, limit, unit, error });
    this.changed = () => {};
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
  }

  async show(readOnly) {
    const { doubtful } = this;
    this.on.checked = doubtful.on;
    this.unit.textContent = doubtful.unit;
    this.limit.value = doubtful.limits[doubtful.unit] ?? "";
    this.limit.placeholder = doubtful.usual === null ? "none" : (doubtful.usual * doubtful.scale).toFixed(1);
    this.error.textContent = "";
    this.blind.disabled = readOnly;
    this.dialog.showModal();
    try {
      this.kept = (await getJson("/api/settings")).blind;
      this.blind.value = String(Math.round(this.kept * 1000) / 10);
    } catch (error) { this.error.textContent = error.message; }
  }

  async save() {
    const share = Number(this.blind.value) / 100;
    try {
      if (!this.blind.disabled && Math.abs(share - this.kept) > 1e-9) await post("/api/settings", { blind: share });
    } catch (error) { this.error.textContent = error.message; return; }
    this.doubtful.turn(this.on.checked);
    this.doubtful.set(this.limit.value === "" ? null : Number(this.limit.value));
    this.dialog.close();
    this.changed();
  }
}
