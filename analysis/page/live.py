"""Reports that follow their studies: made anew when files of the study have changed."""

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
    """A page that follows one study or several, with the files beside it."""

    def refresh(self) -> bool:
        """Make it anew if a study has gone on; whether it was."""

    def content(self, name: str) -> bytes | None:
        """A file by its name; None where there is none."""


@final
class LiveReport:
    """The report of one study, made anew when the study has gone on.

    Attributes:
        folder: The folder with the page and its files.
        findings: What the study says.
    """

    def __init__(self, study: Path, choices: Choices, *, drawn_by: Draw = draw) -> None:
        """Make the report for the first time.

        Args:
            study: Folder of the study.
            choices: How it is analysed.
            drawn_by: Draws the figures.

        Raises:
            AnalysisError: The study cannot be read, or the report not be written.
        """
        self._study = study
        self._choices = choices
        self._drawn_by = drawn_by
        self.folder = study / REPORT_FOLDER
        self._seen = self._files()
        self.findings = self._written()

    def refresh(self) -> bool:
        """Make the report anew if a file of the study has changed since.

        Returns:
            Whether it was made anew.

        Raises:
            AnalysisError: The study cannot be read, or the report not be written.
        """
        seen = self._files()
        if seen == self._seen:
            return False
        # Remembered first: a file that cannot be read is tried again when it has changed.
        self._seen = seen
        self.findings = self._written()
        return True

    def content(self, name: str) -> bytes | None:
        """A file of the report's folder; no other one, and none that a link leads to."""
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
                    continue  # replaced just now
                found.add((str(path), told.st_mtime_ns, told.st_size))
        return frozenset(found)


@final
class LiveOverview:
    """Several studies side by side, made anew when one of them has gone on; kept in memory."""

    def __init__(
        self, reports: Mapping[str, LiveReport], *, paper: bool, drawn_by: Draw = draw
    ) -> None:
        """Make the page for the first time.

        Args:
            reports: By the names under which they are found from the page.
            paper: Whether the published numbers stand beside theirs.
            drawn_by: Draws the figures.
        """
        self._reports = reports
        self._paper = paper
        self._drawn_by = drawn_by
        self._files = self._made()

    def refresh(self) -> bool:
        """Make reports anew whose studies have gone on, and with them the page.

        Raises:
            AnalysisError: A study cannot be read; the others have been seen to all the same.
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
        """The page, or a table of it as CSV."""
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
    """Make a page anew whenever its studies have gone on, until `stop` is set.

    What cannot be read now, say a file that is half written, is said once and tried again when it
    has changed; the last report stays.
    """
    while not stop.wait(every_s):
        try:
            page.refresh()
        except AnalysisError as error:
            warn(str(error))


def live_pages(
    studies: Sequence[Path], choices: Choices, *, drawn_by: Draw = draw
) -> dict[str, Live]:
    """A page for each study, and at the root the one that sets several side by side.

    Args:
        studies: Folders of studies.
        choices: How they are analysed.
        drawn_by: Draws the figures.

    Raises:
        AnalysisError: A study cannot be read, or a report not be written.
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
