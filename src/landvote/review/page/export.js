// The dialog "Export": the points as a file of any format, and what the format cannot hold.

import { getJson, Refused } from "./api.js";
import { paragraph } from "./table.js";

export class Export {
  constructor(session, { dialog, form, format, annotators, films, told }) {
    Object.assign(this, { session, dialog, format, annotators, films, told });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.fetch();
    });
  }

  async show() {
    this.told.replaceChildren();
    this.dialog.showModal();
    if (this.format.options.length) return;
    try {
      const { formats } = await getJson("/api/formats");
      this.format.replaceChildren(...formats.map(({ kind, suffix, perFilm }) =>
        new Option(`${kind} (${perFilm ? `a ${suffix} per film` : suffix})`, kind, false, kind === "long-csv")));
    } catch (error) { this.told.replaceChildren(paragraph(error.message, "error")); }
  }

  async fetch() {
    const { format, annotators, films } = this;
    const asked = new URLSearchParams({ who: this.session.who, format: format.value, annotators: annotators.value, films: films.value });
    this.told.replaceChildren(paragraph("Writing …"));
    try {
      const response = await fetch(`/api/export?${asked}`);
      if (!response.ok) throw new Refused(response.status, await response.json());
      const { name, told } = JSON.parse(response.headers.get("X-Export"));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await response.blob());
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      this.told.replaceChildren(paragraph(`Downloaded: ${name}`), ...told.map((text) => paragraph(text)));
    } catch (error) { this.told.replaceChildren(paragraph(error.message, "error")); }
  }
}
