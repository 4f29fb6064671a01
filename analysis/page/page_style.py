"""Style sheet of a report's page: for light, dark, wide and narrow screens, and for print."""

from analysis.forms.chart_style import DARK

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #22303c; --muted: #5b6976;
  --line: #dfe4e8; --soft: #f5f8fa; --accent: #1f6f8b; --warm: #8a5a12;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia,
    "Liberation Serif", serif;
  --sans: -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans",
    sans-serif; }
@media screen and (prefers-color-scheme: dark) { :root { --ground: #14191e; --ink: #e6ebef;
  --muted: #9fadb9; --line: #2c363f; --soft: #1a2127; --accent: #5cc3df; --warm: #e0b46a; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0 auto; padding: 0 2rem 5rem; max-width: 80rem; background: var(--ground);
  color: var(--ink); font: 16px/1.6 var(--sans); }
a { color: var(--accent); text-underline-offset: .15em; text-decoration-thickness: 1px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }

.top { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem 1.5rem;
  padding: 1.1rem 0 .8rem; border-bottom: 1px solid var(--line); }
h1 { font: 600 1rem/1.4 var(--sans); margin: 0; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; margin-left: auto; font-size: .875rem; }
nav a { color: var(--muted); text-decoration: none; padding: .15rem 0; }
nav a:hover { color: var(--accent); text-decoration: underline; }
.labels { display: flex; flex-wrap: wrap; gap: .4rem; margin: 0; padding: 0; list-style: none; }
.labels li { border: 1px solid var(--warm); color: var(--warm); border-radius: 1em;
  padding: 0 .7em; font-size: .8rem; line-height: 1.6; }
#live { font-size: .8rem; color: var(--muted); }
#live::before { content: "●"; color: var(--accent); margin-right: .4em; }

.hero { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 8fr); gap: 1rem 3rem;
  align-items: start; padding: 1.6rem 0 .5rem; }
.hero.alone { grid-template-columns: minmax(0, 44rem); }
.lead { font: 400 1.75rem/1.32 var(--serif); margin: .8rem 0 1rem; text-wrap: pretty; }
.rest { font-size: 1.02rem; margin: 0 0 .8rem; }
.more { font-size: .875rem; color: var(--muted); margin: 0; }
.about { color: var(--muted); font-size: .875rem; margin: 0; }
.keys { display: grid; grid-template-columns: repeat(3, auto); gap: .8rem 1.5rem;
  margin: 1.4rem 0 0; padding: 1rem 0 0; border-top: 1px solid var(--line); }
.keys div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.keys dt { color: var(--muted); font-size: .8rem; line-height: 1.35; }
.keys dd { margin: 0; font-size: 1.35rem; line-height: 1.35; white-space: nowrap;
  font-variant-numeric: tabular-nums; }

h2 { font: 400 1.6rem/1.3 var(--serif); margin: 2.6rem 0 .4rem; padding-top: 1.4rem;
  border-top: 1px solid var(--line); }
p { margin: .5rem 0; max-width: 46rem; }
ul.prose { margin: .6rem 0; padding-left: 1.2rem; max-width: 46rem; }
ul.prose li { margin: .35rem 0; }
#caveats ul { list-style: none; padding: 0; }
#caveats li { padding: .3rem 0 .3rem 1.1rem; border-left: 3px solid var(--warm); margin: .5rem 0; }

.what-if { font-size: .95rem; margin: 1.2rem 0 0; } .what-if[hidden], .keys[hidden] { display: none; }
.what-if select { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line);
  border-radius: 4px; padding: .15rem .4rem; max-width: 100%; }
.rest:empty, .more:empty { display: none; }

