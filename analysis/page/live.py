"""Live reports, which are written again when files of their studies have changed."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, final
from urllib.parse import quote

from analysis.choices import Choices
from analysis.errors import AnalysisError
from analysis.figures.drawing import Draw, draw
from analysis.findings import Findings
from analysis.page.overview import overview_files
from analysis.page.report import write_report
from analysis.tables.factor_table import factor_table
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, POWER_FILE, REPORT_FOLDER, TRIALS_FILE

_WATCHED = (MANIFEST_FILE, EPOCHS_FILE, TRIALS_FILE, f"{POWER_FILE}/*", "*/result.json")


class Live(Protocol):
    """A page that follows one or several studies, with its accompanying files."""

    def refresh(self) -> bool:
        """Update the page if a study has changed; return whether it was updated."""

    def content(self, name: str) -> bytes | None:
        """Return the content of a file by its name; None if there is no such file."""


@final
class LiveReport:
    """The report of one study, written again when the study has changed.

    Attributes:
        folder: Folder with the page and its files.
        findings: Latest results of the study.
    """

    def __init__(self, study: Path, choices: Choices, *, drawn_by: Draw = draw) -> None:
        """Write the report for the first time.

        Args:
            study: Folder of the study.
            choices: Options of the analysis.
            drawn_by: Function that draws the figures.

        Raises:
            AnalysisError: The study cannot be read, or the report cannot be written.
        """
        self._study = study
        self._choices = choices
        self._drawn_by = drawn_by
        self.folder = study / REPORT_FOLDER
        self._seen = self._files()
        self.findings = self._written()

    def refresh(self) -> bool:
        """Write the report again if a file of the study has changed since.

        Returns:
            Whether it was written again.

        Raises:
            AnalysisError: The study cannot be read, or the report cannot be written.
        """
        seen = self._files()
        if seen == self._seen:
            return False
        # Set before writing, so that an unreadable file is retried only once it has changed.
        self._seen = seen
        self.findings = self._written()
        return True

    def content(self, name: str) -> bytes | None:
        """Return a file of the report's folder; None for other paths, hidden files and symbolic links."""
        file = self.folder / name
        if "/" in name or name.startswith(".") or not file.is_file():
            return None
        return None if file.is_symlink() or self.folder.is_symlink() else file.read_bytes()

    def _written(self) -> Findings:
        findings = self._choices.analysed(self._study)
        variance = factor_table(findings) if self._choices.factors else None
        write_report(
            findings,
            paper=self._choices.against_paper,
            factors=variance,
            what_ifs=self._choices.what_ifs(findings),
            drawn_by=self._drawn_by,
        )
        return findings

    def _files(self) -> frozenset[tuple[str, int, int]]:
        found = set()
        for pattern in _WATCHED:
            for path in self._study.glob(pattern):
                try:
                    told = path.stat()
                except FileNotFoundError:
                    continue  # replaced at this moment
                found.add((str(path), told.st_mtime_ns, told.st_size))
        return frozenset(found)


@final
class LiveOverview:
    """A page, kept in memory, that compares several studies and is updated when one of them has changed."""

    def __init__(
        self, reports: Mapping[str, LiveReport], *, paper: bool, drawn_by: Draw = draw
    ) -> None:
        """Build the page for the first time.

        Args:
            reports: Reports of the studies, by the first part of their addresses.
            paper: Whether to show the published numbers too.
            drawn_by: Function that draws the figures.
        """
        self._reports = reports
        self._paper = paper
        self._drawn_by = drawn_by
        self._files = self._made()

    def refresh(self) -> bool:
        """Update the reports whose studies have changed, and then the page.

        Returns:
            Whether a report was updated.

        Raises:
            AnalysisError: A study cannot be read or a report cannot be written; the others have been
                updated nevertheless.
        """
        changed, errors = False, []
        for report in self._reports.values():
            try:
                changed |= report.refresh()
            except AnalysisError as error:
                errors.append(str(error))
        if changed:
            self._files = self._made()
        if errors:
            raise AnalysisError("\n".join(errors))
        return changed

    def content(self, name: str) -> bytes | None:
        """Return the page or one of its tables as CSV; None for any other name."""
        return self._files.get(name)

    def _made(self) -> dict[str, bytes]:
        studies = [each.findings for each in self._reports.values()]
        links = {each.findings.study.path: f"{name}/" for name, each in self._reports.items()}
        return overview_files(
            studies,
            lambda each: links[each.study.path],
            paper=self._paper,
            drawn_by=self._drawn_by,
        )


def follow(
    page: Live, stop: threading.Event, *, every_s: float, warn: Callable[[str], None]
) -> None:
    """Update a page whenever its studies have changed, until `stop` is set.

    A file that cannot be read, say because it is half written, is warned about once and retried when
    it has changed; meanwhile the last report stays.

    Args:
        page: Page to update.
        stop: Event that ends the loop.
        every_s: Seconds between checks for changes.
        warn: Function that shows a warning.
    """
    while not stop.wait(every_s):
        try:
            page.refresh()
        except AnalysisError as error:
            warn(str(error))


def live_pages(
    studies: Sequence[Path], choices: Choices, *, drawn_by: Draw = draw
) -> dict[str, Live]:
    """Build a page for each study and, for several, one at the root that compares them.

    Args:
        studies: Folders of the studies.
        choices: Options of the analysis.
        drawn_by: Function that draws the figures.

    Returns:
        The pages by the first part of their addresses; that of the page at the root is empty.

    Raises:
        AnalysisError: A study cannot be read, or a report cannot be written.
    """
    if len(studies) == 1:
        return {"": LiveReport(studies[0], choices, drawn_by=drawn_by)}
    reports: dict[str, LiveReport] = {}
    for study in studies:
        name = quote(study.resolve().name, safe="")
        while name in reports:
            name += "-again"
        reports[name] = LiveReport(study, choices, drawn_by=drawn_by)
    return {"": LiveOverview(reports, paper=choices.against_paper, drawn_by=drawn_by), **reports}
