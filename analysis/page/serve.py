"""`python -m analysis serve RESULTS...`: reports in a browser, kept up to date while studies run.

A server from the standard library that listens on this machine's loopback address only. A report is
written again when files of its study have changed; the page polls its version and reloads itself.
"""

import hashlib
import mimetypes
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, final

import tyro
from rich.text import Text
from typing_extensions import override

from analysis.choices import Choices
from analysis.command_line import parse_options
from analysis.errors import AnalysisError
from analysis.page.live import Live, follow, live_pages
from analysis.page.report import PAGE_FILE
from analysis.quantities import enumeration
from analysis.read.load import find_studies
from analysis.tables.terminal import make_console
from study.record.files import REPORT_FOLDER

ADDRESS = "127.0.0.1"

_HELP = """Reports in a browser, kept up to date while their studies run.

Only this machine can open them. A page loads itself again when its study has gone on, and keeps \
where you are in it and how you sorted. Several studies have a page that sets them side by side. \
Ctrl-C ends it; the reports stay in RESULTS/report.

  python -m analysis serve results/watch
  python -m analysis serve results/a results/b --against-paper
  python -m analysis serve results/watch --country DE --rank-by energy-delay
  python -m analysis serve results/watch --port 0      # whatever port is free
"""
_HIGHEST_PORT = 65535
_VERSION = "version"
"""Path whose content, a hash of the page, changes when the page does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Choices):
    """Options of `python -m analysis serve`."""

    results: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RESULTS...", help_behavior_hint=""),
    ]
    """Study folders (results/NAME), or folders that contain exactly one study."""
    port: int = 8600
    """Port on the loopback address; 0 for any free one."""
    every: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 10.0
    """Seconds between checks for new results; a study writes some every ten seconds."""


def _check(options: Options) -> None:
    options.check()
    if not options.results:
        message = "No folder was given. Name the folder of a study, for example results/watch."
        raise AnalysisError(message)
    if not 0 <= options.port <= _HIGHEST_PORT:
        message = f"--port is {options.port}; allowed: 1 to {_HIGHEST_PORT}, or 0 for a free one."
        raise AnalysisError(message)
    if not options.every > 0:
        message = f"--every is {options.every:g}; allowed: seconds above 0."
        raise AnalysisError(message)


@final
class ReportServer(ThreadingHTTPServer):
    """HTTP server of report pages on the loopback address.

    Attributes:
        pages: Pages by the first part of their addresses; that of the page at the root is empty.
    """

    daemon_threads = True

    def __init__(self, pages: Mapping[str, Live], port: int) -> None:
        """Listen on a port.

        Args:
            pages: Pages by the first part of their addresses.
            port: Port to listen on; 0 for any free one.

        Raises:
            AnalysisError: The port is in use or not allowed.
        """
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            message = (
                f"--port is {port}, which cannot be bound ({error.strerror or error}). Give another, "
                "or 0 for a free one."
            )
            raise AnalysisError(message) from error
        self.pages = pages

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing, since a browser that closes its connection is not an error."""

    @property
    def url(self) -> str:
        """Address of the page at the root."""
        return f"http://{ADDRESS}:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer

    def do_GET(self) -> None:
        """Answer with a page, its version, or one of its files."""
        # DNS rebinding: a foreign page whose host name resolves to this address must not read reports.
        if self.headers.get("Host", "").rpartition(":")[0] not in {ADDRESS, "localhost"}:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        path = self.path.partition("?")[0].removeprefix("/")
        key, slash, name = path.partition("/")
        if key not in self.server.pages:
            key, name = "", path
        elif key and not slash:
            self.send_response(HTTPStatus.MOVED_PERMANENTLY)
            self.send_header("Location", f"/{key}/")
            self.end_headers()
            return
        self._answer(self.server.pages[key], name or PAGE_FILE)

    def _answer(self, page: Live, name: str) -> None:
        content = page.content(PAGE_FILE if name == _VERSION else name)
        if content is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if name in {PAGE_FILE, _VERSION}:
            version = hashlib.sha256(content).hexdigest()[:16].encode()
            live = b'<html lang="en" data-live="' + version + b'">'
            page_text = content.replace(b'<html lang="en">', live, 1)
            content = version if name == _VERSION else page_text
            kind = "text/plain" if name == _VERSION else "text/html; charset=utf-8"
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing, since the page polls every two seconds."""


def run(options: Options) -> None:
    """Serve the reports until Ctrl-C.

    Raises:
        AnalysisError: An option is not allowed, a study cannot be read, a report cannot be written, or
            the port cannot be bound.
    """
    _check(options)
    studies = find_studies(options.results)
    pages = live_pages(studies, options)
    console = make_console()

    def warn(text: str) -> None:
        console.print(Text(f"warning: {text}", style="yellow"), soft_wrap=True)

    with ReportServer(pages, options.port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        names = enumeration(study.name for study in studies)
        console.print(Text(f"The report of {names}: {server.url} (Ctrl-C ends)"), soft_wrap=True)
        # Output to a pipe is buffered, and the address must appear at once.
        console.file.flush()
        try:
            follow(pages[""], threading.Event(), every_s=options.every, warn=warn)
        except KeyboardInterrupt:
            where = enumeration(study / REPORT_FOLDER for study in studies)
            console.print(Text(f"\nended; the report stays in {where}"), soft_wrap=True)
        finally:
            server.shutdown()


def serve(arguments: Sequence[str]) -> None:
    """Parse the command line of `serve` and run it.

    Args:
        arguments: Command-line arguments after `serve`.

    Raises:
        AnalysisError: See `run`.
    """
    run(parse_options(Options, arguments, program="analysis serve", text=_HELP))
