"""Writing of a study's `report/`: a self-contained page, and its tables and figures as files."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from markupsafe import Markup

from analysis.advice.recommendation import Recommendation
from analysis.errors import AnalysisError
from analysis.figures.drawing import Draw, draw
from analysis.findings import Findings
from analysis.forms.cells import Cell, TableInfo, csv_text
from analysis.forms.chart_style import Drawing
from analysis.page.method_text import method_sentences, study_facts
from analysis.page.page import render
from analysis.page.sections import advice_parts, hero, key_figures, sections
from analysis.tables.against_paper import against_paper_infos
from analysis.tables.setups import table_infos
from analysis.tables.terminal import study_line
from study.record.files import REPORT_FOLDER

PAGE_FILE = "index.html"


def write_report(
    findings: Findings,
    *,
    paper: bool = False,
    factors: TableInfo | None = None,
    what_ifs: Iterable[tuple[str, Recommendation]] = (),
    drawn_by: Draw = draw,
) -> Path:
    """Write the report into `report/` of the study's folder.

    Each file is replaced atomically, so that a reader never sees a partial one.

    Args:
        findings: Results of `analysis.analyse`.
        paper: Whether to show the paper's published numbers too.
        factors: Table of the analysis of variance; None to leave it out.
        what_ifs: Recommendations for other options, each with a description of these.
        drawn_by: Function that draws the figures.

    Returns:
        Path of the page, `index.html`.

    Raises:
        AnalysisError: The folder cannot be written.

    Examples:
        The figures take seconds to draw:

        ```python
        findings = analysis.analyse(analysis.load("results/watch"))
        page = analysis.write_report(findings)  # results/watch/report/index.html
        ```
    """
    folder = findings.study.path / REPORT_FOLDER
    drawings = drawn_by(findings)
    files: dict[str, bytes] = {}
    for drawing in drawings:
        files[f"{drawing.name}.svg"] = drawing.svg.encode()
        files[f"{drawing.name}.png"] = drawing.png
        files[f"{drawing.name}.csv"] = drawing.csv.encode()
        files[f"{drawing.name}.vl.json"] = drawing.definition.encode()
    tables = [
        *table_infos(findings),
        *(against_paper_infos(findings) if paper else ()),
        *([factors] if factors else []),
    ]
    for info in tables:
        files[f"{info.name}.csv"] = csv_text(info, labels=findings.labels).encode()
    page = page_text(findings, drawings, paper=paper, factors=factors, what_ifs=what_ifs)
    files[PAGE_FILE] = page.encode()
    try:
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            replace_file(folder / name, content)
    except OSError as error:
        message = (
            f"{folder} cannot be written ({error.strerror or error}). Make it writable, or leave the "
            "report out with --no-report."
        )
        raise AnalysisError(message) from error
    return folder / PAGE_FILE


def page_text(
    findings: Findings,
    drawings: tuple[Drawing, ...],
    *,
    paper: bool = False,
    factors: TableInfo | None = None,
    what_ifs: Iterable[tuple[str, Recommendation]] = (),
) -> str:
    """Return the HTML of the page: recommendation and main figure first, then all that they are based on.

    Args:
        findings: Results of `analysis.analyse`.
        drawings: The study's figures.
        paper: Whether to show the paper's published numbers too.
        factors: Table of the analysis of variance; None to leave it out.
        what_ifs: Recommendations for other options, each with a description of these.
    """
    manifest = findings.study.manifest
    lead, rest, more = advice_parts(findings.recommendation.text)
    chosen = findings.recommendation.setup

    def row_marks(info: TableInfo, index: int, row: tuple[Cell, ...]) -> Markup:
        setup = next(
            (c.value for c, k in zip(row, info.columns, strict=True) if k.key == "setup"), None
        )
        words = [
            *(["break"] if index in info.breaks else []),
            *(["chosen"] if setup is not None and setup == chosen else []),
        ]
        of_setup = Markup("") if setup is None else Markup(' data-setup="{}"').format(setup)
        return of_setup + (Markup(' class="{}"').format(" ".join(words)) if words else "")

    return render(
        title=f"{manifest.study}: energy of training",
        study_line=study_line(manifest),
        labels=findings.labels,
        lead=lead,
        rest=rest,
        more=more,
        keys=key_figures(findings),
        caveats=findings.recommendation.caveats,
        hero=hero(drawings),
        sections=sections(findings, drawings, paper=paper, factors=factors),
        row_marks=row_marks,
        answers=_answers(findings, what_ifs),
        method=method_sentences(findings),
        facts=study_facts(findings),
    )


def _answers(
    findings: Findings, what_ifs: Iterable[tuple[str, Recommendation]]
) -> tuple[tuple[str, Recommendation, tuple[str, str, str]], ...]:
    """Return the recommendations to choose from, the actual one first; empty if there is no choice."""
    asked = [("as asked", findings.recommendation), *what_ifs]
    if len(asked) == 1 or findings.recommendation.setup is None:
        return ()
    return tuple((words, each, advice_parts(each.text)) for words, each in asked)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically: on failure the old one stays."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp creates files that only the owner can read, but a report is for others too.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
