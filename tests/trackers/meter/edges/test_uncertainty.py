"""What samples and a counter's stretches tell of a load, and how far an energy may be off."""

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


def seen(powers_w: list[float], *, apart_s: float, refreshed: bool = True) -> Roughness:
    """A load of which powers were sampled."""
    found = Roughness()
    for n, power_w in enumerate(powers_w):
        found.add(PowerSample(time_s=n * apart_s, power_w=power_w), refreshed_between=refreshed)
    return found


def faded_mean(values: list[float], forgetting: float) -> float:
    """A mean in which each value weighs less than the one after it."""
    weights = [forgetting ** (len(values) - 1 - n) for n in range(len(values))]
    return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)


def changes_w2(powers_w: list[float]) -> list[float]:
    """Squares of what power changed by from one sample to the next."""
    return [(b - a) ** 2 for a, b in itertools.pairwise(powers_w)]


def variance_w2(powers_w: list[float]) -> float:
    """Variance of powers that fade."""
    mean_w = faded_mean(powers_w, FORGETTING)
    return max(0.0, faded_mean([w * w for w in powers_w], FORGETTING) - mean_w**2)


@settings(max_examples=25)
@given(powers_w=POWERS_W, apart_s=st.sampled_from([1 / 128, 1 / 32, 1 / 8]))
def test_a_load_moves_by_its_mean_square_change_per_second(
    powers_w: list[float], apart_s: float
) -> None:
    """The latest pairs count most; of a few pairs nothing is known."""
    rate_w2_s = seen(powers_w, apart_s=apart_s).rate_w2_s

    known = len(powers_w) > ENOUGH_PAIRS
    expected = faded_mean(changes_w2(powers_w), FORGETTING) / apart_s if known else 0.0
    assert rate_w2_s == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_close_pairs_tell_what_far_ones_do_not() -> None:
    """Apart they would have a rate in between; the larger one holds."""
    found = Roughness()
    time_s = 0.0
    for n in range(20):
        for apart_s, power_w in ((CLOSE_S, 100.0), (0.5, 100.0 + 10 * (n % 2))):
            time_s += apart_s
            found.add(PowerSample(time_s=time_s, power_w=power_w))

    assert found.rate_w2_s > 50.0 / CLOSE_S * 0.9


@settings(max_examples=25)
@given(powers_w=POWERS_W)
def test_the_spread_of_powers_fades(powers_w: list[float]) -> None:
    """It is their standard deviation, the latest ones weighing most."""
    assert seen(powers_w, apart_s=0.1).std_w == pytest.approx(
        math.sqrt(variance_w2(powers_w)), abs=0.01
    )


