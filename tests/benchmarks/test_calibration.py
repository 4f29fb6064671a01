"""A small calibration: statements about repeats are true about as often as they say."""

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
    """95 % intervals contain the truth in 90 to 99.5 % of 300 studies; at most 8 % of equal setups seem unequal.

    Twofold differences are detected at most 16 percentage points less often than if each spread were
    known, and 30 points where spreads differ tenfold.
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
    """It is right at least 60 % as often as the best rule, and costs at most 10 % excess energy."""
    rng = np.random.default_rng(0)
    truth = truth_of(world, rng, STUDIES)

    found, _ = advice_measures(truth, rng, repeats=2, draws=DRAWS, aim=Aim())

    assert found["right"] >= 0.6 * found["allowed"]
    assert found["excess"] <= 0.1


@pytest.mark.slow
def test_advice_loses_little_more_than_the_ideal_posterior() -> None:
    """On random grids with two repeats, it loses at most 0.05 in log energy more than if the prior were known."""
    rng = np.random.default_rng(0)
    truth = truth_of("grids", rng, STUDIES)

    found, _ = advice_measures(truth, rng, repeats=2, draws=100, aim=Aim(), ideal=ideal_of("grids"))

    assert found["ideal lost"] <= found["lost"] <= found["ideal lost"] + 0.05
    assert found["ideal right"] >= found["right"]


def test_advice_from_one_repeat_states_no_probability() -> None:
    """The means decide, and nothing is said about how sure the advice is."""
    rng = np.random.default_rng(0)

    found, stated = advice_measures(
        truth_of("grids", rng, STUDIES), rng, repeats=1, draws=DRAWS, aim=Aim()
    )

    assert stated == {}
    assert "stated" not in found
    assert found["right"] > 0.2


@pytest.mark.slow
def test_stated_probabilities_agree_with_the_share_that_is_true() -> None:
    """On random grids, at least 80 % of the statements with 90 % or more are true; below 10 %, at most 10 %."""
    rng = np.random.default_rng(0)
    truth = truth_of("grids", rng, STUDIES)

    _, stated = advice_measures(truth, rng, repeats=3, draws=DRAWS, aim=Aim())

    tenths = reliability([stated["within the tolerance"]])
    assert tenths[-1][2] >= 0.8
    assert tenths[0][2] <= 0.1


def test_a_reliability_diagram_is_by_tenths() -> None:
    """Each tenth has its lower end, mean stated probability, true share and count; empty ones are left out."""
    stated = Stated(
        probability=np.asarray([0.05, 0.15, 0.17, 1.0]), true=np.asarray([False, True, False, True])
    )

    found = reliability([stated])

    assert [row for tenth in found for row in tenth] == pytest.approx(
        [*(0.0, 0.05, 0.0, 1), *(0.1, 0.16, 0.5, 2), *(0.9, 1.0, 1.0, 1)]
    )


def test_a_reliability_diagram_without_statements_is_empty() -> None:
    """A world that `--only` leaves out has no statements."""
    assert reliability([]) == []


@pytest.mark.slow
def test_intervals_of_break_even_and_savings_cover() -> None:
    """They contain the truth for all setups, for one, for the best and the worst.

    The best value in the report is as large as noise alone would make it.
    """
    rng = np.random.default_rng(0)
    truth = truth_of("parametric", rng, STUDIES)

    cycles = cycle_measures(truth, rng, repeats=2, draws=DRAWS)
    saving = saving_measures(truth, rng, repeats=2)

    for name in ("all setups", "one setup", "best", "worst"):
        assert cycles[name] >= 0.92, name
    assert cycles["best printed"] == pytest.approx(cycles["noise alone, best"], rel=0.15)
    assert saving["multitask saving"] >= 0.92


@pytest.mark.slow
def test_further_repeats_of_informative_setups_beat_repeats_in_turn() -> None:
    """16 repeats by the rule leave less excess energy than in turn, and more studies are sure of their answer."""
    found = {}
    for rule in (None, Rule.TOP_TWO):
        rng = np.random.default_rng(1)
        truth = truth_of("synthetic", rng, 150)
        found[rule] = spending_measures(
            truth, rng, rule=rule, more=16, draws=100, aim=Aim(), sure=0.9
        )

    assert found[Rule.TOP_TWO]["excess"] < found[None]["excess"]
    assert found[Rule.TOP_TWO]["sure"] > found[None]["sure"]
