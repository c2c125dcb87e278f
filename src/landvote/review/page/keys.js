// The keys, in one table: what the page obeys is what the sheet says.

export const KEYS = [
  ["Landmark", [
    ["placeOrAccept", ["Enter"], "Enter", "accept what is proposed, or place at the centre"],
    ["missing", ["m"], "m", "missing"],
    ["restMissing", ["M"], "Shift M", "all that are not placed: missing"],
    ["occluded", ["o"], "o", "hidden by something else, or not"],
    ["clear", ["Delete", "Backspace"], "Del", "clear"],
    ["next", ["n"], "n", "next landmark"],
    ["previous", ["p"], "p", "previous landmark"],
    ["left", ["ArrowLeft"], "← ↑ → ↓", "move by a pixel (Shift: 10, Alt: 0.2)"],
    ["right", ["ArrowRight"], "", ""],
    ["up", ["ArrowUp"], "", ""],
    ["down", ["ArrowDown"], "", ""],
    ["doubtful", ["U"], "Shift U", "doubtful landmarks last and unplaced, or not"],
    ["slideBack", ["<"], "< >", "slide along the outline (Alt: 0.2), or Ctrl and drag"],
    ["slideOn", [">"], "", ""],
    ["follow", ["g"], "g", "neighbours follow a point that is dragged, or not"],
    ["cancel", ["Escape"], "Esc", "put back what was picked up"],
    ["newLandmark", ["N"], "Shift N", "new landmarks: click where they lie"],
    ["outline", ["u"], "u", "outline: points spread evenly along a curve"],
    ["relations", ["e"], "e", "names, definitions, outlines, mirrored pairs"],
  ]],
  ["Film", [
    ["settle", ["s"], "s", "settle: find all that you have not fixed again"],
    ["approve", ["a"], "a", "approve, and on to the next film"],
    ["reject", ["x"], "x", "reject: not to be used"],
    ["reopen", ["A"], "Shift A", "neither approved nor rejected"],
    ["nextFilm", ["PageDown", "j"], "PgDn, j", "next film"],
    ["previousFilm", ["PageUp", "k"], "PgUp, k", "previous film"],
    ["ruler", ["R"], "Shift R", "ruler: millimetres by two clicks"],
    ["undo", ["Ctrl+z"], "Ctrl Z", "undo, without limit"],
    ["redo", ["Ctrl+y", "Ctrl+Z"], "Ctrl Y", "redo"],
  ]],
  ["Picture", [
    ["zoomIn", ["+", "="], "+ or wheel", "nearer"],
    ["zoomOut", ["-"], "- or wheel", "farther"],
    ["fit", ["f"], "f", "whole film"],
    ["brighter", ["."], ". or right drag", "brighter"],
    ["darker", [","], ", or right drag", "darker"],
    ["harder", ["]"], "] or right drag", "more contrast"],
    ["softer", ["["], "[ or right drag", "less contrast"],
    ["natural", ["r"], "r", "contrast as at first"],
    ["invert", ["i"], "i", "invert"],
    ["lens", ["z"], "z", "magnifier: small, medium, large, off"],
    ["outlines", ["l"], "l", "outlines"],
    ["names", ["t"], "t", "names of all landmarks"],
    ["points", ["h"], "h", "hide all points"],
    ["ellipses", ["E"], "Shift E", "ellipses of all proposals, or of the chosen one"],
    ["compare", ["c"], "c", "points of others beside those of an approved film"],
  ]],
  ["Page", [
    ["train", ["T"], "Shift T", "train a model now"],
    ["log", ["L"], "Shift L", "log of the training"],
    ["find", ["/"], "/", "find a film"],
    ["agreement", ["G"], "Shift G", "agreement and time"],
    ["exportPoints", ["Q"], "Shift Q", "export points"],
    ["settings", ["P"], "Shift P", "settings"],
    ["sheet", ["?"], "?", "this sheet"],
  ]],
];

const named = new Map(KEYS.flatMap(([, rows]) => rows.flatMap(([act, keys]) => keys.map((key) => [key, act]))));

// Return the act of a key, undefined for one without.
export function actOf(event) {
  const ctrl = event.ctrlKey || event.metaKey;
  return named.get(ctrl ? `Ctrl+${event.key}` : event.key);
}

// Fill the sheet; each of its lines is a button too, so that all can be done without a keyboard.
export function fillSheet(box, press) {
  for (const [title, rows] of KEYS) {
    const heading = box.appendChild(document.createElement("h3"));
    heading.textContent = title;
    for (const [act, , key, says] of rows.filter((row) => row[2])) {
      const line = box.appendChild(document.createElement("button"));
      line.type = "button";
      line.addEventListener("click", () => press(act));
      const words = line.appendChild(document.createElement("span"));
      words.textContent = says;
      const shown = line.appendChild(document.createElement("kbd"));
      shown.textContent = key;
    }
  }
}