@pytest.mark.parametrize("hold_s", [0.0, 0.01, 0.06])
@pytest.mark.parametrize("apart_s", [0.02, 0.1])
def test_a_memory_is_that_of_an_exponential_correlation(apart_s: float, hold_s: float) -> None:
    """By the mean square change over twice the variance; pairs within what is held see less of it."""
    powers_w = [100.0 + 200 * (n // 10 % 2) for n in range(100)]
    uncorrelated = faded_mean(changes_w2(powers_w), FORGETTING) / (2 * variance_w2(powers_w))
    kept = 1 - uncorrelated / (min(1.0, apart_s / hold_s) if hold_s else 1.0)

    found = seen(powers_w, apart_s=apart_s)

    assert found.correlation_time_s(hold_s) == pytest.approx(-max(apart_s, hold_s) / math.log(kept))
    assert not found.is_uncorrelated(hold_s)


def test_a_load_that_jumps_each_time_is_forgotten_from_sample_to_sample() -> None:
    """Its memory is short, and not 0: there is always chance in a few samples."""
    found = seen([100.0, 300.0] * 20, apart_s=0.1)

    assert found.is_uncorrelated(0.0)
    assert found.correlation_time_s(0.0) == pytest.approx(-0.1 / math.log(0.005))


def test_a_load_of_milliwatts_has_the_same_memory() -> None:
    """It is a time, and says nothing of how large powers are; five pairs show one."""
    large, small = (
        seen(
            [scale * power_w for power_w in (100.0, 100.0, 300.0, 300.0, 100.0, 100.0)], apart_s=0.1
        )
        for scale in (1.0, 0.001)
    )

    assert small.correlation_time_s(0.0) == pytest.approx(large.correlation_time_s(0.0))
    assert small.correlation_time_s(0.0) < 0.2


@pytest.mark.parametrize("powers_w", [[200.0] * 40, [100.0, 300.0] * 2])
def test_of_a_steady_load_and_of_a_few_samples_no_end_is_known(powers_w: list[float]) -> None:
    """What was told holds."""
    found = seen(powers_w, apart_s=0.1)

    assert found.correlation_time_s(0.05) == math.inf
    assert not found.is_uncorrelated(0.05)


def test_a_sample_that_is_not_later_makes_no_pair() -> None:
    """A board that was asked twice in a moment tells nothing of how fast its load moves."""
    found = seen([100.0, 110.0, 120.0, 130.0, 140.0, 150.0], apart_s=0.02)
    rate_w2_s = found.rate_w2_s

    found.add(PowerSample(time_s=0.1, power_w=400.0))

    assert found.rate_w2_s == rate_w2_s == pytest.approx(100.0 / 0.02)


@pytest.mark.parametrize(("apart_s", "hold_s"), [(0.03, 0.06), (0.2, LONGEST_HOLD_S)])
def test_a_board_holds_a_power_for_the_shortest_times_between_changes(
    apart_s: float, hold_s: float
) -> None:
    """As three of them show, within what boards do; changes of power count, and not its samples."""
    powers_w = [100.0] * 5 + [100.0, 100.0, 200.0, 200.0, 100.0, 100.0, 200.0, 200.0, 100.0]

    assert seen(powers_w, apart_s=apart_s).hold_s(None) == pytest.approx(hold_s)
    assert seen(powers_w[:-2], apart_s=apart_s).hold_s(None) == LONGEST_HOLD_S


def test_the_shortest_of_many_spacings_hold() -> None:
    """Slow changes before or after them do not matter."""
    times_s = [0.0, 0.09, 0.18, 0.27, 0.29, 0.32, 0.36, 0.41, 0.49]
    found = Roughness()
    for n, time_s in enumerate(times_s):
        found.add(PowerSample(time_s=time_s, power_w=100.0 + n))

    assert found.hold_s(None) == pytest.approx(0.04)


@pytest.mark.parametrize(("refreshed", "changes"), [(True, 9), (False, FRESH_PAIRS - 1)])
def test_a_power_holds_until_the_counters_refresh(changes: int, *, refreshed: bool) -> None:
    """Where nothing shows that it is renewed more often."""
    powers_w = [100.0 + n for n in range(changes + 1)]

    assert seen(powers_w, apart_s=0.02, refreshed=refreshed).hold_s(0.08) == 0.08


def test_changes_between_refreshes_show_that_power_is_of_the_moment() -> None:
    """Three of them do, whatever the counter's refreshes are."""
    found = seen([100.0 + n for n in range(FRESH_PAIRS + 1)], apart_s=0.02, refreshed=False)

    assert (found.hold_s(0.08), found.hold_s(None)) == (0.0, 0.0)


STRETCHES = st.lists(
    st.tuples(st.floats(50.0, 400.0), st.floats(50.0, 400.0), st.floats(50.0, 400.0)),
    min_size=1,
    max_size=40,
)
"""Power that was told before, mean power and power that was told after."""


@settings(max_examples=25)
@given(stretches=STRETCHES, lengths=st.floats(0.02, 0.2))
def test_means_and_told_powers_of_stretches_fade(
    stretches: list[tuple[float, float, float]], lengths: float
) -> None:
    """Weight, mean, lateness and memory are those of means in which the latest stretches weigh most."""
    found = Persistence()
    for told_w, then_w, after_w in stretches:
        found.add(reported_w=told_w, mean_w=then_w, length_s=lengths, reported_after_w=after_w)

    def mean(values: list[float]) -> float:
        return faded_mean(values, STRETCH_FORGETTING)

    weight = math.fsum(STRETCH_FORGETTING**n for n in range(len(stretches)))
    told, then, after = (list(each) for each in zip(*stretches, strict=True))
    off_before = mean([(a - b) ** 2 for a, b in zip(told, then, strict=True)])
    off_after = mean([(a - b) ** 2 for a, b in zip(after, then, strict=True)])
    assert found.weight == pytest.approx(weight)
    assert found.mean_w == pytest.approx(mean(then))
    assert found.knows_of_lateness is (weight >= 10)
    if abs(off_after - LATE * off_before) > 1e-6:
        assert found.is_late is (weight >= 10 and off_after < LATE * off_before)
    spread_w2 = mean([w * w for w in told]) - mean(told) ** 2
    varied_w2 = mean([w * w for w in then]) - mean(then) ** 2
    if weight < 4:
        assert found.correlation_time_s(100.0) == math.inf
    elif spread_w2 > 1.0:
        assert found.correlation_time_s(0.0) == pytest.approx(
            correlation_time_s(min(0.995, max(0.005, varied_w2 / spread_w2)), lengths), rel=1e-3
        )


def test_a_load_whose_told_powers_differ_by_a_hair_stands() -> None:
    """They are renewed with the last digit changed; that is no load that forgets."""
    found = Persistence()
    for n in range(60):
        found.add(reported_w=200.0 + 0.01 * (n % 2), mean_w=200.0, length_s=0.1)

    assert found.correlation_time_s(0.0) == math.inf


def test_power_without_one_at_the_end_is_not_late() -> None:
    """What was told before the stretch stands for what was told after it."""
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
def test_an_edge_is_uncertain_by_what_the_load_may_have_moved(
    late_s: float, gap_s: float, lag_s: float, age_error_s: float, error_j: float
) -> None:
    """In the longest part without a power, since what was told, and by a value's unknown age."""
    roughness = seen([100.0, 105.0] * 10, apart_s=0.05)

    found_j = edge_error_j(
        roughness,
        late_s=late_s,
        gap_s=gap_s,
        age_error_s=age_error_s,
        mean_w=200.0,
        assumed_lag_s=lag_s,
    )

    assert found_j == pytest.approx(error_j)


def test_an_interval_has_all_errors_and_what_was_not_observed() -> None:
    """Errors that have nothing to do with each other add as squares; the rest may be anything."""
    assert own_j([3.0, 4.0], energy_j=0.0, coverage=1.0) == pytest.approx(HALF_WIDTHS * 5.0)
    assert own_j([], energy_j=1000.0, coverage=1.0) == pytest.approx(HALF_WIDTHS * 1.0)
    assert own_j([], energy_j=1000.0, coverage=0.75) == pytest.approx(HALF_WIDTHS * 1.0 + 250.0)
