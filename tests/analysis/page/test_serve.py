"""Serving the report while a study runs: content, access, and when it is rebuilt."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.choices import Choices
from analysis.errors import AnalysisError
from analysis.page.live import LiveReport, follow, live_pages
from analysis.page.report import PAGE_FILE
from analysis.page.serve import ReportServer
from analysis.ranking.criteria import RankBy
from study.record.files import MANIFEST_FILE
from tests.analysis.study_folder import constant, grid, write_study
from tests.analysis.without_figures import without_figures
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[3]


def study(folder: Path, *, trials: int) -> Path:
    """Write a running study of two setups with so many finished trials, replacing an earlier one."""
    setups = grid([64, 256], [0.1])
    done = [constant(1, 7200.0, 0.8), constant(2, 3600.0, 0.8)][:trials]
    return write_study(folder, setups, done, manifest={"status": "running"})


def body_of(url: str, **headers: str) -> str:
    """Fetch the body of a response."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
        return str(answer.read().decode())


@pytest.fixture(name="report")
def fixture_report(tmp_path: Path) -> LiveReport:
    """The report of a study with one finished trial."""
    return LiveReport(study(tmp_path / "a", trials=1), Choices(), drawn_by=without_figures)


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that is served and never changed, with a hidden file in its report."""
    path = study(tmp_path_factory.mktemp("served") / "a", trials=1)
    (path / "report").mkdir()
    (path / "report" / ".hidden").write_text("x")
    return path


@pytest.fixture(name="server", scope="module")
def fixture_server(folder: Path) -> Iterator[ReportServer]:
    """Its report, served on a free port."""
    with serving(ReportServer({"": LiveReport(folder, Choices())}, 0)) as server:
        yield server


@contextmanager
def serving(server: ReportServer) -> Iterator[ReportServer]:
    """Serve in a thread until the block ends."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.slow
def test_the_page_is_served_with_its_version(server: ReportServer) -> None:
    """The page has the version that it will compare with the server's."""
    page = body_of(server.url)

    version = body_of(f"{server.url}version")
    assert f'<html lang="en" data-live="{version}">' in page
    assert "Use batch size 64" in page


@pytest.mark.usefixtures("server")
def test_the_written_page_does_not_refresh_itself(folder: Path) -> None:
    """Only the served page asks for updates; the file is the same as without a server."""
    page = (folder / "report" / "index.html").read_text()

    assert '<html lang="en">' in page


def test_the_served_page_has_what_if_questions(tmp_path: Path) -> None:
    """It has them like the page that the command writes."""
    report = LiveReport(study(tmp_path / "a", trials=2), Choices(), drawn_by=without_figures)

    assert b'id="what-if"' in (report.content(PAGE_FILE) or b"")


def test_files_beside_the_page_are_served(server: ReportServer) -> None:
    """The page's links to figures and tables work."""
    assert body_of(f"{server.url}ranking.csv").startswith("place,setup")
    assert body_of(f"{server.url}relative_energy.svg").startswith("<svg")


@pytest.mark.parametrize(
    "path", ["../study.json", "..%2fstudy.json", "nothing.csv", ".hidden", "version/", "%00"]
)
def test_nothing_else_is_served(server: ReportServer, folder: Path, path: str) -> None:
    """No file but those of the report, whatever the path looks like."""
    assert (folder / "report" / ".hidden").is_file()

    with pytest.raises(urllib.error.HTTPError, match="404"):
        body_of(f"{server.url}{path}")


def test_requests_with_another_host_name_are_refused(server: ReportServer) -> None:
    """A foreign page whose name resolves to loopback cannot read the report."""
    with pytest.raises(urllib.error.HTTPError, match="403"):
        body_of(server.url, Host="evil.example:80")


def test_the_server_listens_on_loopback_only(server: ReportServer) -> None:
    """Its socket is bound to 127.0.0.1."""
    assert server.server_address[0] == "127.0.0.1"


def test_the_report_is_rebuilt_only_when_the_study_has_changed(report: LiveReport) -> None:
    """Another finished trial changes the page."""
    before = report.content(PAGE_FILE)
    unchanged = report.refresh()
    study(report.folder.parent, trials=2)

    renewed = report.refresh()

    assert (unchanged, renewed) == (False, True)
    assert report.content(PAGE_FILE) != before
    assert b"Use batch size 256" in (report.content(PAGE_FILE) or b"")


