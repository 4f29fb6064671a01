"""Selection bias in the figures of setups that were picked by them."""

import math

import numpy as np
import pytest

from study.inference.choice import Aim
from study.inference.intervals import interval, saving_interval
from study.inference.repeats import Repeats
from study.inference.selection import (
    remove_bias,
    saving_against_selected,
    selected_interval,
    selection_bias,
    selection_bias_of_least,
)
from tests.study.inference.draws import certain, drawn


def equal_setups(setups: int = 16) -> Repeats:
    """Return repeats of setups with the same mean and spread."""
    return Repeats.of([[-1.0, 1.0]] * setups)


def test_picks_among_equal_setups_are_biased() -> None:
    """The recommended setup looks too cheap and too good, the costliest too costly."""
    energy, objective = drawn(equal_setups()), drawn(equal_setups())

    found = selection_bias(energy, objective, Aim())

    assert found.energy < 0 < found.objective
    assert found.against_costliest < found.energy


def test_the_cheapest_of_equal_setups_looks_too_cheap() -> None:
    """The bias of the cheapest of 16 is clearly negative; without noise there is none."""
    assert selection_bias_of_least(drawn(equal_setups())) < -0.5
    assert selection_bias_of_least(certain([1.0, 2.0, 3.0])) == pytest.approx(0.0, abs=1e-6)


def test_without_noise_there_is_no_bias() -> None:
    """All four biases of noiseless figures are 0."""
    energy, objective = certain([1.0, 2.0, 3.0]), certain([0.5, 0.7, 0.9])

    found = selection_bias(energy, objective, Aim(tolerance=1.0))

    every = [found.energy, found.objective, found.against_costliest, found.against_best]
    assert every == pytest.approx([0.0] * 4, abs=1e-6)


def test_the_only_setup_has_no_bias_against_another() -> None:
    """The recommended setup is always the best and the costliest too, so these biases are NaN."""
    found = selection_bias(drawn(equal_setups(1)), drawn(equal_setups(1)), Aim())

    assert math.isnan(found.against_costliest)
    assert math.isnan(found.against_best)


def test_a_saving_against_the_costliest_is_corrected_downwards() -> None:
    """The interval moves towards no saving; without a bias it is that of a pair named beforehand."""
    energy = drawn(Repeats.of([[1.0, 1.2], [2.0, 2.3], [1.5, 1.8]]))

    named = saving_interval(energy, 0, 1)
    picked = saving_against_selected(energy, 0, 1, np.asarray(-0.3))
    unmoved = saving_against_selected(energy, 0, 1, np.asarray(math.nan))

    assert picked.low < named.low
    assert picked.high < named.high
    assert (unmoved.low, unmoved.high) == (named.low, named.high)


def test_each_draw_loses_a_random_fraction_of_the_bias() -> None:
    """The fractions lie between a fifth and the whole."""
    left = remove_bias(np.zeros(2000), np.asarray(1.0))

    assert left.min() == pytest.approx(-1.0, abs=0.01)
    assert left.max() == pytest.approx(-0.2, abs=0.01)


@pytest.mark.slow
def test_corrected_intervals_of_the_best_score_cover() -> None:
    """Of 16 equal setups the best is best by luck alone; 90 % or more of its intervals contain the truth."""
    values = np.random.default_rng(3).standard_normal((1000, 16, 2))
    objective = drawn(Repeats.of_array(values), draws=300)
    energy = drawn(Repeats.of_array(np.zeros((1000, 16, 2))), draws=300)
    picked = objective.repeats.mean.argmax(axis=-1)

    bias = selection_bias(energy, objective, Aim(tolerance=0.0))

    corrected = selected_interval(objective, picked, bias.objective).holds(0.0).mean()
    as_it_is = selected_interval(objective, picked, np.zeros(1000)).holds(0.0).mean()
    assert corrected >= 0.9
    assert corrected > as_it_is + 0.1


def test_without_bias_the_corrected_interval_is_the_plain_one() -> None:
    """A bias of 0 moves neither end."""
    objective = drawn(equal_setups(4))

    found = selected_interval(objective, 2, np.asarray(0.0))

    assert (found.low, found.high) == (
        interval(objective.means[:, 2]).low,
        interval(objective.means[:, 2]).high,
    )
