"""Processes that a command leaves running, whose later energy the account lacks."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.trackers.run.test_run import python, run
from trackers.run.left_running import MARK, left_running, marked, new_mark

LEAVES_A_PROCESS = f"""
import subprocess, sys
kept = subprocess.Popen([{sys.executable!r}, "-c", "import time; time.sleep(600)"],
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
sys.stdout.write(str(kept.pid))
"""


@pytest.mark.slow
def test_a_process_that_keeps_running_is_named(tmp_path: Path) -> None:
    """It is found even if the command ends at once and the process has its own session."""
    out = tmp_path / "run.json"

    done = run("--tracker", "estimate", "--json", str(out), *python(LEAVES_A_PROCESS))

    pid = int(done.stdout)
    try:
        assert done.returncode == 0, done.stderr
        assert "1 process of the command still runs: python" in done.stderr
        assert "The energy it uses from now on is not included" in done.stderr
        (left,) = json.loads(out.read_text())["left_running"]
        assert f"({pid})" in left
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_command_that_waits_for_its_processes_leaves_none(tmp_path: Path) -> None:
    """No process is named, whatever else runs on the machine."""
    out = tmp_path / "run.json"

    done = run(
        *("--tracker", "estimate", "--json", str(out)),
        *python("import subprocess; subprocess.run(['true'])"),
    )

    assert "still run" not in done.stderr
    assert json.loads(out.read_text())["left_running"] == []


def test_a_run_within_a_run_has_both_marks() -> None:
    """A process that a nested run leaves is found by both runs."""
    outer, inner = new_mark(), new_mark()

    both = marked(marked({"A": "b"}, outer), inner)

    assert both == {"A": "b", MARK: f"{outer} {inner}"}
    assert left_running(inner) == ()
