// What is known of the points besides themselves: errors to expect, agreement, time; wired to the page.

import { Agreement } from "./agreement.js";
import { Compare } from "./compare.js";
import { Doubtful } from "./doubtful.js";
import { Export } from "./export.js";
import { Preferences } from "./preferences.js";
import { Spread } from "./spread.js";
import { lasted, length } from "./words.js";

const $ = (id) => document.getElementById(id);

// Return the acts of keys and buttons, and what shows a film's facts when it has changed.
export function insight({ session, view, panel, editor, list, message, redraw }) {
  const spread = new Spread(view);
  const doubtful = new Doubtful(session, editor);
  const compare = new Compare(session, view, panel, $("legend"), message);
  const agreement = new Agreement($("agreement"), $("agreement-told"));
  const out = new Export(session, {
    dialog: $("export"), form: $("export-form"), format: $("export-format"), annotators: $("export-annotators"),
    films: $("export-films"), told: $("export-told"),
  });
  const preferences = new Preferences(doubtful, {
    dialog: $("settings"), form: $("settings-form"), blind: $("settings-blind"), on: $("settings-doubtful"),
    limit: $("settings-limit"), unit: $("settings-unit"), error: $("settings-error"),
  });
  compare.changed = () => editor.draw();
  list.heard = ({ usualError }) => { doubtful.usual = usualError; };
  preferences.changed = redraw;

  const acts = {
    ellipses: () => { spread.all = !spread.all; view.draw(); },
    compare: () => compare.turn(),
    doubtful: () => {
      doubtful.turn();
      message(doubtful.on ? "Doubtful landmarks come last; those above the limit of the settings (P) are to be placed by you." : "All landmarks in their order, and all proposals shown.");
      editor.draw();
    },
    agreement: () => agreement.show(), exportPoints: () => out.show(), settings: () => preferences.show(editor.readOnly),
  };
  for (const [id, act] of [["open-export", "exportPoints"], ["open-agreement", "agreement"], ["open-settings", "settings"], ["compare", "compare"]]) {
    $(id).addEventListener("click", () => acts[act]());
  }
  for (const button of document.querySelectorAll("dialog button.close")) button.addEventListener("click", () => button.closest("dialog").close());

  function facts() { // of the film on the screen, for the bar
    const film = session.film?.server;
    const told = [];
    const expected = ["approved", "rejected"].includes(film?.state) ? null : film?.expected;
    if (expected?.error != null) told.push(`expected error ${length(expected.error, film.spacing)}`);
    if (expected?.failure != null) told.push(`failure ${(100 * expected.failure).toFixed(0)} %`);
    if (film?.seconds) told.push(`${lasted(film.seconds)} so far`);
    const strange = film?.expected?.known === false;
    const banner = film?.blind ? "Blind film: place every landmark yourself. The machine’s points stay hidden until you approve, and are then compared with yours." :
      strange ? "Not of the kind that the model knows: do not trust its points." : "";
    if ($("banner").textContent !== banner) $("banner").textContent = banner;
    $("banner").className = strange && !film.blind ? "strange" : "";
    $("compare").disabled = film?.state !== "approved";
    return told;
  }

  return { acts, facts };
}
