// Tables in dialogs.

export function table(caption, header, rows, words = 1) {
  const made = document.createElement("table");
  made.appendChild(document.createElement("caption")).textContent = caption;
  const top = made.appendChild(document.createElement("thead")).insertRow();
  header.forEach((text, i) => {
    const cell = top.appendChild(document.createElement("th"));
    cell.scope = "col";
    cell.textContent = text;
    if (i < words) cell.className = "words";
  });
  const body = made.appendChild(document.createElement("tbody"));
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((text, i) => {
      const cell = line.insertCell();
      cell.textContent = text;
      if (i < words) cell.className = "words";
    });
  }
  return made;
}

export function paragraph(text, className = "") {
  const made = document.createElement("p");
  made.textContent = text;
  made.className = className;
  return made;
}
