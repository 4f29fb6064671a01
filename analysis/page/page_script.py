"""The script of a report's page, which stays fully readable without it.

The script sorts tables (a button in each heading, `aria-sort`), shows the description of a mark on
hover, highlights a clicked setup in all figures and tables, switches the recommendation to that for
other options (all are computed beforehand and part of the page), and unfolds everything before
printing. Only if `python -m analysis serve` has set `data-live` on the page, the script reloads the
page when the study has changed. A reload keeps sorting and unfolded sections (browsers themselves
keep the scroll position), and is deferred while text is selected or the page is hidden.
"""

import base64
import hashlib

SCRIPT = """
"use strict";
const keep = {
  get(name) { try { return sessionStorage.getItem(location.pathname + "#" + name); } catch { return null; } },
  set(name, value) { try { sessionStorage.setItem(location.pathname + "#" + name, value); } catch { /* none */ } },
};

function sortBy(table, index, direction) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, i) => { if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", i === index ? direction : "none"); });
  const sign = direction === "ascending" ? 1 : -1;
  const value = (row) => row.cells[index].dataset.value ?? "";
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === "" || y === "") return (x === "") - (y === "") || a.dataset.place - b.dataset.place;
    const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
    return sign * order || a.dataset.place - b.dataset.place;
  });
  table.classList.toggle("sorted", !(index === 0 && direction === "ascending"));
  table.tBodies[0].append(...rows);
  keep.set("sort-" + table.id, index + " " + direction);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tBodies[0].rows].forEach((row, place) => { row.dataset.place = place; });
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", index === 0 ? "ascending" : "none");
    button.addEventListener("click", () => {
      sortBy(table, index, head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending");
    });
  });
  const [index, direction] = (keep.get("sort-" + table.id) ?? "").split(" ");
  if (direction && table.tHead.rows[0].cells[index]) sortBy(table, Number(index), direction);
}

const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
document.body.append(tip);
document.addEventListener("pointerover", (event) => {
  const mark = event.target.closest("figure svg path[aria-label]");
  tip.hidden = !mark;
  if (!mark) return;
  tip.textContent = mark.getAttribute("aria-label");
  const box = mark.getBoundingClientRect();
  const left = Math.min(box.right + 10, document.documentElement.clientWidth - tip.offsetWidth - 8);
  tip.style.left = Math.max(left, 8) + "px";
  tip.style.top = Math.max(box.top - tip.offsetHeight - 8, 8) + "px";
});
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

const ofSetup = (setup) => [...document.querySelectorAll(`figure svg [aria-label^="Setup ${setup}:"], tr[data-setup="${setup}"]`)];
function pick(setup) {
  const again = document.documentElement.dataset.picked === setup;
  document.querySelectorAll(".picked").forEach((each) => each.classList.remove("picked"));
  document.querySelectorAll("button.setup").forEach((each) => each.setAttribute("aria-pressed", "false"));
  if (again || !setup) { delete document.documentElement.dataset.picked; return; }
  document.documentElement.dataset.picked = setup;
  for (const each of ofSetup(setup)) {
    each.classList.add("picked");
    each.querySelector?.("button.setup")?.setAttribute("aria-pressed", "true");
  }
}
for (const table of document.querySelectorAll("table.sortable")) {
  const place = [...table.tHead.rows[0].cells].findIndex((head) => head.textContent.trim().startsWith("setup"));
  for (const row of table.tBodies[0].rows) {
    const cell = row.cells[place];
    if (!row.dataset.setup || !cell) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "setup";
    button.title = "Show this setup in all figures and tables";
    button.setAttribute("aria-pressed", "false");
    button.append(...cell.childNodes);
    cell.append(button);
  }
}
document.addEventListener("click", (event) => {
  const mark = event.target.closest('figure svg [aria-label^="Setup "]');
  const row = event.target.closest("button.setup")?.closest("tr");
  if (mark) pick(mark.getAttribute("aria-label").match(/^Setup (\\d+):/)?.[1]);
  else if (row) pick(row.dataset.setup);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") pick(""); });

const asked = document.getElementById("what-if");
if (asked) {
  asked.closest("p").hidden = false;
  asked.addEventListener("change", () => {
    const { lead, rest, more, setup } = asked.selectedOptions[0].dataset;
    for (const [name, text] of Object.entries({ lead, rest, more })) document.querySelector("#recommendation ." + name).textContent = text;
    document.querySelector(".keys")?.toggleAttribute("hidden", asked.selectedIndex > 0);
    if (document.documentElement.dataset.picked !== setup) pick(setup);
    if (asked.selectedIndex === 0) pick("");
  });
}

const folds = [...document.querySelectorAll("details")];
const folded = [];
addEventListener("beforeprint", () => folds.forEach((fold) => { if (!fold.open) { fold.open = true; folded.push(fold); } }));
addEventListener("afterprint", () => folded.splice(0).forEach((fold) => { fold.open = false; }));

const shown = document.documentElement.dataset.live;
if (shown) {
  const said = document.getElementById("live");
  const say = (text) => { if (said.textContent !== text) said.textContent = text; };
  said.hidden = false;
  say("follows; made at " + new Date().toLocaleTimeString());
  folds.forEach((fold, i) => { fold.open = keep.get("fold-" + i) === "open"; });
  let failures = 0;
  const look = async () => {
    try {
      const answer = await fetch("version", { cache: "no-store" });
      failures = 0;
      const busy = document.hidden || String(getSelection());
      if ((await answer.text()) !== shown && !busy) {
        folds.forEach((fold, i) => keep.set("fold-" + i, fold.open ? "open" : "shut"));
        location.reload();
        return;
      }
    } catch {
      failures += 1;
      if (failures === 3) { say("no longer follows: the server has ended"); return; }
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 2000);
}
"""

_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; script-src 'sha256-{_HASH}'; style-src 'unsafe-inline'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
"""Content security policy: only this script may run, and only the page's own server may be asked."""
