"""Energy of a setup up to its target, including trainings that missed it."""

from dataclasses import dataclass

import pytest

from analysis.energy.failures import to_target
from analysis.energy.spread import Spread


@dataclass(frozen=True, kw_only=True)
class Training:
    """The values of a training that `to_target` reads."""

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
        pytest.param([REACHED, MISSED], (1, 2), 105.0, id="a miss counts in full"),
        pytest.param(
            [REACHED, Training(energy_j=50.0, finished=False, failed=True, wasted_energy_j=5.0)],
            (1, 2),
            80.0,
            id="a failure counts with its lost attempts",
        ),
        pytest.param(
            [REACHED, Training(energy_j=None, finished=False, failed=True)],
            (1, 2),
            25.0,
            id="a failure of unknown energy is left out",
        ),
        pytest.param(
            [Training(to_target_j=25.0, reached=True, finished=False, failed=True)],
            (1, 1),
            25.0,
            id="reached the target and failed later",
        ),
        pytest.param(
            [REACHED, Training(energy_j=None)], (1, 2), None, id="a miss of unknown energy"
        ),
        pytest.param(
            [REACHED, Training(reached=True)], (2, 2), None, id="reached at an unknown energy"
        ),
        pytest.param([MISSED], (0, 1), None, id="none reached it"),
        pytest.param(
            [REACHED, Training(finished=False)],
            (1, 1),
            25.0,
            id="an unfinished training does not count",
        ),
    ],
)
def test_energy_of_all_trainings_is_divided_by_those_that_reached_the_target(
    trainings: list[Training], reached: tuple[int, int], mean_j: float | None
) -> None:
    """A training that misses the target has to be repeated."""
    found = to_target(trainings)

    assert found is not None
    assert (found.reached, found.attempts) == reached
    assert found.mean_j == mean_j


def test_without_a_target_there_is_no_energy_to_it() -> None:
    """There is none before a training has ended either."""
    assert to_target([Training(reached=None)]) is None
    assert to_target([Training(finished=False)]) is None


def test_a_quarter_of_the_energy_is_half_as_uncertain() -> None:
    """Independent uncertainties of readings add up by their squares."""
    found = to_target([REACHED])

    assert found is not None
    assert found.energy_j == Spread.of([25.0])
    assert found.uncertainty_own_j == 2.0
