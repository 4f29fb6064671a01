"""Break-even over all setups, and what can be said of single ones."""

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
def test_cycles_are_the_encoders_over_what_is_saved(
    triples: dict[int, list[Triple]], cycles: float
) -> None:
    """Each setup counts once, with the means of its repeats: (15 + 5) / (3 + 2)."""
    found = pooled(triples)

    assert found is not None
    assert found.cycles == cycles
    assert found.pays == math.isfinite(cycles)
    assert found.setups == sum(map(bool, triples.values()))


def test_without_a_whole_repeat_there_is_nothing_to_pool() -> None:
    """Nor an interval."""
    assert pooled({1: []}) is None
    assert cycle_intervals({1: []}, 5.0) is None


@pytest.mark.parametrize("energies", [(0.0, 0.5, 0.25), (0.5, 0.5, 0.0)])
def test_an_energy_of_nothing_has_no_logarithm(energies: Triple) -> None:
    """So that nothing is said of single setups; energies below a joule are energies."""
    small = {1: [(0.5, 0.5, 0.25), (0.51, 0.52, 0.26)]}

    assert cycle_intervals({**small, 2: [energies, energies]}, 5.0) is None
    assert cycle_intervals(small, 5.0) is not None


def test_noise_is_said_beside_the_best_and_the_worst() -> None:
    """Of setups with one break-even near 5, the extremes lie to both sides of it, and are finite."""
    found = cycle_intervals(TWO, 4.95)

    assert found is not None
    assert set(found.by_setup) == {1, 2}
    assert all(each.low < 4.95 < each.high < math.inf for each in found.by_setup.values())
    assert 4 < found.noise_best < 4.95 < found.noise_worst < 6


def test_a_report_made_again_says_the_same() -> None:
    """What is drawn is drawn from the same seeds."""
    assert cycle_intervals(TWO, 4.95) == cycle_intervals(TWO, 4.95)


def test_where_nothing_pays_noise_makes_nothing_pay() -> None:
    """Noise round an infinite number of cycles is infinite."""
    found = cycle_intervals(
        {n: [(e, t, 2 * c) for e, t, c in each] for n, each in TWO.items()}, math.inf
    )

    assert found is not None
    assert (found.noise_best, found.noise_worst) == (math.inf, math.inf)
