"""Shares on the scale of their log odds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.log_odds import LogOdds, are_shares
from study.inference.posterior import posterior
from study.inference.repeats import Repeats

SHARES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8).map(np.asarray)


@given(SHARES, st.floats(1e-6, 0.2))
def test_a_share_comes_back_from_its_log_odds(shares: np.ndarray, error: float) -> None:
    """Ends included, whatever the standard error is that they are started by."""
    scale = LogOdds.of(shares, np.full(shares.shape, error**2), (0.0, 1.0))

    assert np.isfinite(scale.places).all()
    assert scale.values(scale.places[None, :])[0] == pytest.approx(shares, abs=1e-9)


@given(SHARES, st.floats(1e-3, 0.2))
def test_the_slope_is_that_of_the_scale(shares: np.ndarray, error: float) -> None:
    """Noise of a ten-thousandth of a point is carried over by it."""
    scale = LogOdds.of(shares, np.full(shares.shape, error**2), (0.0, 1.0))

    back = scale.values((scale.places + 1e-6 * scale.slope)[None, :])[0]

    assert back - shares == pytest.approx(np.full(shares.shape, 1e-6), rel=1e-2)


def test_a_share_that_is_to_be_small_is_the_mirror_image() -> None:
    """Errors of 10 % and accuracies of 90 % lean on each other alike."""
    accuracies = [[0.9, 0.88], [0.85, 0.8], [0.6, 0.7], [0.4, 0.3], [0.91, 0.89]]

    one = posterior(Repeats.of(accuracies), ends=(0.0, 1.0))
    other = posterior(
        Repeats.of([[share - 1 for share in each] for each in accuracies]), ends=(-1.0, 0.0)
    )

    assert one is not None
    assert other is not None
    assert other.pooled + 1 == pytest.approx(one.pooled, abs=1e-6)


def test_what_is_far_from_its_ends_is_no_share() -> None:
    """R^2 may be far below 0, and per cent far above 1; noise a little."""
    assert are_shares(np.asarray([-0.02, 1.03]), (0.0, 1.0))
    assert not are_shares(np.asarray([0.9, -5.0]), (0.0, 1.0))
    assert not are_shares(np.asarray([90.0, 95.0]), (0.0, 1.0))
    assert are_shares(np.asarray([-0.1, 0.0]), (-1.0, 0.0))


def test_a_contender_leans_less_on_setups_that_fail() -> None:
    """Where two of sixteen fail, points near the top are not taken for as variable as those below."""
    rng = np.random.default_rng(0)
    truth = np.asarray([*(0.9 - 0.02 * np.arange(6)), 0.3, 0.2])
    seen = truth[:, None] + 0.02 * rng.standard_normal((300, 8, 2))

    errors = {}
    for ends in (None, (0.0, 1.0)):
        drawn = posterior(Repeats.of_array(seen), ends=ends, draws=200)
        assert drawn is not None
        errors[ends] = float(((drawn.pooled.mean(axis=-2) - truth)[:, :6] ** 2).mean())

    assert errors[0.0, 1.0] < errors[None]
