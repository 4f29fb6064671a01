"""The report in a browser while a study runs: what is served, to whom, and when it is made anew."""

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
    """A study of two setups, of which so many trials have finished; written over the one before."""
    setups = grid([64, 256], [0.1])
    done = [constant(1, 7200.0, 0.8), constant(2, 3600.0, 0.8)][:trials]
    return write_study(folder, setups, done, manifest={"status": "running"})


def got(url: str, **headers: str) -> str:
    """The body of an answer."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
        return str(answer.read().decode())


@pytest.fixture(name="report")
def fixture_report(tmp_path: Path) -> LiveReport:
    """The report of a study with one finished trial."""
    return LiveReport(study(tmp_path / "a", trials=1), Choices(), drawn_by=without_figures)


@pytest.fixture(name="folder", scope="module")
def fixture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that is served; nobody changes it."""
    return study(tmp_path_factory.mktemp("served") / "a", trials=1)


@pytest.fixture(name="server", scope="module")
def fixture_server(folder: Path) -> Iterator[ReportServer]:
    """Its report, served on a free port."""
    with serving(ReportServer({"": LiveReport(folder, Choices())}, 0)) as server:
        yield server


@contextmanager
def serving(server: ReportServer) -> Iterator[ReportServer]:
    """A server that answers until the test is through."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.slow
def test_the_page_is_served_with_its_version(server: ReportServer) -> None:
    """The page carries the version that it will compare with what the server says."""
    page = got(server.url)

    version = got(f"{server.url}version")
    assert f'<html lang="en" data-live="{version}">' in page
    assert "Use batch size 64" in page


@pytest.mark.usefixtures("server")
def test_the_written_page_does_not_follow_anything(folder: Path) -> None:
    """Only what is served asks for news; the file is the same as without a server."""
    page = (folder / "report" / "index.html").read_text()

    assert '<html lang="en">' in page


def test_the_served_page_answers_other_questions_too(tmp_path: Path) -> None:
    """It is the page that the command writes."""
    report = LiveReport(study(tmp_path / "a", trials=2), Choices(), drawn_by=without_figures)

    assert b'id="what-if"' in (report.content(PAGE_FILE) or b"")


def test_files_beside_the_page_are_served(server: ReportServer) -> None:
    """Figures and tables can be had from the page's links."""
    assert got(f"{server.url}ranking.csv").startswith("place,setup")
    assert got(f"{server.url}relative_energy.svg").startswith("<svg")


@pytest.mark.parametrize(
    "path", ["../study.json", "..%2fstudy.json", "nothing.csv", ".hidden", "version/", "%00"]
)
def test_nothing_else_is_served(server: ReportServer, folder: Path, path: str) -> None:
    """No file but those of the report, whatever the path looks like."""
    (folder / "report" / ".hidden").write_text("x")

    with pytest.raises(urllib.error.HTTPError, match="404"):
        got(f"{server.url}{path}")


def test_other_names_of_this_machine_are_refused(server: ReportServer) -> None:
    """A foreign page that points its own name at loopback cannot read the report."""
    with pytest.raises(urllib.error.HTTPError, match="403"):
        got(server.url, Host="evil.example:80")


def test_only_this_machine_is_listened_to(server: ReportServer) -> None:
    """The socket is bound to loopback."""
    assert server.server_address[0] == "127.0.0.1"


def test_the_report_is_made_anew_only_when_the_study_has_gone_on(report: LiveReport) -> None:
    """Another trial changes the page; nothing new changes nothing."""
    before = report.content(PAGE_FILE)
    unchanged = report.refresh()
    study(report.folder.parent, trials=2)

    renewed = report.refresh()

    assert (unchanged, renewed) == (False, True)
    assert report.content(PAGE_FILE) != before
    assert b"Use batch size 256" in (report.content(PAGE_FILE) or b"")


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_said_and_the_last_report_stays(report: LiveReport) -> None:
    """What is broken for a moment does not end the view; when it is mended, the view goes on."""
    before = report.content(PAGE_FILE)
    manifest = report.folder.parent / MANIFEST_FILE
    whole = manifest.read_text()
    manifest.write_text("{")
    stop = threading.Event()
    said: list[str] = []

    def warn(text: str) -> None:
        said.append(text)
        stop.set()

    follow(report, stop, every_s=0.01, warn=warn)

    assert "is not the manifest of a study" in said[0]
    assert report.content(PAGE_FILE) == before
    manifest.write_text(whole)
    assert report.refresh()


