"""The page of a report as a template: one file, no script, nothing fetched when it is opened.

Jinja escapes whatever comes from a study. Only drawings, which are made here, go in as they are.
"""

from jinja2 import Environment, StrictUndefined

from analysis.drawing import CHOSEN, FAINT, GRID, INK, MUTED, PLAIN

# A drawing's fixed colours, and those that take their place on a dark page.
_DARK = {
    INK: "#e6ebef",
    MUTED: "#9fadb9",
    FAINT: "#5d6b78",
    GRID: "#2c363f",
    PLAIN: "#557a94",
    CHOSEN: "#5cc3df",
}

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #22303c; --muted: #5b6976;
  --line: #dfe4e8; --soft: #f4f7f9; --accent: #1f6f8b; }
@media (prefers-color-scheme: dark) { :root { --ground: #14191e; --ink: #e6ebef;
  --muted: #9fadb9; --line: #2c363f; --soft: #1b2229; --accent: #5cc3df; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 62rem; background: var(--ground);
  color: var(--ink); font: 16px/1.55 system-ui, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.75rem 0 .75rem; }
p { margin: .5rem 0; } .about, .legend, figcaption { color: var(--muted); font-size: .875rem; }
.labels span { display: inline-block; border: 1px solid var(--accent); color: var(--accent);
  border-radius: 1em; padding: 0 .7em; margin: .5rem .4rem 0 0; font-size: .8rem; }
.advice { border-left: 4px solid var(--accent); background: var(--soft); padding: .8rem 1.1rem;
  margin: 1.25rem 0; font-size: 1.1rem; }
.advice p { margin: 0; }
figure { margin: 1.5rem 0; } .wide { overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 34rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { text-align: right; padding: .22rem .45rem; white-space: nowrap; }
th { font-weight: 600; border-bottom: 2px solid var(--line); }
td { border-bottom: 1px solid var(--line); } tr.break td { border-top: 2px solid var(--muted); }
.facts th, .facts td { text-align: left; white-space: normal; overflow-wrap: anywhere;
  vertical-align: top; border-bottom: 1px solid var(--line); }
.facts th { width: 10rem; font-weight: 400; color: var(--muted); }
.pair { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; } .pair > * { max-width: 100%; }
a { color: var(--accent); } li { margin: .25rem 0; } code { overflow-wrap: anywhere; }
@media (max-width: 30rem) { body { padding: 1rem .9rem 3rem; } .facts th { width: 6.5rem; } }
@media print { body { max-width: none; padding: 0; font-size: 11pt; }
  figure, table, .advice { break-inside: avoid; } .wide { overflow: visible; }
  figure svg { min-width: 0; } table { font-size: 8pt; } .files { display: none; } }
"""

_DARK_DRAWINGS = "\n".join(
    f'figure svg [fill="{light}"] {{ fill: {dark}; }} '
    f'figure svg [stroke="{light}"] {{ stroke: {dark}; }}'
    for light, dark in _DARK.items()
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ manifest.study }}: energy of training</title>
<style>{{ style | safe }}</style>
</head>
<body>
<header>
<h1>{{ manifest.study }}: energy of training</h1>
<p class="about">{{ study_line }}</p>
{% if labels %}<p class="labels">{% for label in labels %}<span>{{ label }}</span>{% endfor %}</p>{% endif %}
</header>
<section class="advice" id="recommendation"><p>{{ recommendation.text }}</p></section>
{% macro figure(drawing) %}
<figure id="{{ drawing.name }}">
<div class="wide" role="img" aria-label="{{ drawing.title }}">{{ drawing.svg | safe }}</div>
<figcaption class="files"><a href="{{ drawing.name }}.svg">SVG</a> · <a href="{{ drawing.name }}.png">PNG</a></figcaption>
</figure>
{% endmacro %}
{% macro table(info) %}
<div class="wide"><table id="{{ info.name }}">
<caption>{{ info.title }}</caption>
<thead><tr>{% for column in info.columns %}<th scope="col">{{ column.heading }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in info.rows %}<tr{% if loop.index0 in info.breaks %} class="break"{% endif %}>{% for cell in row %}<td>{{ cell.text }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table>
{% if info.legend %}<p class="legend">{{ info.legend }}</p>{% endif %}
<p class="files legend"><a href="{{ info.name }}.csv">CSV</a></p></div>
{% endmacro %}
{% if drawings %}{{ figure(drawings[0]) }}{% endif %}
{% if recommendation.caveats %}
<section id="caveats"><h2>What limits this</h2>
<ul>{% for caveat in recommendation.caveats %}<li>{{ caveat }}</li>{% endfor %}</ul></section>
{% endif %}
<section id="tables"><h2>Energy by batch size and learning rate</h2>
<div class="pair">{% for info in tables[:2] %}<div>{{ table(info) }}</div>{% endfor %}</div></section>
<section id="ranked"><h2>Ranking</h2>{{ table(tables[2]) }}</section>
{% if drawings[1:] %}<section id="pareto"><h2>Accuracy against energy</h2>
{% for drawing in drawings[1:] %}{{ figure(drawing) }}{% endfor %}</section>{% endif %}
<section id="method"><h2>How this was measured and computed</h2>
<ul>{% for sentence in method %}<li>{{ sentence }}</li>{% endfor %}</ul></section>
<section id="facts"><h2>The study</h2>
<table class="facts"><tbody>
{% for name, value in facts %}<tr><th scope="row">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}</tbody></table></section>
</body>
</html>
"""


def render(**parts: object) -> str:
    """Fill the page."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    dark = f"@media screen and (prefers-color-scheme: dark) {{ {_DARK_DRAWINGS} }}"
    return environment.from_string(_PAGE).render(style=f"{_STYLE}{dark}", **parts)
