"""The process that writes the report: failures, interruption and end."""

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
def command_with_report(
    results: Path,
) -> Iterator[tuple["subprocess.Popen[bytes]", psutil.Process]]:
    """Run a command whose report is being made; yield it and the process that makes the report."""
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
    """A script that runs several studies sees from the status 130 that the user wants to stop."""
    with command_with_report(tmp_path) as (command, report):
        os.killpg(command.pid, signal.SIGINT)

        assert command.wait(PATIENCE_S) == 130
        waited_for(lambda: not report.is_running(), "the end of the report")


def test_a_report_that_cannot_start_does_not_fail_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study is written already; the message names the command that makes the report."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    report = ReportProcess()

    report.begin(StudyFolder(str(tmp_path), "a"))

    assert report.wait()
    assert f"`python -m analysis {tmp_path / 'a'}` makes it" in capsys.readouterr().err


def test_the_console_command_refers_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`python -m analysis` could run a module of the user's that has the same name."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "regime"])

    ReportProcess().begin(StudyFolder(str(tmp_path), "a"))

    assert f"`power-of-training analysis {tmp_path / 'a'}` makes it" in capsys.readouterr().err


@pytest.mark.slow
def test_the_report_of_the_console_command_refers_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its hints name the console command, although its own process was started otherwise."""
    write_study(tmp_path / "a", setups=grid([64], [0.1]), trials=[constant(1, None, 0.5)])
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "regime"])
    report = ReportProcess()

    report.begin(StudyFolder(str(tmp_path), "a"))

    assert report.wait()
    printed = capfd.readouterr().out
    assert "`power-of-training trackers`" in " ".join(printed.split())
    assert "python -m" not in printed


@pytest.mark.slow
def test_a_report_ends_with_its_command(tmp_path: Path) -> None:
    """If the command is killed, the process of its report ends too."""
    with command_with_report(tmp_path) as (command, report):
        command.kill()

        waited_for(lambda: not report.is_running(), "the end of the report")


def test_an_interruption_after_the_report_does_not_call_it_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`cancel` prints nothing once the report has been made."""
    monkeypatch.setattr(sys, "executable", "true")  # stands for a report that succeeds
    report = ReportProcess()
    report.begin(StudyFolder(str(tmp_path), "a"))

    is_made = report.wait()

    assert (is_made, report.cancel(), capsys.readouterr().err) == (True, True, "")


def test_an_interruption_after_a_study_without_a_report_is_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`cancel` returns whether the study is written, and prints nothing."""
    report = ReportProcess()
    report.wanted = False
    before = report.cancel()

    report.begin(StudyFolder(str(tmp_path), "a"))

    assert (before, report.cancel(), capsys.readouterr().err) == (False, True, "")
