"""Boards, CPU, memory and plug of a node together, on real threads, with energies that are known."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fake_nvml import build
from tests.trackers.node.whole_node import BOARDS, energy_j
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
EPOCHS, EPOCH_S = 5, 1.2
HANG_S = float(os.environ.get("HANG_S", "2"))
MOST_W = 700.0
"""More than the node draws: where a busy machine lets one trial begin later, so much per second is open."""

WITHIN = 0.02
"""Of the truth; or within the reading's own interval, where the machine was too busy for that."""


def run(folder: Path, *, epochs: int, hang_after_s: float | None) -> list[dict[str, Any]]:
    """What two trials are charged; the second one's board hangs in the middle, if so asked."""
    boards = BOARDS
    if hang_after_s is not None:
        from_s = time.monotonic() + hang_after_s
        boards = replace(boards, hang_board=1, hang_from_s=from_s, hang_until_s=from_s + HANG_S)
    done = subprocess.run(
        [sys.executable, "-m", "tests.trackers.node.whole_node", str(epochs), str(EPOCH_S)],
        cwd=ROOT,
        env=boards.environment(build(folder)),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S + 60,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def is_right(reading: dict[str, Any], truth_j: float) -> bool:
    """Whether a charge is the truth, as far as this machine let anybody see."""
    if reading["energy_j"] is None:
        return False
    return bool(abs(reading["energy_j"] - truth_j) <= max(WITHIN * truth_j, reading["own_j"] or 0))


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """All well."""
    return run(tmp_path_factory.mktemp("nvml"), epochs=EPOCHS, hang_after_s=None)


@pytest.mark.parametrize("component", ["gpu", "cpu", "memory"])
def test_each_component_is_charged_what_the_trial_used(
    charged: list[dict[str, Any]], component: str
) -> None:
    """Its own board, and its share of the CPU time of all processes."""
    assert len(charged) == 2 * EPOCHS
    for epoch in charged:
        reading = epoch["readings"][component]
        truth_j = energy_j(component, reading["start_s"], reading["stop_s"], trial=epoch["trial"])
        assert is_right(reading, truth_j), (epoch["trial"], epoch["epoch"], reading, truth_j)


def test_charges_of_the_plug_add_up_to_it(charged: list[dict[str, Any]]) -> None:
    """All epochs together; each as far as two intervals, of which one in twenty is too narrow, let it.

    The first epoch apart, into which the trials do not come at the same moment.
    """
    sums: list[tuple[float, float]] = []
    for number in range(1, EPOCHS):
        both = [each["readings"]["node"] for each in charged if each["epoch"] == number]
        length_s = sum(each["stop_s"] - each["start_s"] for each in both) / 2
        start_s = min(each["start_s"] for each in both)
        truth_j = energy_j("plug", start_s, start_s + length_s, trial=1)
        apart_s = sum(abs(both[0][edge] - both[1][edge]) for edge in ("start_s", "stop_s"))
        together = {
            "energy_j": sum(each["energy_j"] for each in both),
            "own_j": 2 * sum(each["own_j"] for each in both) + MOST_W * apart_s,
        }
        assert is_right(together, truth_j), (number, both, truth_j)
        sums.append((together["energy_j"], truth_j))
    charged_j, truth_j = (sum(each) for each in zip(*sums, strict=True))
    assert charged_j == pytest.approx(truth_j, rel=WITHIN)


def test_a_board_that_hangs_spoils_no_epoch_of_the_other_trial(tmp_path: Path) -> None:
    """Its driver does not return for seconds; the neighbour's epochs are right, and are not held up."""
    epochs = EPOCHS + round(HANG_S / EPOCH_S)

    found = run(tmp_path, epochs=epochs, hang_after_s=6.0)

    first = [each for each in found if each["trial"] == 1]
    second = [each for each in found if each["trial"] == 2]
    assert len(first) == len(second) == epochs
    for epoch in first:
        reading = epoch["readings"]["gpu"]
        truth_j = energy_j("gpu", reading["start_s"], reading["stop_s"], trial=1)
        assert is_right(reading, truth_j), (epoch, truth_j)
    sys.stdout.writelines(map(_line, found))  # seen with -s, and HANG_S=30 on a quiet machine


def _line(epoch: dict[str, Any]) -> str:
    gpu = epoch["readings"]["gpu"]
    held_up = f"{1000 * epoch['held_up_s']:.1f} ms"
    place = f"trial {epoch['trial']} epoch {epoch['epoch']}"
    return f"{place}: held up {held_up}; {gpu['energy_j']} J {gpu['status']} {gpu['note']}\n"
