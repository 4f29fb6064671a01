"""HTML template of a report's page: a single file that fetches nothing when it is opened.

Jinja escapes everything that comes from a study. Only drawings, style and script, which this package
generates, are inserted unescaped; a content security policy in the page's head blocks other scripts.
"""

from jinja2 import Environment, StrictUndefined

from analysis.page.page_script import POLICY, SCRIPT
from analysis.page.page_style import STYLE

_TOP = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{{ title }}</title>
<style>{{ style | safe }}</style>
</head>
<body>
"""

_REST = """<header class="top">
<h1>{{ title }}</h1>
{% if labels %}<ul class="labels" aria-label="What these numbers are">{% for label in labels %}<li>{{ label }}</li>{% endfor %}</ul>{% endif %}
<span id="live" role="status" hidden></span>
<nav aria-label="Sections">{% for section in sections %}<a href="#{{ section.name }}">{{ section.short }}</a>{% endfor %}<a href="#method">Method</a><a href="#facts">Study</a></nav>
</header>
<main>
<div class="hero{{ "" if hero else " alone" }}">
<div id="recommendation">
<p class="about">{{ study_line }}</p>
<div aria-live="polite">
<p class="lead">{{ lead }}</p>
<p class="rest">{{ rest }}</p>
<p class="more">{{ more }}</p>
</div>
{% if keys %}<dl class="keys">{% for key in keys %}<div><dt>{{ key.name }}</dt><dd>{{ key.value }}</dd></div>{% endfor %}</dl>{% endif %}
{% if answers %}<p class="what-if" hidden><label>What if <select id="what-if">{% for words, advice, parts in answers %}<option data-setup="{{ advice.setup }}" data-lead="{{ parts[0] }}" data-rest="{{ parts[1] }}" data-more="{{ parts[2] }}">{{ words }}</option>{% endfor %}</select></label></p>{% endif %}
</div>
{% if hero %}{{ figure(hero) }}{% endif %}
</div>
{% if caveats %}
<section id="caveats"><h2>What limits this</h2>
<ul class="prose">{% for caveat in caveats %}<li>{{ caveat }}</li>{% endfor %}</ul></section>
{% endif %}
{% for section in sections %}
<section id="{{ section.name }}"><h2>{{ section.heading }}</h2>
{% if section.prose %}<ul class="prose">{% for sentence in section.prose %}<li>{{ sentence }}</li>{% endfor %}</ul>{% endif %}
{% if section.drawings %}<div class="row">{% for drawing in section.drawings %}{{ figure(drawing) }}{% endfor %}</div>{% endif %}
{% if section.folded %}<details><summary>{{ section.folded }}</summary>{% endif %}
{% if section.folded_drawings %}<div class="row">{% for drawing in section.folded_drawings %}{{ figure(drawing) }}{% endfor %}</div>{% endif %}
{% for info in section.tables %}{{ table(info) }}{% endfor %}
{% if section.folded %}</details>{% endif %}
</section>
{% endfor %}
<section id="method"><h2>How this was measured and computed</h2>
<details><summary>Sources of energy, means, intervals, the choice</summary>
<ul class="prose">{% for sentence in method %}<li>{{ sentence }}</li>{% endfor %}</ul></details></section>
<section id="facts"><h2>The study</h2>
<details><summary>Command, data, machines, versions</summary>
<table class="facts"><tbody>
{% for name, value in facts %}<tr><th scope="row">{{ name }}</th><td>{{ value }}</td></tr>
{% endfor %}</tbody></table></details></section>
</main>
<script>{{ script | safe }}</script>
</body>
</html>
"""

_PARTS = """{% macro figure(drawing) %}
<figure id="{{ drawing.name }}">
<div class="wide" role="img" aria-label="{{ drawing.title }}" tabindex="0">{{ drawing.svg | safe }}</div>
<figcaption class="files">{% for kind, ending in figure_files %}<a href="{{ drawing.name }}.{{ ending }}">{{ kind }}</a>{{ " · " if not loop.last }}{% endfor %}</figcaption>
</figure>
{% endmacro %}
{% macro table(info) %}
{% set sortable = info.columns | selectattr("key", "equalto", "setup") | list %}
<div class="table">
<h3 id="{{ info.name }}-title">{{ info.title }}</h3>
<div class="wide" tabindex="0" role="region" aria-labelledby="{{ info.name }}-title">
<table id="{{ info.name }}" aria-labelledby="{{ info.name }}-title"{% if sortable %} class="sortable"{% endif %}>
<thead><tr>{% for column in info.columns %}<th scope="col">{{ column.heading }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in info.rows %}<tr{{ row_marks(info, loop.index0, row) }}>{% for cell in row %}<td{% if sortable %} data-value="{{ "" if cell.value is none else cell.value }}"{% endif %}>{{ cell.text }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table></div>
{% if info.legend %}<p class="legend">{{ info.legend }}</p>{% endif %}
<p class="files"><a href="{{ info.name }}.csv">CSV</a></p>
</div>
{% endmacro %}
"""
"""Macros for a figure and a table on a page."""

FIGURE_FILES = (("SVG", "svg"), ("PNG", "png"), ("CSV", "csv"), ("Vega-Lite", "vl.json"))
"""Files of a figure: display name and file suffix."""


def render(rest: str = _REST, /, **parts: object) -> str:
    """Render a page: the head and macros common to all pages, and the rest of this one.

    Args:
        rest: Template of the page after its head; by default that of a study's report.
        parts: Variables of the template; `title` and `row_marks` are always required.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TOP + _PARTS + rest).render(
        policy=POLICY, style=STYLE, script=SCRIPT, figure_files=FIGURE_FILES, **parts
    )
