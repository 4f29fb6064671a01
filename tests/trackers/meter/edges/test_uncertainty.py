"""Statistics of a load from samples and from a counter's stretches, and uncertainties of energies."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackers.meter.uncertainty import (
    CLOSE_S,
    ENOUGH_PAIRS,
    FORGETTING,
    FRESH_PAIRS,
    HALF_WIDTHS,
    LATE,
    LONGEST_HOLD_S,
    STRETCH_FORGETTING,
    Persistence,
    Roughness,
    correlation_time_s,
    edge_error_j,
    own_j,
)
from trackers.sample import PowerSample

POWERS_W = st.lists(st.floats(0.0, 500.0), min_size=2, max_size=60)


def sampled(powers_w: list[float], *, apart_s: float, refreshed: bool = True) -> Roughness:
    """Statistics of a load whose powers were sampled at regular times."""
    found = Roughness()
    for n, power_w in enumerate(powers_w):
        found.add(PowerSample(time_s=n * apart_s, power_w=power_w), refreshed_between=refreshed)
    return found


def faded_mean(values: list[float], forgetting: float) -> float:
    """Mean with exponentially growing weights, so that the last value weighs most."""
    weights = [forgetting ** (len(values) - 1 - n) for n in range(len(values))]
    return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)


def changes_w2(powers_w: list[float]) -> list[float]:
    """Squared changes of power between consecutive samples."""
    return [(b - a) ** 2 for a, b in itertools.pairwise(powers_w)]


def variance_w2(powers_w: list[float]) -> float:
    """Variance with exponentially growing weights."""
    mean_w = faded_mean(powers_w, FORGETTING)
    return max(0.0, faded_mean([w * w for w in powers_w], FORGETTING) - mean_w**2)


@settings(max_examples=25)
@given(powers_w=POWERS_W, apart_s=st.sampled_from([1 / 128, 1 / 32, 1 / 8]))
def test_the_rate_is_the_mean_square_change_per_second(
    powers_w: list[float], apart_s: float
) -> None:
    """The latest pairs weigh most; with only a few pairs the rate is 0."""
    rate_w2_s = sampled(powers_w, apart_s=apart_s).rate_w2_s

    known = len(powers_w) > ENOUGH_PAIRS
    expected = faded_mean(changes_w2(powers_w), FORGETTING) / apart_s if known else 0.0
    assert rate_w2_s == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_close_and_distant_pairs_are_kept_apart() -> None:
    """Together they would have a rate in between; of their two rates the larger one counts."""
    found = Roughness()
    time_s = 0.0
    for n in range(20):
        for apart_s, power_w in ((CLOSE_S, 100.0), (0.5, 100.0 + 10 * (n % 2))):
            time_s += apart_s
            found.add(PowerSample(time_s=time_s, power_w=power_w))

    assert found.rate_w2_s > 50.0 / CLOSE_S * 0.9


@settings(max_examples=25)
@given(powers_w=POWERS_W)
def test_the_standard_deviation_weighs_the_latest_powers_most(powers_w: list[float]) -> None:
    """Earlier powers are gradually forgotten."""
    assert sampled(powers_w, apart_s=0.1).std_w == pytest.approx(
        math.sqrt(variance_w2(powers_w)), abs=0.01
    )


@pytest.mark.parametrize("hold_s", [0.0, 0.01, 0.06])
@pytest.mark.parametrize("apart_s", [0.02, 0.1])
def test_the_correlation_time_is_that_of_an_exponential_decay(
    apart_s: float, hold_s: float
) -> None:
    """It follows from mean square change and variance; pairs within a hold time see only a share of changes."""
    powers_w = [100.0 + 200 * (n // 10 % 2) for n in range(100)]
    uncorrelated = faded_mean(changes_w2(powers_w), FORGETTING) / (2 * variance_w2(powers_w))
    kept = 1 - uncorrelated / (min(1.0, apart_s / hold_s) if hold_s else 1.0)

    found = sampled(powers_w, apart_s=apart_s)

    assert found.correlation_time_s(hold_s) == pytest.approx(-max(apart_s, hold_s) / math.log(kept))
    assert not found.is_uncorrelated(hold_s)


def test_a_load_that_jumps_at_each_sample_is_uncorrelated() -> None:
    """Its correlation time is short but not 0, because an estimate from few samples is noisy."""
    found = sampled([100.0, 300.0] * 20, apart_s=0.1)

    assert found.is_uncorrelated(0.0)
    assert found.correlation_time_s(0.0) == pytest.approx(-0.1 / math.log(0.005))


def test_a_load_of_milliwatts_has_the_same_correlation_time() -> None:
    """The scale of the powers does not matter, and five pairs suffice."""
    large, small = (
        sampled(
            [scale * power_w for power_w in (100.0, 100.0, 300.0, 300.0, 100.0, 100.0)], apart_s=0.1
        )
        for scale in (1.0, 0.001)
    )

    assert small.correlation_time_s(0.0) == pytest.approx(large.correlation_time_s(0.0))
    assert small.correlation_time_s(0.0) < 0.2


@pytest.mark.parametrize("powers_w", [[200.0] * 40, [100.0, 300.0] * 2])
def test_a_steady_or_unknown_load_has_an_infinite_correlation_time(powers_w: list[float]) -> None:
    """A reported power of it remains valid."""
    found = sampled(powers_w, apart_s=0.1)

    assert found.correlation_time_s(0.05) == math.inf
    assert not found.is_uncorrelated(0.05)


def test_a_sample_that_is_not_later_makes_no_pair() -> None:
    """Two samples at the same time tell nothing about how fast the load changes."""
    found = sampled([100.0, 110.0, 120.0, 130.0, 140.0, 150.0], apart_s=0.02)
    rate_w2_s = found.rate_w2_s

    found.add(PowerSample(time_s=0.1, power_w=400.0))

    assert found.rate_w2_s == rate_w2_s == pytest.approx(100.0 / 0.02)


@pytest.mark.parametrize(("apart_s", "hold_s"), [(0.03, 0.06), (0.2, LONGEST_HOLD_S)])
def test_the_hold_time_is_the_shortest_between_changes(apart_s: float, hold_s: float) -> None:
    """Three such times must have been seen; the hold time is bounded by the longest of any board."""
    powers_w = [100.0] * 5 + [100.0, 100.0, 200.0, 200.0, 100.0, 100.0, 200.0, 200.0, 100.0]

    assert sampled(powers_w, apart_s=apart_s).hold_s(None) == pytest.approx(hold_s)
    assert sampled(powers_w[:-2], apart_s=apart_s).hold_s(None) == LONGEST_HOLD_S


def test_only_the_shortest_spacings_count() -> None:
    """Slower changes before or after them do not matter."""
    times_s = [0.0, 0.09, 0.18, 0.27, 0.29, 0.32, 0.36, 0.41, 0.49]
    found = Roughness()
    for n, time_s in enumerate(times_s):
        found.add(PowerSample(time_s=time_s, power_w=100.0 + n))

    assert found.hold_s(None) == pytest.approx(0.04)


@pytest.mark.parametrize(("refreshed", "changes"), [(True, 9), (False, FRESH_PAIRS - 1)])
def test_a_power_holds_until_the_counters_refresh(changes: int, *, refreshed: bool) -> None:
    """Only changes between refreshes, and enough of them, show that it is updated more often."""
    powers_w = [100.0 + n for n in range(changes + 1)]

    assert sampled(powers_w, apart_s=0.02, refreshed=refreshed).hold_s(0.08) == 0.08


def test_changes_between_refreshes_show_present_power() -> None:
    """Three of them suffice, whether or not the refresh period is known."""
    found = sampled([100.0 + n for n in range(FRESH_PAIRS + 1)], apart_s=0.02, refreshed=False)

    assert (found.hold_s(0.08), found.hold_s(None)) == (0.0, 0.0)


STRETCHES = st.lists(
    st.tuples(st.floats(50.0, 400.0), st.floats(50.0, 400.0), st.floats(50.0, 400.0)),
    min_size=1,
    max_size=40,
)
"""Reported power before each stretch, mean power in it, and reported power after it."""


@settings(max_examples=25)
@given(stretches=STRETCHES, lengths=st.floats(0.02, 0.2))
def test_statistics_of_stretches_weigh_the_latest_most(
    stretches: list[tuple[float, float, float]], lengths: float
) -> None:
    """Weight, mean, lateness and correlation time are those of exponentially weighted means."""
    found = Persistence()
    for before_w, mean_w, after_w in stretches:
        found.add(reported_w=before_w, mean_w=mean_w, length_s=lengths, reported_after_w=after_w)

    def mean(values: list[float]) -> float:
        return faded_mean(values, STRETCH_FORGETTING)

    weight = math.fsum(STRETCH_FORGETTING**n for n in range(len(stretches)))
    before, means, after = (list(each) for each in zip(*stretches, strict=True))
    off_before = mean([(a - b) ** 2 for a, b in zip(before, means, strict=True)])
    off_after = mean([(a - b) ** 2 for a, b in zip(after, means, strict=True)])
    assert found.weight == pytest.approx(weight)
    assert found.mean_w == pytest.approx(mean(means))
    assert found.knows_of_lateness is (weight >= 10)
    if abs(off_after - LATE * off_before) > 1e-6:
        assert found.is_late is (weight >= 10 and off_after < LATE * off_before)
    spread_w2 = mean([w * w for w in before]) - mean(before) ** 2
    varied_w2 = mean([w * w for w in means]) - mean(means) ** 2
    if weight < 4:
        assert found.correlation_time_s(100.0) == math.inf
    elif spread_w2 > 1.0:
        assert found.correlation_time_s(0.0) == pytest.approx(
            correlation_time_s(min(0.995, max(0.005, varied_w2 / spread_w2)), lengths), rel=1e-3
        )


def test_a_load_with_minute_changes_is_steady() -> None:
    """Updates that differ only in the last digit do not make a load uncorrelated."""
    found = Persistence()
    for n in range(60):
        found.add(reported_w=200.0 + 0.01 * (n % 2), mean_w=200.0, length_s=0.1)

    assert found.correlation_time_s(0.0) == math.inf


def test_stretches_without_a_final_power_show_no_lateness() -> None:
    """The power reported before such a stretch stands for the one after it."""
    found = Persistence()
    for _ in range(20):
        found.add(reported_w=100.0, mean_w=300.0, length_s=0.1)

    assert found.knows_of_lateness
    assert not found.is_late


@pytest.mark.parametrize(
    ("late_s", "gap_s", "lag_s", "age_error_s", "error_j"),
    [
        (0.3, 0.3, 0.0, 0.0, math.sqrt(500.0 * 0.3**3 / 3)),
        (-0.3, 0.1, 0.0, 0.0, math.sqrt(500.0 * 0.3 * 0.1**2 / 3)),
        (0.1, 9.0, 0.0, 0.0, math.sqrt(500.0 * 0.1**3 / 3)),
        (-0.2, 0.0, 0.1, 0.0, math.sqrt(500.0 * 0.1 * 0.2**2)),
        (0.0, 0.0, 0.0, 0.06, 0.06 * 200.0 / math.sqrt(12)),
    ],
)
def test_an_edge_is_uncertain_by_how_much_the_load_may_change(
    late_s: float, gap_s: float, lag_s: float, age_error_s: float, error_j: float
) -> None:
    """The error covers the longest gap without a power, an assumed lag, and the unknown age of a value."""
    roughness = sampled([100.0, 105.0] * 10, apart_s=0.05)

    found_j = edge_error_j(
        roughness,
        late_s=late_s,
        gap_s=gap_s,
        age_error_s=age_error_s,
        mean_w=200.0,
        assumed_lag_s=lag_s,
    )

    assert found_j == pytest.approx(error_j)


def test_an_interval_covers_all_errors_and_unobserved_time() -> None:
    """Independent errors add as squares; unobserved time adds in full."""
    assert own_j([3.0, 4.0], energy_j=0.0, coverage=1.0) == pytest.approx(HALF_WIDTHS * 5.0)
    assert own_j([], energy_j=1000.0, coverage=1.0) == pytest.approx(HALF_WIDTHS * 1.0)
    assert own_j([], energy_j=1000.0, coverage=0.75) == pytest.approx(HALF_WIDTHS * 1.0 + 250.0)
