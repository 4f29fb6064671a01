"""One device over one window: when the counter is believed, and what comes in its place."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers.meter.one_window import PERIOD_S, constant, read, seen
from trackers.meter.counted import COUNTER_REFRESH_S, HIGHEST_OVER_LIMIT
from trackers.meter.integrate import PowerTrace
from trackers.sample import Method, Observation, PowerSample, Status


def test_a_counter_is_believed_before_the_power() -> None:
    """The counter has seen what lies between two samples; its energy is the reading's."""
    found = read(seen(0.0, 5.0), seen(10.0, 955.0))

    assert (found.energy_j, found.method, found.status) == (950.0, Method.COUNTER, Status.OK)
    assert (found.coverage, found.power_samples, found.note) == (1.0, 101, "")
    assert found.uncertainty_j == pytest.approx(0.05 * 950, rel=0.01)


def test_a_counter_that_was_watched_for_a_moment_says_nothing_of_the_mean_power() -> None:
    """A tracker that was started anew reads it first when the window ends: one refresh was taken for kilowatts."""
    trace = constant(100.0, from_s=9.9, until_s=10.0)
    late, then = (seen(*each, power_w=100.0) for each in ((9.99, 500.0), (9.999, 520.0)))

    found = read(late, then, trace=trace, power_limit_w=450.0)

    assert found.energy_j == pytest.approx(1000.0, rel=0.05)
    assert found.status is Status.DEGRADED


def test_an_estimate_that_is_shared_with_the_time_before_is_degraded() -> None:
    """Five milliseconds, read from five before: more power was told of these than both have used."""
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
    """Backward, standing still or beyond the limit: integrated, degraded, and the note says why."""
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
    """One edge alone tells nothing; the device has a counter, so the reading is degraded."""
    found = read(at_start, at_stop)

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.method, found.status) == (Method.SAMPLED, Status.DEGRADED)
    assert "its power was integrated" in found.note


def test_without_a_counter_the_integral_is_the_way() -> None:
    """A device that never had a counter is sampled, and that is ok."""
    found = read(seen(0.0), seen(10.0), has_counter=False)

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.method, found.status, found.note) == (Method.SAMPLED, Status.OK, "")


@pytest.mark.parametrize("stop_s", [0.25, 1.0, 1.5, 3.0, 10.0])
def test_power_that_is_a_mean_has_the_energy_of_a_constant_load(stop_s: float) -> None:
    """P x t, with a doubt where the window is shorter than 5 means."""
    found = read(seen(0.0), seen(stop_s), stop_s=stop_s, has_counter=False, averaging_period_s=1.0)

    assert found.energy_j == pytest.approx(100.0 * stop_s)
    assert found.status is (Status.DEGRADED if stop_s < 5 else Status.OK)
    assert found.uncertainty_j is not None
    assert found.uncertainty_j >= 100.0 * 0.999


