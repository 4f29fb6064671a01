"""Boards that update counter and power every 100 ms: energies at edges, and correlation times of loads."""

import math
import random
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fake_nvml import Boards
from tests.trackers.known_curves import counter_alone_j, told
from trackers.meter.counted import WindowEdges, _stepped_j
from trackers.meter.sensor import Sensor
from trackers.meter.uncertainty import Persistence, correlation_time_s
from trackers.sample import Observation

POWER_W = st.floats(1.0, 500.0)
SHARE = st.floats(0.05, 0.95)


def slow(boards: Boards) -> Boards:
    """The same load on boards that update counter and power every 100 ms."""
    return replace(boards, refresh_ms=100.0, power_refresh_ms=100.0, usage="instant")


def learnt(kept: float) -> Persistence:
    """Statistics of stretches whose mean powers vary `kept` times as much as the reported powers."""
    rng = random.Random(0)  # noqa: S311 - for a test, not for secrets
    found = Persistence()
    for _ in range(200):
        reported_w = rng.choice((100.0, 300.0))
        found.add(reported_w=reported_w, mean_w=200 + kept * (reported_w - 200), length_s=0.1)
    return found


def test_slow_loads_have_long_correlation_times_and_noise_short_ones() -> None:
    """Mean powers of a slow load vary as much as the reported powers; those of noise vary less."""
    assert learnt(1.0).correlation_time_s(100.0) > 0.5
    assert learnt(0.1).correlation_time_s(100.0) < 0.01
    assert learnt(0.1).mean_w == pytest.approx(200, rel=0.1)
    assert Persistence().correlation_time_s(100.0) == math.inf


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.8])
def test_a_correlation_time_follows_from_the_variance_of_means(kept: float) -> None:
    """Means keep the share `kept` ** 2 of the variance; a known larger spread of powers shortens the time."""
    assert learnt(kept).correlation_time_s(0.0) == pytest.approx(correlation_time_s(kept**2, 0.1))
    assert learnt(kept).correlation_time_s(200.0) < learnt(kept).correlation_time_s(0.0)


def test_two_values_with_one_time_are_no_stretch() -> None:
    """A counter whose call takes many milliseconds may give them; they have no power between them."""
    first = Observation(time_s=10.01, power_w=200.0, counter_j=500.0)
    edges = WindowEdges(
        device_uuid="GPU",
        start_s=10.0,
        stop_s=11.0,
        at_start=first,
        at_stop=None,
        refreshed=replace(first, counter_j=520.0),
    )

    assert edges.first_stretch(Sensor(period_s=0.1, refresh_s=0.1)) is None


def test_a_constant_power_has_an_infinite_correlation_time() -> None:
    """It has no variance of which means could keep a share."""
    found = Persistence()
    for _ in range(200):
        found.add(reported_w=200.0, mean_w=200.0, length_s=0.1)

    assert found.mean_w == pytest.approx(200.0)
    assert found.correlation_time_s(0.0) == math.inf


@pytest.mark.parametrize("correlation_s", [0.01, 0.1, 1.0])
def test_a_correlation_time_is_found_from_the_kept_variance(correlation_s: float) -> None:
    """The share of the variance that means over 0.1 s keep is inverted."""
    x = 0.1 / correlation_s
    kept = 2 * (x + math.expm1(-x)) / x**2

    assert correlation_time_s(kept, 0.1) == pytest.approx(correlation_s, rel=1e-3)


@given(before_w=POWER_W, after_w=POWER_W, changed=SHARE, part=SHARE, whole_s=st.floats(0.01, 10.0))
def test_a_single_step_of_power_is_found_from_the_counter(
    before_w: float, after_w: float, changed: float, part: float, whole_s: float
) -> None:
    """The energy up to any moment of a stretch is that of a power that changed once, up or down."""
    if abs(after_w - before_w) < 1.0:
        return

    def until_j(share: float) -> float:
        return whole_s * (before_w * min(share, changed) + after_w * max(0.0, share - changed))

    found = _stepped_j(before_w, after_w, until_j(1.0), part_s=part * whole_s, whole_s=whole_s)

    assert found == pytest.approx(until_j(part), rel=1e-6)


@pytest.mark.parametrize(
    ("after_w", "counted_j"), [(None, 200.0), (300.0, 99.0), (300.0, 301.0), (100.0, 100.0)]
)
def test_no_step_is_found_where_a_single_one_explains_nothing(
    after_w: float | None, counted_j: float
) -> None:
    """The mean lies outside of both powers, the powers are equal, or the second one is unknown."""
    assert _stepped_j(100.0, after_w, counted_j, part_s=0.5, whole_s=1.0) is None


@pytest.mark.parametrize(
    ("boards", "share"),
    [
        (slow(Boards()), 0.15),
        (slow(Boards(shape="ramp")), 0.3),
        (slow(Boards(shape="noise")), 0.9),
        (slow(Boards(shape="noise", period_s=7.0)), 0.7),
    ],
)
@pytest.mark.slow
def test_readings_are_more_accurate_than_the_counter_alone(boards: Boards, share: float) -> None:
    """Their mean error in epochs of 0.3 s is at most this share of that of the counter's values."""
    found = told(boards, length_s=0.3, epochs=80)

    ours = [abs((reading.energy_j or 0.0) / truth_j - 1) for reading, truth_j in found]
    alone = [
        abs(counter_alone_j(boards, reading.start_s, reading.duration_s) / truth_j - 1)
        for reading, truth_j in found
    ]
    assert statistics.fmean(ours) <= share * statistics.fmean(alone)
