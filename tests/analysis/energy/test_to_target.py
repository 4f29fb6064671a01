"""Energy of a setup until its target was reached, of trainings that miss it too."""

from dataclasses import dataclass

import pytest

from analysis.energy.failures import to_target
from analysis.energy.spread import Spread


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training, as a test says."""

    energy_j: float | None = 100.0
    to_target_j: float | None = None
    reached: bool | None = False
    finished: bool = True
    failed: bool = False
    wasted_energy_j: float = 0.0
    uncertainty_own_j: float = 4.0
    board: str | None = "GPU-1"


REACHED = Training(to_target_j=25.0, reached=True)
MISSED = Training(energy_j=80.0)


@pytest.mark.parametrize(
    ("trainings", "reached", "mean_j"),
    [
        pytest.param([REACHED, REACHED], (2, 2), 25.0, id="all reached it"),
        pytest.param([REACHED, MISSED], (1, 2), 105.0, id="one missed it, with all that it used"),
        pytest.param(
            [REACHED, Training(energy_j=50.0, finished=False, failed=True, wasted_energy_j=5.0)],
            (1, 2),
            80.0,
            id="one failed, with all that was lost on the way",
        ),
        pytest.param(
            [REACHED, Training(energy_j=None, finished=False, failed=True)],
            (1, 2),
            25.0,
            id="what one used that failed is not known: said elsewhere, as of totals",
        ),
        pytest.param(
            [Training(to_target_j=25.0, reached=True, finished=False, failed=True)],
            (1, 1),
            25.0,
            id="it reached the target, and failed later",
        ),
        pytest.param([REACHED, Training(energy_j=None)], (1, 2), None, id="one is not known"),
        pytest.param([REACHED, Training(reached=True)], (2, 2), None, id="nor where it is reached"),
        pytest.param([MISSED], (0, 1), None, id="none reached it"),
        pytest.param(
            [REACHED, Training(finished=False)], (1, 1), 25.0, id="one is under way, or was stopped"
        ),
    ],
)
def test_the_energy_to_the_target_is_that_of_all_trainings_for_each_that_reached_it(
    trainings: list[Training], reached: tuple[int, int], mean_j: float | None
) -> None:
    """Who wants the target has to train again where one misses it."""
    found = to_target(trainings)

    assert found is not None
    assert (found.reached, found.attempts) == reached
    assert found.mean_j == mean_j


def test_without_a_target_there_is_no_energy_to_it() -> None:
    """Nor before a training has ended."""
    assert to_target([Training(reached=None)]) is None
    assert to_target([Training(finished=False)]) is None


def test_a_quarter_of_a_training_is_half_as_uncertain() -> None:
    """Squares of what readings have of their own add up."""
    found = to_target([REACHED])

    assert found is not None
    assert found.energy_j == Spread.of([25.0])
    assert found.uncertainty_own_j == 2.0
