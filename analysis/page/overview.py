"""One page for several studies: the recommendation of each, with a figure, and tables that compare them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from analysis.errors import AnalysisError
from analysis.figures.drawing import Draw, draw
from analysis.findings import Findings
from analysis.forms.cells import TableInfo, csv_text
from analysis.forms.chart_style import Drawing
from analysis.page.page import render
from analysis.page.report import PAGE_FILE, replace_file
from analysis.page.sections import advice_parts, hero
from analysis.tables.comparison import all_labels, boards_note, comparison_infos
from analysis.tables.published import INCONSISTENCIES
from analysis.tables.terminal import study_line
from study.record.files import REPORT_FOLDER

_REST = """<header class="top">
<h1>{{ title }}</h1>
<span id="live" role="status" hidden></span>
<nav aria-label="Studies">{% for each in studies %}<a href="#{{ each.name }}">{{ each.name }}</a>{% endfor %}<a href="#beside">Side by side</a></nav>
</header>
<main>
{% for each in studies %}
<section id="{{ each.name }}"><h2>{{ each.name }}</h2>
<div class="hero{{ "" if each.drawing else " alone" }}">
<div>
<p class="about">{{ each.about }}</p>
<p class="lead">{{ each.lead }}</p>
{% if each.rest %}<p class="rest">{{ each.rest }}</p>{% endif %}
{% if each.labels %}<ul class="labels" aria-label="What these numbers are">{% for label in each.labels %}<li>{{ label }}</li>{% endfor %}</ul>{% endif %}
<p><a href="{{ each.report }}">The whole report</a></p>
</div>
{% if each.drawing %}<figure><div class="wide" role="img" aria-label="{{ each.drawing.title }}" tabindex="0">{{ each.drawing.svg | safe }}</div></figure>{% endif %}
</div>
</section>
{% endfor %}
<section id="beside"><h2>Side by side</h2>
{% for note in notes %}<p>{{ note }}</p>{% endfor %}
{% for info in tables %}{{ table(info) }}{% endfor %}
</section>
</main>
<script>{{ script | safe }}</script>
</body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Summary:
    """Summary of one study on the page."""

    name: str
    about: str
    lead: str
    rest: str
    labels: tuple[str, ...]
    drawing: Drawing | None
    report: str


def write_overview(
    studies: Sequence[Findings], folder: Path, *, paper: bool, drawn_by: Draw = draw
) -> Path:
    """Write one page for several studies, and its tables as CSV files.

    Args:
        studies: Results of the studies, in the order of the page.
        folder: Folder to write to; created if missing.
        paper: Whether to show the published numbers too.
        drawn_by: Function that draws the figures.

    Returns:
        Path of the page.

    Raises:
        AnalysisError: The folder cannot be written.
    """

    def link(findings: Findings) -> str:
        report = findings.study.path / REPORT_FOLDER / PAGE_FILE
        return Path(os.path.relpath(report, folder)).as_posix()

    files = overview_files(studies, link, paper=paper, drawn_by=drawn_by)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            replace_file(folder / name, content)
    except OSError as error:
        message = f"--overview {folder} cannot be written ({error.strerror or error}); name another folder."
        raise AnalysisError(message) from error
    return folder / PAGE_FILE


def overview_files(
    studies: Sequence[Findings],
    link: Callable[[Findings], str],
    *,
    paper: bool,
    drawn_by: Draw = draw,
) -> dict[str, bytes]:
    """Return the contents of the page and its CSV files, by file name.

    Args:
        studies: Results of the studies, in the order of the page.
        link: Function that returns the address of a study's own report, relative to the page.
        paper: Whether to show the published numbers too.
        drawn_by: Function that draws the figures.
    """
    tables = comparison_infos(studies, paper=paper)
    labels = all_labels(studies)
    summaries = [_summary(each, link(each), hero(drawn_by(each))) for each in studies]
    return {
        PAGE_FILE: _page(studies, tables, summaries, paper=paper).encode(),
        **{f"{info.name}.csv": csv_text(info, labels=labels).encode() for info in tables},
    }


def _page(
    studies: Sequence[Findings],
    tables: Sequence[TableInfo],
    summaries: Sequence[_Summary],
    *,
    paper: bool,
) -> str:
    notes = [note for note in (boards_note(studies),) if note]
    if paper:
        notes += [f"In the paper: {each}" for each in INCONSISTENCIES]
    return render(
        _REST,
        title=f"{len(studies)} studies of the energy of training",
        studies=summaries,
        tables=tables,
        notes=notes,
        row_marks=lambda *_: Markup(""),
    )


def _summary(findings: Findings, report: str, drawing: Drawing | None) -> _Summary:
    manifest = findings.study.manifest
    lead, rest, _ = advice_parts(findings.recommendation.text)
    return _Summary(
        name=manifest.study,
        about=f"{manifest.paradigm}: {study_line(manifest)}",
        lead=lead,
        rest=rest,
        labels=findings.labels,
        drawing=drawing,
        report=report,
    )
