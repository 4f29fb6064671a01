"""Variances pooled over setups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.moderation import (
    PRIOR_FREEDOMS,
    draw_variances,
    pooled_variance,
    prior_freedom_weights,
)
from study.inference.repeats import Repeats

STUDIES = st.lists(
    st.lists(st.floats(min_value=-10, max_value=10), min_size=1, max_size=5), min_size=1, max_size=8
)


def test_the_pooled_variance_weighs_by_degrees_of_freedom() -> None:
    """Variances of 2 with one degree of freedom and 1 with two give (2 + 2) / 3."""
    repeats = Repeats.of([[0.0, 2.0], [0.0, 1.0, 2.0], [5.0]])

    assert pooled_variance(repeats) == pytest.approx(4 / 3)


def test_single_repeats_have_no_pooled_variance() -> None:
    """One repeat per setup says nothing about the spread, so this is an error."""
    with pytest.raises(ValueError, match="no setup has two repeats"):
        pooled_variance(Repeats.of([[1.0], [2.0]]))


@given(STUDIES)
def test_weights_add_up_to_1(values: list[list[float]]) -> None:
    """This holds for any repeats, equal ones included."""
    repeats = Repeats.of([*values, [0.0, 1.0]])

    weights = prior_freedom_weights(repeats)

    assert weights.shape == PRIOR_FREEDOMS.shape
    assert weights.sum() == pytest.approx(1.0)


def test_equal_spreads_favour_strong_pooling() -> None:
    """Setups with equal spreads favour the strongest prior, setups with unequal ones the weakest."""
    equal = Repeats.of([[0.0, 1.0, 2.0, 3.0]] * 16)
    unequal = Repeats.of([[0.0, s, 2 * s, 3 * s] for s in np.geomspace(0.01, 10, 16).tolist()])

    assert prior_freedom_weights(equal)[-1] > prior_freedom_weights(equal)[0]
    assert prior_freedom_weights(unequal)[0] > prior_freedom_weights(unequal)[-1]


def test_a_setup_with_one_repeat_borrows_its_variance() -> None:
    """The draws of its variance are centred on that of the others."""
    repeats = Repeats.of([[0.0], *[[0.0, 2.0]] * 15])

    drawn = draw_variances(repeats, rng=np.random.default_rng(0), draws=4000)

    assert drawn.shape == (4000, 16)
    assert np.median(drawn[:, 0]) == pytest.approx(2.0, rel=0.25)


def test_moderated_variances_still_differ_between_setups() -> None:
    """A setup with a larger spread of its own keeps a larger variance."""
    repeats = Repeats.of([[0.0, 10.0], *[[0.0, 1.0]] * 15])

    drawn = draw_variances(repeats, rng=np.random.default_rng(0), draws=4000)

    assert np.median(drawn[:, 0]) > 2 * np.median(drawn[:, 1])