figure { margin: 1.5rem 0; } .hero figure { margin: 0; } .hero figure svg { width: 100%; min-width: 44rem; }
.wide { overflow-x: auto; overscroll-behavior-x: contain; }
figure svg { display: block; width: auto; max-width: max(100%, 44rem); height: auto; }
figure svg [aria-label^="Setup "] { cursor: pointer; }
[data-picked] figure svg [aria-label^="Setup "]:not(.picked) { opacity: .22; }
[data-picked] figure svg .picked { stroke: var(--ink); stroke-width: 2px; }
tr.picked td { background: var(--soft); box-shadow: inset 0 -2px var(--accent); }
td button.setup { all: unset; cursor: pointer; text-decoration: underline dotted; text-underline-offset: .2em; }
td button.setup:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
figure svg path[aria-label]:hover { stroke: var(--ink); stroke-width: 1.5px; }
.files { color: var(--muted); font-size: .8rem; margin: .35rem 0 0 .5rem; }
.files a { color: var(--muted); } .files a:hover { color: var(--accent); }
.row { display: flex; flex-wrap: wrap; gap: 0 3.5rem; } .row > * { max-width: 100%; }
#tip { position: fixed; z-index: 2; max-width: 18rem; padding: .4rem .65rem; font-size: .8rem;
  line-height: 1.4; color: var(--ground); background: var(--ink); border-radius: 4px;
  pointer-events: none; }

table { border-collapse: collapse; font-size: .875rem;
  font-variant-numeric: tabular-nums lining-nums; }
.table { margin: 2rem 0; } .table h3 { font-size: .95rem; margin: 0 0 .5rem; }
.table .files { margin-left: .2rem; }
th, td { text-align: right; padding: .32rem .6rem; white-space: nowrap; }
th:first-child, td:first-child { padding-left: .2rem; }
thead th { font-weight: 600; border-bottom: 1.5px solid var(--muted); vertical-align: bottom; }
td, tbody th { border-bottom: 1px solid var(--line); }
tbody tr:hover td { background: var(--soft); }
tr.chosen td { background: var(--soft); font-weight: 600; }
tr.break td { border-top: 2px solid var(--muted); }
table.sorted tr.break td { border-top: 0; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
th button::after { content: "\\2195"; color: var(--muted); opacity: .45; margin-left: .3em;
  font-size: .8em; }
th[aria-sort="ascending"] button::after { content: "\\2191"; opacity: 1; color: var(--accent); }
th[aria-sort="descending"] button::after { content: "\\2193"; opacity: 1; color: var(--accent); }
.legend { color: var(--muted); font-size: .8rem; max-width: 60rem; }
details { margin: 1rem 0; } summary { cursor: pointer; color: var(--muted); font-size: .875rem; }
details > .wide { margin-top: .8rem; }
.facts { width: 100%; } .facts th, .facts td { text-align: left; white-space: normal;
  overflow-wrap: anywhere; vertical-align: top; border-bottom: 1px solid var(--line); }
.facts th { width: 11rem; font-weight: 400; color: var(--muted); }
.facts tr:hover td { background: none; }

@media (max-width: 60rem) { .hero { grid-template-columns: minmax(0, 1fr); gap: 1.5rem; } }
@media (max-width: 40rem) {
  body { padding: 0 1.1rem 3rem; } .lead { font-size: 1.4rem; } .rest { font-size: 1rem; }
  .hero { padding-top: 1rem; } h2 { font-size: 1.35rem; margin-top: 2rem; } nav { margin-left: 0; }
  .facts th { width: 6.5rem; } }
@media print {
  @page { margin: 16mm 14mm; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav, .files, #live, #tip { display: none; }
  .hero { display: block; padding: 1rem 0; } .lead { font-size: 17pt; }
  h2 { font-size: 14pt; margin-top: 1.2rem; } h2, h3, summary { break-after: avoid; } .legend { break-before: avoid; }
  h2 { break-inside: avoid; } h2::after { content: ""; display: block; height: 70mm; margin-bottom: -70mm; }
  figure, .keys, tr, li { break-inside: avoid; } thead { display: table-header-group; }
  .wide { overflow: visible; } figure svg, .hero figure svg { width: auto; min-width: 0; max-width: 100%; max-height: 66mm; }
  .hero figure svg { max-height: 100mm; } table { font-size: 7.5pt; }
  table:not(:has(tr:nth-child(9))) { break-inside: avoid; }
  th, td { padding: .15rem .3rem; } th button::after { content: none; }
  a { color: inherit; text-decoration: none; } }
"""

_DARK_DRAWINGS = "\n".join(
    f'figure svg [fill="{light}"] {{ fill: {dark}; }} '
    f'figure svg [stroke="{light}"] {{ stroke: {dark}; }}'
    for light, dark in DARK.items()
)

STYLE = f"{_STYLE}@media screen and (prefers-color-scheme: dark) {{ {_DARK_DRAWINGS} }}"
