"""What picking does to the figures of what was picked."""

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


def alike(setups: int = 16) -> Repeats:
    """Setups of the same mean and spread."""
    return Repeats.of([[-1.0, 1.0]] * setups)


def test_of_setups_that_are_alike_the_picked_owe_much_to_luck() -> None:
    """The recommended one looks too cheap and too good, the costliest too dear."""
    energy, objective = drawn(alike()), drawn(alike())

    found = selection_bias(energy, objective, Aim())

    assert found.energy < 0 < found.objective
    assert found.against_costliest < found.energy


def test_the_least_of_setups_that_are_alike_looks_too_cheap() -> None:
    """One of 16 that is picked for its mean; without noise nothing is luck."""
    assert selection_bias_of_least(drawn(alike())) < -0.5
    assert selection_bias_of_least(certain([1.0, 2.0, 3.0])) == pytest.approx(0.0, abs=1e-6)


def test_there_is_no_luck_without_noise() -> None:
    """Certain figures owe nothing to it."""
    energy, objective = certain([1.0, 2.0, 3.0]), certain([0.5, 0.7, 0.9])

    found = selection_bias(energy, objective, Aim(tolerance=1.0))

    every = [found.energy, found.objective, found.against_costliest, found.against_best]
    assert every == pytest.approx([0.0] * 4, abs=1e-6)


def test_the_only_setup_is_compared_with_nobody() -> None:
    """Where the recommended one is always the best and the costliest there is nothing to correct."""
    found = selection_bias(drawn(alike(1)), drawn(alike(1)), Aim())

    assert math.isnan(found.against_costliest)
    assert math.isnan(found.against_best)


def test_a_saving_against_the_costliest_is_told_smaller_than_it_looks() -> None:
    """The interval moves towards no saving, and is that of a named pair without a bias."""
    energy = drawn(Repeats.of([[1.0, 1.2], [2.0, 2.3], [1.5, 1.8]]))

    named = saving_interval(energy, 0, 1)
    picked = saving_against_selected(energy, 0, 1, np.asarray(-0.3))
    unmoved = saving_against_selected(energy, 0, 1, np.asarray(math.nan))

    assert picked.low < named.low
    assert picked.high < named.high
    assert (unmoved.low, unmoved.high) == (named.low, named.high)


def test_each_draw_loses_another_part_of_the_bias() -> None:
    """Between a fifth and the whole."""
    left = remove_bias(np.zeros(2000), np.asarray(1.0))

    assert left.min() == pytest.approx(-1.0, abs=0.01)
    assert left.max() == pytest.approx(-0.2, abs=0.01)


@pytest.mark.slow
def test_the_score_of_the_luckiest_of_many_covers_when_corrected() -> None:
    """Of 16 setups that are all the same, where luck is all there is: 90 % or more hold the truth."""
    values = np.random.default_rng(3).standard_normal((1000, 16, 2))
    objective = drawn(Repeats.of_array(values), draws=300)
    energy = drawn(Repeats.of_array(np.zeros((1000, 16, 2))), draws=300)
    picked = objective.repeats.mean.argmax(axis=-1)

    bias = selection_bias(energy, objective, Aim(tolerance=0.0))

    corrected = selected_interval(objective, picked, bias.objective).holds(0.0).mean()
    as_it_is = selected_interval(objective, picked, np.zeros(1000)).holds(0.0).mean()
    assert corrected >= 0.9
    assert corrected > as_it_is + 0.1


def test_a_corrected_interval_of_no_bias_is_the_plain_one() -> None:
    """With a bias of 0 nothing moves."""
    objective = drawn(alike(4))

    found = selected_interval(objective, 2, np.asarray(0.0))

    assert (found.low, found.high) == (
        interval(objective.means[:, 2]).low,
        interval(objective.means[:, 2]).high,
    )
