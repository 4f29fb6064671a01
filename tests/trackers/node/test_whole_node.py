"""Boards, CPU, memory and plug of one node, on real threads, with known energies."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fake_nvml import build
from tests.trackers.node.whole_node import BOARDS, HUNG_EPOCHS, energy_j
from tests.waiting import PATIENCE_S
from trackers.sample import Status

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
EPOCHS, EPOCH_S = 5, 1.2
MOST_W = 700.0
"""More than the node draws: a bound on its power while only one of two trials is in an epoch."""

WITHIN = 0.02
"""Allowed error as a share of the truth; on a busy machine the reading's own interval is allowed, too."""


def run(folder: Path, *, epochs: int, hangs: bool) -> list[dict[str, Any]]:
    """Charges of two trials; the second one's board hangs during `HUNG_EPOCHS` of the first, if it is to."""
    hanging = folder / "hanging"
    boards = replace(BOARDS, hang_board=1, hang_while=str(hanging)) if hangs else BOARDS
    arguments = [str(epochs), str(EPOCH_S), *([str(hanging)] if hangs else ())]
    done = subprocess.run(
        [sys.executable, "-m", "tests.trackers.node.whole_node", *arguments],
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
    """Compare a charge with the truth, within `WITHIN` or its own interval, whichever is wider."""
    if reading["energy_j"] is None:
        return False
    return bool(abs(reading["energy_j"] - truth_j) <= max(WITHIN * truth_j, reading["own_j"] or 0))


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Charges of a run in which nothing hangs."""
    return run(tmp_path_factory.mktemp("nvml"), epochs=EPOCHS, hangs=False)


@pytest.mark.parametrize("component", ["gpu", "cpu", "memory"])
def test_each_component_is_charged_what_the_trial_used(
    charged: list[dict[str, Any]], component: str
) -> None:
    """A trial is charged for its own board, and for its share of the CPU time of all processes."""
    assert len(charged) == 2 * EPOCHS
    for epoch in charged:
        reading = epoch["readings"][component]
        truth_j = energy_j(component, reading["start_s"], reading["stop_s"], trial=epoch["trial"])
        assert is_right(reading, truth_j), (epoch["trial"], epoch["epoch"], reading, truth_j)


def test_charges_of_the_plug_add_up_to_it(charged: list[dict[str, Any]]) -> None:
    """Charges of both trials are the plug's energy: in each epoch within their intervals, in all within 2 %.

    The first epoch is left out, because the trials do not enter it at the same moment.
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
    """While a board's driver does not return, the other board is sampled, and its energies are right."""
    epochs = HUNG_EPOCHS[1] + 2

    found = run(tmp_path, epochs=epochs, hangs=True)

    first = [each for each in found if each["trial"] == 1]
    second = [each for each in found if each["trial"] == 2]
    assert len(first) == len(second) == epochs
    assert second[HUNG_EPOCHS[0]]["readings"]["gpu"]["status"] != Status.OK
    for epoch in first:
        reading = epoch["readings"]["gpu"]
        truth_j = energy_j("gpu", reading["start_s"], reading["stop_s"], trial=1)
        assert is_right(reading, truth_j), (epoch, truth_j)
        assert epoch["board_samples"] > 2
