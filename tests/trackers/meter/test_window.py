"""Reading of one device over one window: when the counter is used, and what replaces it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers.meter.one_window import PERIOD_S, constant, read, seen
from trackers.meter.counted import COUNTER_REFRESH_S, HIGHEST_OVER_LIMIT
from trackers.meter.integrate import PowerTrace
from trackers.sample import Method, Observation, PowerSample, Status


def test_a_counter_is_preferred_to_sampled_power() -> None:
    """The counter includes what happens between two samples."""
    found = read(seen(0.0, 5.0), seen(10.0, 955.0))

    assert (found.energy_j, found.method, found.status) == (950.0, Method.COUNTER, Status.OK)
    assert (found.coverage, found.power_samples, found.note) == (1.0, 101, "")
    assert found.uncertainty_j == pytest.approx(0.05 * 950, rel=0.01)


def test_a_rise_within_a_moment_is_no_mean_power() -> None:
    """A restarted tracker first reads the counter as a window ends; one refresh then looked like kilowatts."""
    trace = constant(100.0, from_s=9.9, until_s=10.0)
    late, then = (seen(*each, power_w=100.0) for each in ((9.99, 500.0), (9.999, 520.0)))

    found = read(late, then, trace=trace, power_limit_w=450.0)

    assert found.energy_j == pytest.approx(1000.0, rel=0.05)
    assert found.status is Status.DEGRADED


def test_an_estimate_that_is_split_evenly_is_degraded() -> None:
    """The power before a window of 5 ms would account for more than all counted energy."""
    early, then = seen(0.995, 1.0, power_w=300.0), seen(1.005, 1.5, power_w=300.0)

    found = read(early, then, start_s=1.0, stop_s=1.005, trace=constant(300.0), estimated=True)

    assert found.energy_j == pytest.approx(0.25)
    assert (found.method, found.status) == (Method.ESTIMATED, Status.DEGRADED)
    assert "too short to tell" in found.note


@pytest.mark.parametrize(
    ("last_j", "power_limit_w", "word"),
    [
        (4.0, None, "backward"),
        (0.0, 400.0, "backward"),
        (5.0, None, "did not rise"),
        (5.0 + 1e12, 400.0, "rose by 1e+12 J"),
    ],
)
def test_a_wrong_counter_is_replaced_by_the_integral(
    last_j: float, power_limit_w: float | None, word: str
) -> None:
    """It runs backward, stands still or exceeds the limit; the reading is degraded, and its note says why."""
    found = read(seen(0.0, 5.0), seen(10.0, last_j), power_limit_w=power_limit_w)

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.method, found.status) == (Method.SAMPLED, Status.DEGRADED)
    assert word in found.note


@pytest.mark.parametrize(
    ("at_start", "at_stop"),
    [
        (None, seen(10.0, 955.0)),
        (seen(0.0, 5.0), None),
        (seen(0.0), seen(10.0, 955.0)),
        (seen(0.0, 5.0), seen(10.0)),
        (None, None),
    ],
)
def test_a_counter_missing_at_an_edge_is_replaced_by_the_integral(
    at_start: Observation | None, at_stop: Observation | None
) -> None:
    """One edge alone is not enough; the reading is degraded, because the device has a counter."""
    found = read(at_start, at_stop)

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.method, found.status) == (Method.SAMPLED, Status.DEGRADED)
    assert "its power was integrated" in found.note


def test_without_a_counter_power_is_integrated() -> None:
    """The reading of a device that never had a counter is sampled and ok."""
    found = read(seen(0.0), seen(10.0), has_counter=False)

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.method, found.status, found.note) == (Method.SAMPLED, Status.OK, "")


@pytest.mark.parametrize("stop_s", [0.25, 1.0, 1.5, 3.0, 10.0])
def test_mean_powers_are_exact_for_a_constant_load(stop_s: float) -> None:
    """The energy is P x t; the reading is degraded if the window is shorter than 5 means."""
    found = read(seen(0.0), seen(stop_s), stop_s=stop_s, has_counter=False, averaging_period_s=1.0)

    assert found.energy_j == pytest.approx(100.0 * stop_s)
    assert found.status is (Status.DEGRADED if stop_s < 5 else Status.OK)
    assert found.uncertainty_j is not None
    assert found.uncertainty_j >= 100.0 * 0.999


def test_a_mean_power_covers_all_of_its_time() -> None:
    """In a window as long as the mean, the power at the end gives exactly the energy of the window.

    A load of 200 W starts with the window, so that its mean over a second rises for a second.
    """
    trace = PowerTrace(period_s=PERIOD_S)
    for n in range(41):
        time_s = n * PERIOD_S
        trace.append(PowerSample(time_s=time_s, power_w=200 * min(1.0, max(0.0, time_s - 1))))

    one_s, two_s = (
        read(
            seen(1.0),
            seen(stop_s),
            start_s=1.0,
            stop_s=stop_s,
            has_counter=False,
            averaging_period_s=1.0,
            trace=trace,
        )
        for stop_s in (2.0, 3.0)
    )

    assert one_s.energy_j == pytest.approx(200.0)
    assert two_s.energy_j == pytest.approx(400.0, rel=0.07)


def test_too_few_samples_degrade_a_sampled_reading() -> None:
    """A window that was observed for a third of the time has an energy with a note and a wide interval."""
    found = read(seen(0.0), seen(10.0), has_counter=False, trace=constant(100.0, until_s=3.0))

    assert found.energy_j == pytest.approx(1000.0)
    assert found.status is Status.DEGRADED
    assert found.coverage == pytest.approx(0.33)
    assert found.uncertainty_j == pytest.approx(670.0, rel=0.01)
    assert "33 %" in found.note


@pytest.mark.parametrize("estimated", [True, False])
@pytest.mark.parametrize("last_j", [None, 4.0, 5.0])
def test_a_reading_without_counter_and_power_is_missing(
    *, last_j: float | None, estimated: bool
) -> None:
    """Its energy is None with a reason, and never 0."""
    found = read(
        seen(0.0, 5.0),
        None if last_j is None else seen(10.0, last_j),
        trace=PowerTrace(period_s=PERIOD_S),
        estimated=estimated,
    )

    assert (found.energy_j, found.status, found.method) == (None, Status.MISSING, None)
    assert found.note


def test_an_estimate_is_labelled_and_has_no_uncertainty() -> None:
    """Its error is unknown, and it is never labelled as counted or sampled."""
    found = read(seen(0.0, 5.0), seen(10.0, 55.0), estimated=True)

    assert (found.energy_j, found.method) == (50.0, Method.ESTIMATED)
    assert found.uncertainty_j is None


def test_an_estimate_is_never_replaced_by_an_integral() -> None:
    """Without both counters it is missing, because its power is derived from the same counter."""
    assert read(seen(0.0, 5.0), None, estimated=True).status is Status.MISSING


@given(
    start_late_s=st.floats(min_value=-0.2, max_value=0.2),
    stop_late_s=st.floats(min_value=-0.2, max_value=0.2),
    power_w=st.floats(min_value=1, max_value=700),
)
def test_late_and_early_readings_at_edges_are_corrected(
    start_late_s: float, stop_late_s: float, power_w: float
) -> None:
    """A counter read shortly before or after an edge gives the same energy as one read at it."""
    first_s, last_s = 2.0 + start_late_s, 7.0 + stop_late_s

    found = read(
        seen(first_s, power_w * first_s, power_w=power_w),
        seen(last_s, power_w * last_s, power_w=power_w),
        start_s=2.0,
        stop_s=7.0,
        trace=constant(power_w),
    )

    assert found.energy_j == pytest.approx(power_w * 5.0)
    assert (found.method, found.status) == (Method.COUNTER, Status.OK)


def test_a_counter_read_much_too_late_degrades_the_reading() -> None:
    """The energy of a tracker that was stopped for 5 of 10 s is corrected, but half of it is uncertain."""
    found = read(seen(5.0, 500.0), seen(10.0, 1000.0))

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.status, found.coverage) == (Status.DEGRADED, 0.5)
    assert found.uncertainty_j == pytest.approx(500.0, rel=0.02)


@given(
    risen_j=st.floats(min_value=0.1, max_value=1e6),
    limit_w=st.floats(min_value=10, max_value=1000),
    length_s=st.floats(min_value=0.1, max_value=1000),
)
def test_a_counter_beyond_the_power_limit_is_not_used(
    risen_j: float, limit_w: float, length_s: float
) -> None:
    """A rise of more than 1.1 x limit x time is never believed."""
    most_j = HIGHEST_OVER_LIMIT * limit_w * (length_s + COUNTER_REFRESH_S)

    found = read(
        seen(0.0, 0.0),
        seen(length_s, risen_j),
        stop_s=length_s,
        power_limit_w=limit_w,
        trace=PowerTrace(period_s=PERIOD_S),
    )

    assert (found.method is Method.COUNTER) == (risen_j <= most_j)


def test_a_slowly_refreshed_counter_is_believed() -> None:
    """Its rise in a short window may include the energy of one refresh period before it."""
    found = read(seen(0.0, 0.0), seen(0.1, 25.0), stop_s=0.1, power_limit_w=100.0, oldest_s=0.1)

    assert (found.energy_j, found.method) == (25.0, Method.COUNTER)


@given(
    counters=st.lists(st.none() | st.floats(min_value=0, max_value=1e4), min_size=2, max_size=2),
    has_power=st.booleans(),
    estimated=st.booleans(),
    limit_w=st.none() | st.floats(min_value=1, max_value=500),
)
def test_an_energy_is_positive_or_missing(
    *, counters: list[float | None], has_power: bool, estimated: bool, limit_w: float | None
) -> None:
    """Whatever a board reports, an energy is more than 0, or it is None with a reason."""
    trace = constant(100.0) if has_power else PowerTrace(period_s=PERIOD_S)

    found = read(
        seen(0.0, counters[0]),
        seen(10.0, counters[1]),
        trace=trace,
        estimated=estimated,
        power_limit_w=limit_w,
    )

    assert found.energy_j is None or found.energy_j > 0
    assert (found.status is Status.OK) == (not found.note)


@given(cuts=st.lists(st.integers(min_value=0, max_value=1000), min_size=3, max_size=8, unique=True))
def test_counted_energy_adds_up_over_the_parts_of_a_window(cuts: list[int]) -> None:
    """Adjacent windows share the value of the counter at their common edge."""
    cuts_s = [cut / 100 for cut in sorted(cuts)]

    def counted_j(start_s: float, stop_s: float) -> float:
        found = read(
            seen(start_s, 100 + start_s**2),
            seen(stop_s, 100 + stop_s**2),
            start_s=start_s,
            stop_s=stop_s,
            trace=PowerTrace(period_s=PERIOD_S),
        )
        assert found.method is Method.COUNTER
        assert found.energy_j is not None
        return found.energy_j

    parts_j = [counted_j(a, b) for a, b in itertools.pairwise(cuts_s)]

    assert sum(parts_j) == pytest.approx(cuts_s[-1] ** 2 - cuts_s[0] ** 2)


def test_a_stale_last_value_counts_until_its_time() -> None:
    """A process that ended 2 s before the end of a window keeps its energy; the reading is degraded."""
    found = read(seen(0.0, 5.0), seen(8.0, 45.0), estimated=True, is_stop_stale=True)

    assert (found.energy_j, found.method) == (40.0, Method.ESTIMATED)
    assert found.status is Status.DEGRADED
    assert found.coverage == pytest.approx(0.8)
    assert "stopped answering after 80 %" in found.note


def test_a_window_without_length_has_zero_energy_by_power() -> None:
    """Its energy of 0 J is known, but it has no mean power."""
    found = read(seen(5.0), seen(5.0), start_s=5.0, stop_s=5.0, has_counter=False)

    assert (found.energy_j, found.mean_power_w) == (0.0, None)
