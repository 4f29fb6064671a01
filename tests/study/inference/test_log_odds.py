"""Shares, such as accuracies, on the scale of their log odds."""

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
    """This includes 0 and 1, for any standard error of the shares."""
    scale = LogOdds.of(shares, np.full(shares.shape, error**2), (0.0, 1.0))

    assert np.isfinite(scale.places).all()
    assert scale.values(scale.places[None, :])[0] == pytest.approx(shares, abs=1e-9)


@given(SHARES, st.floats(1e-3, 0.2))
def test_the_slope_converts_small_noise(shares: np.ndarray, error: float) -> None:
    """A deviation of a ten-thousandth of a point, scaled by the slope, comes back as it was."""
    scale = LogOdds.of(shares, np.full(shares.shape, error**2), (0.0, 1.0))

    back = scale.values((scale.places + 1e-6 * scale.slope)[None, :])[0]

    assert back - shares == pytest.approx(np.full(shares.shape, 1e-6), rel=1e-2)


def test_a_minimised_share_is_the_mirror_image() -> None:
    """Error rates of 10 % are pooled exactly as accuracies of 90 %."""
    accuracies = [[0.9, 0.88], [0.85, 0.8], [0.6, 0.7], [0.4, 0.3], [0.91, 0.89]]

    one = posterior(Repeats.of(accuracies), ends=(0.0, 1.0))
    other = posterior(
        Repeats.of([[share - 1 for share in each] for each in accuracies]), ends=(-1.0, 0.0)
    )

    assert one is not None
    assert other is not None
    assert other.pooled + 1 == pytest.approx(one.pooled, abs=1e-6)


def test_values_far_outside_the_ends_are_no_shares() -> None:
    """R^2 may be far below 0 and per cent far above 1; noise exceeds the ends only a little."""
    assert are_shares(np.asarray([-0.02, 1.03]), (0.0, 1.0))
    assert not are_shares(np.asarray([0.9, -5.0]), (0.0, 1.0))
    assert not are_shares(np.asarray([90.0, 95.0]), (0.0, 1.0))
    assert are_shares(np.asarray([-0.1, 0.0]), (-1.0, 0.0))


@pytest.mark.parametrize(("good", "failing"), [(7, 1), (6, 2), (15, 1)])
def test_contenders_are_shrunk_less_towards_failing_setups(good: int, failing: int) -> None:
    """Where few setups fail, log odds give smaller errors for the good ones."""
    rng = np.random.default_rng(0)
    truth = np.asarray([*np.linspace(0.9, 0.8, good), *np.linspace(0.3, 0.2, failing)])
    seen = truth[:, None] + 0.02 * rng.standard_normal((300, good + failing, 2))

    errors = {}
    for ends in (None, (0.0, 1.0)):
        drawn = posterior(Repeats.of_array(seen), ends=ends, draws=100)
        assert drawn is not None
        errors[ends] = float(((drawn.pooled.mean(axis=-2) - truth)[:, :good] ** 2).mean())

    assert errors[0.0, 1.0] < errors[None]
