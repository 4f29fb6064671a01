"""`python -m analysis serve RESULTS`: the report of a study in a browser, kept up to date while it runs.

A server of the standard library on this machine's loopback address only. It makes the report anew
when files of the study have changed; the page asks for its version and loads itself again.
"""

import hashlib
import mimetypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, final

import tyro
from rich.text import Text
from typing_extensions import override

from analysis.errors import AnalysisError
from analysis.findings import analyse
from analysis.load import find_studies, load
from analysis.report import PAGE_FILE, write_report
from analysis.terminal import make_console
from study.records import EPOCHS_FILE, MANIFEST_FILE, POWER_FILE, REPORT_FOLDER, TRIALS_FILE

ADDRESS = "127.0.0.1"

_HELP = """The report of a study in a browser, kept up to date while the study runs.

Only this machine can open it. The page loads itself again when the study has gone on, and keeps \
where you are in it and how you sorted. Ctrl-C ends it; the report stays in RESULTS/report.

  python -m analysis serve results/watch
  python -m analysis serve results/watch --port 0      # whatever port is free
"""
_WATCHED = (MANIFEST_FILE, EPOCHS_FILE, TRIALS_FILE, f"{POWER_FILE}/*", "*/result.json")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is to be served, and how."""

    results: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RESULTS")]
    """Folder of a study (results/NAME), or a folder with one study in it."""
    port: int = 8600
    """Port on the loopback address; 0 takes one that is free."""
    every: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 10.0
    """How often to look for new results; a study writes some every ten seconds."""
    tolerance: Annotated[float, tyro.conf.arg(metavar="POINTS")] = 1.0
    """Accuracy that may be given up to save energy, in percentage points."""

    def __post_init__(self) -> None:
        """Refuse what cannot be served.

        Raises:
            AnalysisError: An option is not allowed.
        """
        if not 0 <= self.port <= _HIGHEST_PORT:
            message = (
                f"--port is {self.port}; allowed are 1 to {_HIGHEST_PORT}, or 0 for a free one."
            )
            raise AnalysisError(message)
        if not self.every > 0:
            message = f"--every is {self.every:g}; allowed are seconds above 0."
            raise AnalysisError(message)
        if not 0 <= self.tolerance <= 100:  # noqa: PLR2004 - percent
            message = f"--tolerance is {self.tolerance:g}; allowed are 0 to 100 percentage points."
            raise AnalysisError(message)


@final
class LiveReport:
    """The report of one study, made anew when the study has gone on.

    Attributes:
        folder: The folder with the page and its files.
    """

    def __init__(self, study: Path, *, tolerance: float) -> None:
        """Make the report for the first time.

        Args:
            study: Folder of the study.
            tolerance: Accuracy that may be given up for energy; a share.

        Raises:
            AnalysisError: The study cannot be read, or the report not be written.
        """
        self._study = study
        self._tolerance = tolerance
        self._seen: object = None
        self.folder = study / REPORT_FOLDER
        self.refresh()

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
        write_report(analyse(load(self._study), tolerance=self._tolerance))
        return True

    def version(self) -> str:
        """Changes when the page does."""
        return hashlib.sha256(self._page()).hexdigest()[:16]

    def page(self) -> bytes:
        """The page, with the word that makes it follow the study."""
        page = self._page()
        word = hashlib.sha256(page).hexdigest()[:16]
        return page.replace(b'<html lang="en">', f'<html lang="en" data-live="{word}">'.encode(), 1)

    def _page(self) -> bytes:
        return (self.folder / PAGE_FILE).read_bytes()

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
class ReportServer(ThreadingHTTPServer):
    """Serves one report on the loopback address."""

    daemon_threads = True

    def __init__(self, report: LiveReport, port: int) -> None:
        """Listen on `port`; 0 is a free one.

        Raises:
            AnalysisError: The port is taken or not allowed.
        """
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            message = (
                f"--port is {port}, which cannot be listened on ({error.strerror}). Give another, "
                "or 0 for a free one."
            )
            raise AnalysisError(message) from error
        self.report = report

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        return f"http://{ADDRESS}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer

    def do_GET(self) -> None:
        """Answer with the page, its version, or a file beside it."""
        # A name that someone else's page has made point here must not read the report.
        if self.headers.get("Host", "").rpartition(":")[0] not in {ADDRESS, "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        name = self.path.partition("?")[0].removeprefix("/")
        report = self.server.report
        if name in {"", PAGE_FILE}:
            self._answer(report.page(), "text/html; charset=utf-8")
        elif name == "version":
            self._answer(report.version().encode(), "text/plain; charset=utf-8")
        elif "/" in name or name.startswith(".") or not (report.folder / name).is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            self._answer((report.folder / name).read_bytes(), kind)

    def _answer(self, content: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the page asks every two seconds."""


def follow(
    report: LiveReport, stop: threading.Event, *, every_s: float, warn: Callable[[str], None]
) -> None:
    """Make the report anew whenever the study has gone on, until `stop` is set.

    What cannot be read now, say a file that is half written, is said once and tried again when it
    has changed; the last report stays.
    """
    while not stop.wait(every_s):
        try:
            report.refresh()
        except AnalysisError as error:
            warn(str(error))


def run(options: Options) -> None:
    """Serve until Ctrl-C.

    Raises:
        AnalysisError: The study cannot be read, the report not be written, or the port not be had.
    """
    (study,) = find_studies([options.results])
    report = LiveReport(study, tolerance=options.tolerance / 100)
    console = make_console()

    def warn(text: str) -> None:
        console.print(Text(f"warning: {text}", style="yellow"), soft_wrap=True)

    with ReportServer(report, options.port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        console.print(
            Text(f"The report of {study.name}: {server.url} (Ctrl-C ends)"), soft_wrap=True
        )
        # A pipe would keep the line back until it is full.
        console.file.flush()
        try:
            follow(report, threading.Event(), every_s=options.every, warn=warn)
        except KeyboardInterrupt:
            console.print(Text(f"\nended; the report stays in {report.folder}"), soft_wrap=True)
        finally:
            server.shutdown()


def serve(arguments: Sequence[str]) -> None:
    """Read the command line of `serve` and run.

    Raises:
        AnalysisError: See `run`.
    """
    run(tyro.cli(Options, prog="python -m analysis serve", description=_HELP, args=arguments))
