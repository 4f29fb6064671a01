"""The process that writes the report: what interrupts it, and what it ends with."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from study.command.running import ReportProcess
from study.store.folder import StudyFolder
from tests.analysis.study_folder import constant, grid, write_study
from tests.waiting import PATIENCE_S, waited_for

COMMAND = """
import sys
from study.command.running import ReportProcess
from study.store.folder import StudyFolder
report = ReportProcess()
try:
    report.begin(StudyFolder(sys.argv[1], "a"))
    is_made = report.wait()
except KeyboardInterrupt:
    is_made = not report.cancel()
sys.exit(0 if is_made else 130)
"""


@contextmanager
def reporting(results: Path) -> Iterator[tuple["subprocess.Popen[bytes]", psutil.Process]]:
    """A command whose report is being made, and the process that makes it."""
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(results)], start_new_session=True
    )
    try:
        (report,) = waited_for(psutil.Process(command.pid).children, "the report's process")
        yield command, report
    finally:
        with suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)
        command.wait()


def test_ctrl_c_during_the_report_ends_the_command_as_interrupted(tmp_path: Path) -> None:
    """A script that runs studies one after the other has to see that somebody stopped it."""
    with reporting(tmp_path) as (command, report):
        os.killpg(command.pid, signal.SIGINT)

        assert command.wait(PATIENCE_S) == 130
        waited_for(lambda: not report.is_running(), "the end of the report")


def test_a_report_that_cannot_begin_takes_nothing_from_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study is written by then; what to do is said."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    report = ReportProcess()

    report.begin(StudyFolder(str(tmp_path), "a"))

    assert report.wait()
    assert f"`python -m analysis {tmp_path / 'a'}` makes it" in capsys.readouterr().err


def test_the_console_command_is_told_of_the_console_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of the user's may hide the module there."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "regime"])

    ReportProcess().begin(StudyFolder(str(tmp_path), "a"))

    assert f"`power-of-training analysis {tmp_path / 'a'}` makes it" in capsys.readouterr().err


@pytest.mark.slow
def test_the_report_of_a_console_command_tells_of_the_console_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Though its own process was started otherwise; of this study it says what measures here."""
    write_study(tmp_path / "a", setups=grid([64], [0.1]), trials=[constant(1, None, 0.5)])
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "regime"])
    report = ReportProcess()

    report.begin(StudyFolder(str(tmp_path), "a"))

    assert report.wait()
    told = capfd.readouterr().out
    assert "`power-of-training trackers`" in " ".join(told.split())
    assert "python -m" not in told


def test_a_report_ends_with_its_command(tmp_path: Path) -> None:
    """Nobody waits for it any more."""
    with reporting(tmp_path) as (command, report):
        command.kill()

        waited_for(lambda: not report.is_running(), "the end of the report")


def test_a_report_that_is_made_is_not_said_to_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An interruption after it takes nothing from it."""
    monkeypatch.setattr(sys, "executable", "true")  # a report that ends well
    report = ReportProcess()
    report.begin(StudyFolder(str(tmp_path), "a"))

    is_made = report.wait()

    assert (is_made, report.cancel(), capsys.readouterr().err) == (True, True, "")


def test_an_interruption_after_a_study_without_a_report_does_not_come_before_its_first_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said of a study that is written."""
    report = ReportProcess()
    report.wanted = False
    before = report.cancel()

    report.begin(StudyFolder(str(tmp_path), "a"))

    assert (before, report.cancel(), capsys.readouterr().err) == (False, True, "")
