"""Yardsticks of the calibration: ideal posteriors, known spreads and twins of setups."""

import numpy as np
import pytest

from benchmarks.calibration.held_out import HELD_OUT, held_out
from benchmarks.calibration.ideal import ideal_of
from benchmarks.calibration.known_spreads import KnownSpreads
from benchmarks.calibration.worlds import WORLDS, Truth, truth_of

STUDIES = 100


def _truth(world: str, rng: np.random.Generator) -> Truth:
    return (truth_of if world in WORLDS else held_out)(world, rng, STUDIES)


@pytest.mark.parametrize("world", [w for w in (*WORLDS, *HELD_OUT) if ideal_of(w)])
@pytest.mark.slow
def test_an_ideal_posterior_is_calibrated(world: str) -> None:
    """About 80 % of its 80 % intervals contain the truth, of energies as of objectives."""
    rng = np.random.default_rng(0)
    truth = _truth(world, rng)
    energies, objectives = truth.observed(rng, 2)
    ideal = ideal_of(world)
    assert ideal is not None

    drawn = ideal(
        (energies.mean(axis=-1), truth.energy_deviation**2 / 2),
        (objectives.mean(axis=-1), truth.objective_deviation**2 / 2),
        rng,
        60,
    )

    for draws, true in zip(drawn, (truth.energy, truth.objective), strict=True):
        rank = (draws < true[:, None, :]).mean(axis=1) + (draws == true[:, None, :]).mean(
            axis=1
        ) / 2
        covered = (rank > 0.1) & (rank < 0.9)
        assert covered.mean() == pytest.approx(0.8, abs=0.06 if world != "synthetic" else 0.2)


def test_intervals_with_known_spreads_separate_five_percent_of_equal_setups() -> None:
    """That holds for 1,500 pairs, also if the spreads are known but not which setup has which."""
    rng = np.random.default_rng(1)
    truth = held_out("uneven", rng, 1500)
    wider = truth.with_twins(
        np.zeros((1500, 1), dtype=int), np.ones((1500, 1), dtype=int), np.asarray([1.0])
    )
    energies, _ = wider.observed(rng, 2)
    known = KnownSpreads(wider, energies)
    pair = np.zeros(1500, dtype=int), np.ones(1500, dtype=int)

    apart = ~known.each(*pair).holds(0.0)
    not_whose = ~known.not_whose(*pair, rng=rng, draws=200).holds(0.0)

    assert apart.mean() == pytest.approx(0.05, abs=0.02)
    assert not_whose.mean() == pytest.approx(0.05, abs=0.03)


def test_a_twin_has_its_factor_of_energy_and_the_spread_of_its_original() -> None:
    """Its recorded trainings are scaled likewise, and other setups stay as they were."""
    rng = np.random.default_rng(2)
    truth = truth_of("resampled", rng, 3)

    twins = truth.with_twins(np.full((3, 1), 4), np.full((3, 1), 9), np.asarray([2.0]))

    assert twins.energy[:, 9] - twins.energy[:, 4] == pytest.approx(np.log(2))
    assert (twins.energy_deviation[:, 9] == twins.energy_deviation[:, 4]).all()
    assert twins.recorded is not None
    assert twins.recorded[:, 9, :, 0] - twins.recorded[:, 4, :, 0] == pytest.approx(np.log(2))
    assert (twins.energy[:, 3] == truth.energy[:, 3]).all()
