"""A small calibration: what is said of repeats is true about as often as it says."""

import numpy as np
import pytest

from benchmarks.calibration.advice import Stated, advice_measures, reliability
from benchmarks.calibration.cycles import cycle_measures, saving_measures
from benchmarks.calibration.ideal import ideal_of
from benchmarks.calibration.intervals import interval_measures
from benchmarks.calibration.spending import spending_measures
from benchmarks.calibration.worlds import WORLDS, truth_of
from study.inference.allocation import Rule
from study.inference.choice import Aim

STUDIES, DRAWS = 300, 300

EVERY_WORLD = pytest.mark.parametrize("world", WORLDS)


@pytest.mark.slow
@EVERY_WORLD
def test_intervals_of_two_repeats_cover(world: str) -> None:
    """95 % intervals hold the truth in 90 to 99.5 % of 300 studies, and equal setups seem equal.

    Twofold differences are found in at most 16 points fewer than if each spread were known, and in
    30 where spreads differ tenfold.
    """
    rng = np.random.default_rng(0)
    truth = truth_of(world, rng, STUDIES)

    found = interval_measures(truth, rng, repeats=2, draws=DRAWS)

    for name in ("total", "fixed pair", "against costliest", "against most accurate"):
        assert 0.90 <= found[name] <= 0.995, name
    assert found["equal told apart"] <= 0.08
    assert found["width to known"] <= 1.5
    missed = found["each spread known"] - found["twofold told apart"]
    assert missed <= (0.30 if world == "resampled" else 0.16)


@pytest.mark.slow
@EVERY_WORLD
def test_advice_from_two_repeats_is_worth_following(world: str) -> None:
    """It is right in 60 % or more of the studies in which the best rule is, and costs little more."""
    rng = np.random.default_rng(0)
    truth = truth_of(world, rng, STUDIES)

    found, _ = advice_measures(truth, rng, repeats=2, draws=DRAWS, aim=Aim())

    assert found["right"] >= 0.6 * found["allowed"]
    assert found["excess"] <= 0.1


@pytest.mark.slow
def test_advice_loses_little_more_than_who_knows_how_truths_are_distributed() -> None:
    """Of random grids, from two repeats: 5 % of energy or less beyond what the data do not tell."""
    rng = np.random.default_rng(0)
    truth = truth_of("grids", rng, STUDIES)

    found, _ = advice_measures(truth, rng, repeats=2, draws=100, aim=Aim(), ideal=ideal_of("grids"))

    assert found["ideal lost"] <= found["lost"] <= found["ideal lost"] + 0.05
    assert found["ideal right"] >= found["right"]


def test_one_repeat_is_advised_on_without_a_probability() -> None:
    """The means decide, and nothing is stated of how sure that is."""
    rng = np.random.default_rng(0)

    found, stated = advice_measures(
        truth_of("grids", rng, STUDIES), rng, repeats=1, draws=DRAWS, aim=Aim()
    )

    assert stated == {}
    assert "stated" not in found
    assert found["right"] > 0.2


@pytest.mark.slow
def test_probabilities_are_what_happens_where_truths_differ() -> None:
    """Where 90 % and more is stated of random grids, 80 % and more are true; below 10 %, 10 %."""
    rng = np.random.default_rng(0)
    truth = truth_of("grids", rng, STUDIES)

    _, stated = advice_measures(truth, rng, repeats=3, draws=DRAWS, aim=Aim())

    tenths = reliability([stated["within the tolerance"]])
    assert tenths[-1][2] >= 0.8
    assert tenths[0][2] <= 0.1


def test_a_reliability_diagram_is_by_tenths() -> None:
    """Lower end, mean of what was stated, share that was true, number; empty tenths are left out."""
    stated = Stated(
        probability=np.asarray([0.05, 0.15, 0.17, 1.0]), true=np.asarray([False, True, False, True])
    )

    found = reliability([stated])

    assert [row for tenth in found for row in tenth] == pytest.approx(
        [*(0.0, 0.05, 0.0, 1), *(0.1, 0.16, 0.5, 2), *(0.9, 1.0, 1.0, 1)]
    )


def test_nothing_stated_has_no_tenths() -> None:
    """As of a world that `--only` has left out."""
    assert reliability([]) == []


@pytest.mark.slow
def test_break_even_and_savings_cover() -> None:
    """Of all setups, of each, of the best and the worst; noise alone explains what is printed."""
    rng = np.random.default_rng(0)
    truth = truth_of("parametric", rng, STUDIES)

    cycles = cycle_measures(truth, rng, repeats=2, draws=DRAWS)
    saving = saving_measures(truth, rng, repeats=2)

    for name in ("all setups", "one setup", "best", "worst"):
        assert cycles[name] >= 0.92, name
    assert cycles["best printed"] == pytest.approx(cycles["noise alone, best"], rel=0.15)
    assert saving["multitask saving"] >= 0.92


@pytest.mark.slow
def test_more_repeats_where_they_tell_most_beat_one_after_another() -> None:
    """16 repeats by a rule leave less excess energy, and more studies sure of their answer."""
    found = {}
    for rule in (None, Rule.TOP_TWO):
        rng = np.random.default_rng(1)
        truth = truth_of("synthetic", rng, 150)
        found[rule] = spending_measures(
            truth, rng, rule=rule, more=16, draws=100, aim=Aim(), sure=0.9
        )

    assert found[Rule.TOP_TWO]["excess"] < found[None]["excess"]
    assert found[Rule.TOP_TWO]["sure"] > found[None]["sure"]
