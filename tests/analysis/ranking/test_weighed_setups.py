"""What is weighed of setups, and how the chosen one and its references differ from the others."""

from dataclasses import replace

import pytest

from analysis.energy.spread import Interval
from analysis.energy.totals import SetupEnergy
from analysis.ranking.evidence import Evidence, evidence_of
from study.inference import intervals
from study.inference.choice import Aim
from tests.analysis.study_folder import setup_energy

DEAR = setup_energy(1, [100.0, 104.0], [0.60, 0.62])
CHEAP = setup_energy(2, [10.0, 10.2], [0.97, 0.95])


def weighed(*setups: SetupEnergy) -> Evidence:
    """The evidence of setups that have some."""
    found = evidence_of(setups, Aim(tolerance=0.01))
    assert found is not None
    return found


def test_the_setup_with_the_least_expected_loss_is_chosen() -> None:
    """Wherever it stands; of equal ones the one with the lowest number."""
    alike = [setup_energy(n, [10.0], [0.9]) for n in (3, 1, 2)]

    found = weighed(DEAR, CHEAP)

    assert (found.chosen, found.by_threshold) == (2, 2)
    assert found.expected_loss[2] == 0.0 < found.expected_loss[1]
    assert weighed(*alike).chosen == 1


def test_what_has_no_energy_or_no_accuracy_is_not_weighed() -> None:
    """An energy of 0 has no logarithm, and is none."""
    unknown = [
        setup_energy(3, [None, None], [0.9, 0.9]),
        setup_energy(4, [1.0, 1.0], [None, None]),
        setup_energy(5, [1.0, 0.0], [0.9, 0.9]),
    ]

    assert weighed(DEAR, *unknown, CHEAP).places == {1: 0, 2: 1}
    assert evidence_of(unknown, Aim(tolerance=0.01)) is None


def apart(step_j: float) -> Evidence:
    """Four setups of equal accuracy, each dearer than the one before; the first is chosen."""
    found = weighed(
        *(
            setup_energy(n, [10 + step_j * n + 0.3, 10 + step_j * n - 0.3], [0.9, 0.9])
            for n in range(1, 5)
        )
    )
    assert found.chosen == 1
    return found


def test_the_total_of_the_chosen_setup_alone_is_without_the_luck_of_being_picked() -> None:
    """Of any other it is the interval of its own repeats."""
    found = apart(0.1)
    assert found.doubt is not None

    own = [intervals.total_interval_j(found.doubt.energy, place) for place in (0, 1)]
    plain = [Interval(low=float(each.low), high=float(each.high)) for each in own]

    assert found.total_j(2) == plain[1]
    chosen = found.total_j(1)
    assert chosen is not None
    assert chosen.high > plain[0].high


def test_a_reference_that_was_picked_for_its_energy_is_told_apart_later() -> None:
    """The costliest of several is partly so by chance."""
    found = apart(0.45)

    assert found.told_apart(1, 4)
    assert not found.told_apart(1, 4, picked="against_costliest")
    assert apart(0.6).told_apart(1, 4, picked="against_costliest")


def test_setups_that_share_a_parameter_lean_on_each_other() -> None:
    """A grid tells more of each of its setups than the same numbers without one."""
    numbers = [([10.0, 12.0], 64, 0.1), ([14.0, 11.0], 64, 0.2), ([20.0, 16.0], 128, 0.1)]
    grid = [
        setup_energy(n, energies, [0.9, 0.9], batch_size=batch, learning_rate=rate)
        for n, (energies, batch, rate) in enumerate([*numbers, ([19.0, 24.0], 128, 0.2)], start=1)
    ]
    apiece = [replace(each, batch_size=n, learning_rate=n) for n, each in enumerate(grid)]

    assert weighed(*grid).cheapest(1) != pytest.approx(weighed(*apiece).cheapest(1), abs=1e-3)
