"""Scores at epochs that other repeats choose."""

import numpy as np
import pytest

from study.inference.epoch_choice import scores_elsewhere_chosen


def test_the_other_repeats_choose_the_epoch() -> None:
    """Of two repeats each is read where the other is at its best."""
    found = scores_elsewhere_chosen([[0.5, 0.9, 0.7], [0.5, 0.6, 0.8]])

    assert found == (0.7, 0.6)


def test_a_repeat_that_had_stopped_counts_with_its_last_epoch() -> None:
    """It cannot be read where it never was."""
    found = scores_elsewhere_chosen([[0.5, 0.6], [0.5, 0.6, 0.8]])

    assert found == (0.6, 0.6)


def test_one_repeat_has_no_others() -> None:
    """Then there is no such score."""
    assert scores_elsewhere_chosen([[0.5, 0.6]]) is None


def test_a_repeat_without_an_epoch_is_refused() -> None:
    """It has no score to be read."""
    with pytest.raises(ValueError, match="without an epoch"):
        scores_elsewhere_chosen([[0.5], []])


def test_pure_noise_scores_what_it_is() -> None:
    """The maximum of 30 epochs of noise is 2 deviations too high; elsewhere chosen, it is not."""
    curves = np.random.default_rng(0).standard_normal((400, 2, 30))

    elsewhere = np.mean([scores_elsewhere_chosen(each.tolist()) for each in curves])

    assert curves.max(axis=-1).mean() > 1.9
    assert elsewhere == pytest.approx(0.0, abs=0.1)
