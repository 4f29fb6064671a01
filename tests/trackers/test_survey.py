"""`python -m trackers`: what was found, what was refused, and why."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fake_nvml import UUIDS, Boards, build
from trackers.detect import SOURCES

ROOT = Path(__file__).parent.parent.parent


def run(*options: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command for a moment."""
    return subprocess.run(
        [sys.executable, "-m", "trackers", "--seconds", "2", *options],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_source_is_told_of_with_its_reason() -> None:
    """Each line of the table is found, or refused with a remedy; exactly one is taken."""
    done = run("--json")

    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [each["name"] for each in found] == [candidate.name for candidate in SOURCES]
    assert sum(each["taken_by_auto"] for each in found) == 1
    for each in found:
        assert bool(each["refused"]) != bool(each["devices"])


def test_boards_are_shown_with_their_power_and_refresh(tmp_path: Path) -> None:
    """On a machine with boards, their idle power and their counters' refresh are measured."""
    boards = Boards(boards=2, shape="constant", refresh_ms=20)
    done = run("--json", env=boards.environment(build(tmp_path)))

    nvml = json.loads(done.stdout)[0]
    assert nvml["taken_by_auto"]
    assert nvml["method"] == "counter"
    assert [each["device"]["uuid"] for each in nvml["devices"]] == list(UUIDS[:2])
    for number, each in enumerate(nvml["devices"]):
        known_w = boards.power_w(number)
        assert abs(each["idle_power_w"] / known_w - 1) < 0.02


def test_the_table_is_for_people() -> None:
    """Names, an estimate that says so, and the mark of what a study would use."""
    done = run()

    assert done.returncode == 0, done.stderr
    assert "estimate" in done.stdout
    assert "●" in done.stdout
    for candidate in SOURCES:
        assert candidate.name in done.stdout
