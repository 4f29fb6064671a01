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
    """Of variances 2 with one degree of freedom and 1 with two: (2 + 2) / 3."""
    repeats = Repeats.of([[0.0, 2.0], [0.0, 1.0, 2.0], [5.0]])

    assert pooled_variance(repeats) == pytest.approx(4 / 3)


def test_nothing_is_pooled_of_single_repeats() -> None:
    """With one repeat everywhere nothing is known of a spread, and that is said."""
    with pytest.raises(ValueError, match="no setup has two repeats"):
        pooled_variance(Repeats.of([[1.0], [2.0]]))


@given(STUDIES)
def test_weights_add_up_to_1(values: list[list[float]]) -> None:
    """Whatever the repeats are, equal ones included."""
    repeats = Repeats.of([*values, [0.0, 1.0]])

    weights = prior_freedom_weights(repeats)

    assert weights.shape == PRIOR_FREEDOMS.shape
    assert weights.sum() == pytest.approx(1.0)


def test_the_same_spread_everywhere_speaks_for_much_pooling() -> None:
    """Setups that vary alike make the last prior likelier than the first, others the first."""
    alike = Repeats.of([[0.0, 1.0, 2.0, 3.0]] * 16)
    unlike = Repeats.of([[0.0, s, 2 * s, 3 * s] for s in np.geomspace(0.01, 10, 16).tolist()])

    assert prior_freedom_weights(alike)[-1] > prior_freedom_weights(alike)[0]
    assert prior_freedom_weights(unlike)[0] > prior_freedom_weights(unlike)[-1]


def test_a_setup_of_one_repeat_borrows_its_spread() -> None:
    """The draws of its variance lie round what the others have."""
    repeats = Repeats.of([[0.0], *[[0.0, 2.0]] * 15])

    drawn = draw_variances(repeats, rng=np.random.default_rng(0), draws=4000)

    assert drawn.shape == (4000, 16)
    assert np.median(drawn[:, 0]) == pytest.approx(2.0, rel=0.25)


def test_more_spread_of_its_own_gives_more() -> None:
    """Moderated is not the same for all."""
    repeats = Repeats.of([[0.0, 10.0], *[[0.0, 1.0]] * 15])

    drawn = draw_variances(repeats, rng=np.random.default_rng(0), draws=4000)

    assert np.median(drawn[:, 0]) > 2 * np.median(drawn[:, 1])
