"""Break-even over all setups, and intervals of single ones."""

import math

import pytest

from analysis.pretraining.cycles import Triple, cycle_intervals, pooled

TWO = {1: [(100.0, 31.0, 10.0), (102.0, 30.0, 10.2)], 2: [(99.0, 30.5, 9.9), (101.0, 30.0, 10.1)]}


@pytest.mark.parametrize(
    ("triples", "cycles"),
    [
        ({1: [(1.0, 0.75, 0.25)]}, 2.0),
        ({1: [(1.0, 0.5, 0.5)]}, math.inf),
        ({1: [(1.0, 0.25, 0.5)]}, math.inf),
        ({1: [(10.0, 4.0, 1.0), (20.0, 4.0, 1.0)], 2: [(5.0, 3.0, 1.0)], 3: []}, 4.0),
    ],
    ids=["half a joule saved", "nothing saved", "less than nothing", "means of unequal repeats"],
)
def test_cycles_are_the_encoders_energy_over_what_a_cycle_saves(
    triples: dict[int, list[Triple]], cycles: float
) -> None:
    """Each setup counts once, with the means of its repeats: (15 + 5) / (3 + 2)."""
    found = pooled(triples)

    assert found is not None
    assert found.cycles == cycles
    assert found.pays == math.isfinite(cycles)
    assert found.setups == sum(map(bool, triples.values()))


def test_without_a_complete_repeat_there_is_no_pooled_break_even() -> None:
    """There are no intervals either."""
    assert pooled({1: []}) is None
    assert cycle_intervals({1: []}, 5.0) is None


@pytest.mark.parametrize("energies", [(0.0, 0.5, 0.25), (0.5, 0.5, 0.0)])
def test_an_energy_of_zero_leaves_single_setups_without_intervals(energies: Triple) -> None:
    """It has no logarithm; energies below a joule are valid."""
    small = {1: [(0.5, 0.5, 0.25), (0.51, 0.52, 0.26)]}

    assert cycle_intervals({**small, 2: [energies, energies]}, 5.0) is None
    assert cycle_intervals(small, 5.0) is not None


def test_noise_alone_gives_extremes_on_both_sides_of_the_break_even() -> None:
    """Both setups have a break-even near 5; their intervals contain it and are finite."""
    found = cycle_intervals(TWO, 4.95)

    assert found is not None
    assert set(found.by_setup) == {1, 2}
    assert all(each.low < 4.95 < each.high < math.inf for each in found.by_setup.values())
    assert 4 < found.noise_best < 4.95 < found.noise_worst < 6


def test_intervals_are_reproducible() -> None:
    """Draws use fixed seeds."""
    assert cycle_intervals(TWO, 4.95) == cycle_intervals(TWO, 4.95)


def test_where_nothing_pays_the_extremes_are_infinite() -> None:
    """Noise does not turn infinitely many cycles into a finite number."""
    found = cycle_intervals(
        {n: [(e, t, 2 * c) for e, t, c in each] for n, each in TWO.items()}, math.inf
    )

    assert found is not None
    assert (found.noise_best, found.noise_worst) == (math.inf, math.inf)