def test_power_that_is_a_mean_tells_of_its_whole_time() -> None:
    """The one at the end of a window as long as the mean has exactly that window's energy.

    200 W begin with the window: their mean of a second rises for as long as that.
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
    """Observed for a third of the time: the energy is told, with its doubt and a wide interval."""
    found = read(seen(0.0), seen(10.0), has_counter=False, trace=constant(100.0, until_s=3.0))

    assert found.energy_j == pytest.approx(1000.0)
    assert found.status is Status.DEGRADED
    assert found.coverage == pytest.approx(0.33)
    assert found.uncertainty_j == pytest.approx(670.0, rel=0.01)
    assert "33 %" in found.note


@pytest.mark.parametrize("estimated", [True, False])
@pytest.mark.parametrize("last_j", [None, 4.0, 5.0])
def test_where_nothing_is_known_the_reading_is_missing(
    *, last_j: float | None, estimated: bool
) -> None:
    """Neither counter nor power: missing with a reason, never 0."""
    found = read(
        seen(0.0, 5.0),
        None if last_j is None else seen(10.0, last_j),
        trace=PowerTrace(period_s=PERIOD_S),
        estimated=estimated,
    )

    assert (found.energy_j, found.status, found.method) == (None, Status.MISSING, None)
    assert found.note


def test_an_estimate_is_labelled_and_has_no_uncertainty() -> None:
    """How wrong an estimate is, is not known; it is never called counted or sampled."""
    found = read(seen(0.0, 5.0), seen(10.0, 55.0), estimated=True)

    assert (found.energy_j, found.method) == (50.0, Method.ESTIMATED)
    assert found.uncertainty_j is None


def test_an_estimate_is_never_replaced_by_an_integral() -> None:
    """Without both counters an estimate is missing; its power is made of the same counter."""
    assert read(seen(0.0, 5.0), None, estimated=True).status is Status.MISSING


@given(
    start_late_s=st.floats(min_value=-0.2, max_value=0.2),
    stop_late_s=st.floats(min_value=-0.2, max_value=0.2),
    power_w=st.floats(min_value=1, max_value=700),
)
def test_late_and_early_edges_are_put_right(
    start_late_s: float, stop_late_s: float, power_w: float
) -> None:
    """A counter read a moment beside the edge gives the same energy as one read on it."""
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


def test_a_counter_read_much_too_late_degrades() -> None:
    """A tracker that was stopped for 5 of 10 s corrects what it can, and says so."""
    found = read(seen(5.0, 500.0), seen(10.0, 1000.0))

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.status, found.coverage) == (Status.DEGRADED, 0.5)
    assert found.uncertainty_j == pytest.approx(500.0, rel=0.02)


@given(
    risen_j=st.floats(min_value=0.1, max_value=1e6),
    limit_w=st.floats(min_value=10, max_value=1000),
    length_s=st.floats(min_value=0.1, max_value=1000),
)
def test_no_reading_by_counter_is_above_the_limit(
    risen_j: float, limit_w: float, length_s: float
) -> None:
    """Beyond 1.1 x limit x time the counter is wrong, whatever it says."""
    most_j = HIGHEST_OVER_LIMIT * limit_w * (length_s + COUNTER_REFRESH_S)

    found = read(
        seen(0.0, 0.0),
        seen(length_s, risen_j),
        stop_s=length_s,
        power_limit_w=limit_w,
        trace=PowerTrace(period_s=PERIOD_S),
    )

    assert (found.method is Method.COUNTER) == (risen_j <= most_j)


def test_a_counter_that_is_refreshed_seldom_is_not_suspected() -> None:
    """Its rise in a short window may hold what was used before: up to one refresh at the limit."""
    found = read(seen(0.0, 0.0), seen(0.1, 25.0), stop_s=0.1, power_limit_w=100.0, oldest_s=0.1)

    assert (found.energy_j, found.method) == (25.0, Method.COUNTER)


@given(
    counters=st.lists(st.none() | st.floats(min_value=0, max_value=1e4), min_size=2, max_size=2),
    has_power=st.booleans(),
    estimated=st.booleans(),
    limit_w=st.none() | st.floats(min_value=1, max_value=500),
)
def test_never_negative_and_never_0_for_missing(
    *, counters: list[float | None], has_power: bool, estimated: bool, limit_w: float | None
) -> None:
    """Whatever a board says, an energy is more than 0 or it is None with a reason."""
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
def test_counted_energy_adds_up_over_cut_windows(cuts: list[int]) -> None:
    """Adjacent windows read the same counter at their common edge."""
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


def test_a_last_word_counts_until_it_was_said() -> None:
    """A process that ended 2 s before the window keeps its energy; the status tells."""
    found = read(seen(0.0, 5.0), seen(8.0, 45.0), estimated=True, is_stop_stale=True)

    assert (found.energy_j, found.method) == (40.0, Method.ESTIMATED)
    assert found.status is Status.DEGRADED
    assert found.coverage == pytest.approx(0.8)
    assert "stopped answering after 80 %" in found.note


def test_a_window_of_no_length_has_no_energy_by_power() -> None:
    """Nothing passes in no time: 0 J, which is known, and no mean power."""
    found = read(seen(5.0), seen(5.0), start_s=5.0, stop_s=5.0, has_counter=False)

    assert (found.energy_j, found.mean_power_w) == (0.0, None)