@pytest.mark.slow
def test_an_unreadable_file_is_reported_and_the_last_report_stays(report: LiveReport) -> None:
    """The view continues once the file can be read again."""
    before = report.content(PAGE_FILE)
    manifest = report.folder.parent / MANIFEST_FILE
    whole = manifest.read_text()
    manifest.write_text("{")
    stop = threading.Event()
    warnings: list[str] = []

    def warn(text: str) -> None:
        warnings.append(text)
        stop.set()

    follow(report, stop, every_s=0.01, warn=warn)

    assert "is not the manifest of a study" in warnings[0]
    assert report.content(PAGE_FILE) == before
    manifest.write_text(whole)
    assert report.refresh()


def test_the_served_report_uses_the_options_of_the_analysis(tmp_path: Path) -> None:
    """Options of `python -m analysis` apply to a served report, too."""
    folder = study(tmp_path / "a", trials=2)
    choices = Choices(rank_by=RankBy.ENERGY_DELAY, country="DE", baseline=1, against_paper=True)

    page = LiveReport(folder, choices, drawn_by=without_figures).content(PAGE_FILE) or b""

    for text in (b"Least energy x time", b"Germany 2023", b"against the baseline", b"Table 2"):
        assert text in page


@pytest.mark.slow
def test_several_studies_are_compared_and_have_their_own_reports(tmp_path: Path) -> None:
    """The root compares the studies and links to each; two of the same name can both be reached."""
    folders = [study(tmp_path / name, trials=2) for name in ("x/one", "y/one", "z/other")]

    with serving(
        ReportServer(live_pages(folders, Choices(), drawn_by=without_figures), 0)
    ) as server:
        root = body_of(server.url)
        pages = [body_of(f"{server.url}{name}") for name in ("one/", "one-again/", "other")]
        table = body_of(f"{server.url}compared_total_wh.csv")
        own = body_of(f"{server.url}other/ranking.csv")

    assert "3 studies of the energy of training" in root
    assert all(f'href="{name}/"' in root for name in ("one", "one-again", "other"))
    assert all("Use batch size 256" in page and "data-live" in page for page in pages)
    assert table.startswith("batch_size,learning_rate")
    assert own.startswith("place,setup")


@pytest.mark.slow
def test_the_page_of_several_studies_follows_those_that_can_be_read(tmp_path: Path) -> None:
    """A broken study is reported, and updates of the other are shown nevertheless."""
    broken, other = (study(tmp_path / name, trials=1) for name in ("broken", "other"))
    overview = live_pages([broken, other], Choices(), drawn_by=without_figures)[""]
    before = overview.content(PAGE_FILE)
    (broken / MANIFEST_FILE).write_text("{")
    study(other, trials=2)

    with pytest.raises(AnalysisError, match="is not the manifest of a study"):
        overview.refresh()

    assert overview.content(PAGE_FILE) != before
    assert not overview.refresh()


@pytest.mark.slow
def test_the_command_prints_the_url_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    """As a user runs it: a free port, the page over HTTP, no traceback at the end."""
    folder = study(tmp_path / "a", trials=2)
    process = subprocess.Popen(
        [sys.executable, "-m", "analysis", "serve", str(folder), "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", first)
        assert found is not None, first
        page = body_of(found.group())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()

    assert "Use batch size 256" in page
    assert (process.returncode, err) == (0, "")
    assert "the report stays in" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["nowhere", "--port", "-1"], "--port is -1; allowed:"),
        (["nowhere", "--every", "0"], "--every is 0; allowed:"),
        (["nowhere", "--tolerance", "-1"], "--tolerance is -1; allowed:"),
        (["nowhere", "--country", "XX"], "--country is XX; known are"),
        ([], "No folder was given"),
    ],
)
def test_wrong_input_is_a_message_and_status_2(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is served, and the message names the fault."""
    status = main(["serve", *arguments])

    assert status == 2
    assert expected in capsys.readouterr().err


@pytest.mark.slow
def test_a_port_in_use_is_refused(server: ReportServer) -> None:
    """The message names the port, and 0 for a free one."""
    with pytest.raises(AnalysisError, match=rf"--port is {server.server_port}.*0 for a free one"):
        ReportServer(server.pages, server.server_port)


def test_a_symbolic_link_in_the_report_is_not_served(report: LiveReport, tmp_path: Path) -> None:
    """In a folder from somebody else, it could lead to any file of the person who serves it."""
    (tmp_path / "secret").write_text("secret")
    (report.folder / "link.csv").symlink_to(tmp_path / "secret")

    assert report.content("link.csv") is None
    assert report.content(PAGE_FILE) is not None


@pytest.mark.slow
def test_a_browser_that_hangs_up_is_no_error(
    server: ReportServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """The server prints nothing."""
    with socket.create_connection(("127.0.0.1", server.server_port)) as browser:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        browser.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n")
    body_of(server.url)  # the aborted request before it has been handled

    assert capfd.readouterr().err == ""