def test_the_report_is_that_of_the_choices(tmp_path: Path) -> None:
    """What `python -m analysis` takes, a served report takes too."""
    folder = study(tmp_path / "a", trials=2)
    choices = Choices(rank_by=RankBy.ENERGY_DELAY, country="DE", baseline=1, against_paper=True)

    page = LiveReport(folder, choices, drawn_by=without_figures).content(PAGE_FILE) or b""

    for said in (b"Least energy x time", b"Germany 2023", b"against the baseline", b"Table 2"):
        assert said in page


@pytest.mark.slow
def test_several_studies_stand_side_by_side_each_with_its_own_report(tmp_path: Path) -> None:
    """The root compares them and links to each; of two with one name both can be reached."""
    folders = [study(tmp_path / name, trials=2) for name in ("x/one", "y/one", "z/other")]

    with serving(
        ReportServer(live_pages(folders, Choices(), drawn_by=without_figures), 0)
    ) as server:
        root = got(server.url)
        pages = [got(f"{server.url}{name}") for name in ("one/", "one-again/", "other")]
        table = got(f"{server.url}compared_total_wh.csv")
        own = got(f"{server.url}other/ranking.csv")

    assert "3 studies of the energy of training" in root
    assert all(f'href="{name}/"' in root for name in ("one", "one-again", "other"))
    assert all("Use batch size 256" in page and "data-live" in page for page in pages)
    assert table.startswith("batch_size,learning_rate")
    assert own.startswith("place,setup")


@pytest.mark.slow
def test_the_page_of_several_studies_follows_those_that_can_be_read(tmp_path: Path) -> None:
    """One is broken for a moment: it is said, and the other's news are shown all the same."""
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
def test_the_command_says_the_url_and_ends_with_ctrl_c(tmp_path: Path) -> None:
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
        page = got(found.group())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()

    assert "Use batch size 256" in page
    assert (process.returncode, err) == (0, "")
    assert "the report stays in" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["nowhere", "--port", "-1"], "--port is -1; allowed:"),
        (["nowhere", "--every", "0"], "--every is 0; allowed:"),
        (["nowhere", "--tolerance", "-1"], "--tolerance is -1; allowed:"),
        (["nowhere", "--country", "XX"], "--country is XX; known are"),
        ([], "No folder was given"),
    ],
)
def test_wrong_input_is_a_sentence_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is served, and what to do is said."""
    status = main(["serve", *arguments])

    assert status == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_port_that_is_taken_is_a_sentence(server: ReportServer) -> None:
    """The message names the port and the way out."""
    with pytest.raises(AnalysisError, match=rf"--port is {server.server_port}.*0 for a free one"):
        ReportServer(server.pages, server.server_port)


def test_a_link_in_the_report_leads_nowhere(report: LiveReport, tmp_path: Path) -> None:
    """A folder of somebody else's may have a link to any file of whoever serves it."""
    (tmp_path / "secret").write_text("secret")
    (report.folder / "link.csv").symlink_to(tmp_path / "secret")

    assert report.content("link.csv") is None
    assert report.content(PAGE_FILE) is not None


def test_a_browser_that_hangs_up_is_no_error(
    server: ReportServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed for it."""
    with socket.create_connection(("127.0.0.1", server.server_port)) as browser:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        browser.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n")
    got(server.url)  # the one before has been served

    assert capfd.readouterr().err == ""
