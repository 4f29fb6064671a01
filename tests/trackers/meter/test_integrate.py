"""Integration of power samples to energy: properties that hold for every curve."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.meter.integrate import STALE_PERIODS, Integral, PowerTrace, mean_power
from trackers.sample import Observation, PowerSample

PERIOD_S = 0.1

steps = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=50 * 1024).map(lambda parts: parts / 1024),
        st.floats(min_value=0, max_value=1000),
    ),
    min_size=1,
    max_size=40,
)
"""(seconds since the previous sample, watts); the times are binary fractions, which a shift leaves exact."""

shares = st.floats(min_value=0, max_value=1)


def trace_of(steps: list[tuple[float, float]], *, from_s: float = 0.0) -> PowerTrace:
    """A trace whose first sample is at `from_s`."""
    trace = PowerTrace(period_s=PERIOD_S)
    time_s = from_s - steps[0][0]
    for step_s, power_w in steps:
        time_s += step_s
        trace.append(PowerSample(time_s=time_s, power_w=power_w))
    return trace


def energy_j(integral: Integral) -> float:
    """The energy of an integral that has one."""
    assert integral.energy_j is not None
    return integral.energy_j


def drawn_j(steps: list[tuple[float, float]], start_s: float, stop_s: float) -> float:
    """Energy by the rule that a sample stands for the time nearest to it.

    After a gap it stands for the time after it only; the first one also stands for the time before it.
    """
    lengths = [0.0, *(step_s for step_s, _ in steps[1:])]
    begins = [
        taken_s - (length_s / 2 if length_s <= STALE_PERIODS * PERIOD_S else 0)
        for taken_s, length_s in zip(itertools.accumulate(lengths), lengths, strict=True)
    ]
    ends = [*begins[1:], math.inf]
    begins[0] = -math.inf
    return math.fsum(
        power_w * max(0.0, min(end_s, stop_s) - max(begin_s, start_s))
        for (_, power_w), begin_s, end_s in zip(steps, begins, ends, strict=True)
    )


@pytest.mark.parametrize(
    ("start_s", "stop_s", "changes"), [(0.0, 0.3, 2), (0.1, 0.3, 1), (0.1, 0.2, 0), (0.0, 0.1, 1)]
)
def test_the_time_of_a_change_between_samples_is_unknown(
    start_s: float, stop_s: float, changes: int
) -> None:
    """The error is 1 / sqrt(12) of the change times the interval; errors of several changes add as squares."""
    trace = PowerTrace(period_s=PERIOD_S)
    for n, power_w in enumerate((100.0, 300.0, 300.0, 100.0)):
        trace.append(PowerSample(time_s=n / 10, power_w=power_w))

    placing_j = trace.integral(start_s, stop_s).placing_j

    assert placing_j == pytest.approx(math.sqrt(changes * (200.0 * 0.1) ** 2 / 12))


def test_mean_powers_have_no_error_of_a_change() -> None:
    """A mean is exact for its interval, whenever power changed within it."""
    trace = PowerTrace(period_s=PERIOD_S)
    for n, power_w in enumerate((100.0, 300.0, 100.0)):
        trace.append(PowerSample(time_s=n / 10, power_w=power_w), is_mean=True)

    assert trace.integral(0.0, 0.2).placing_j == 0.0


@given(steps=steps, edges=st.tuples(shares, shares))
def test_the_longest_gap_is_between_consecutive_samples(
    steps: list[tuple[float, float]], edges: tuple[float, float]
) -> None:
    """The two given times count like samples, and may be in either order."""
    trace = trace_of(steps)
    one_s, other_s = (edge * (trace.last_s + 3) for edge in edges)
    low_s, high_s = min(one_s, other_s), max(one_s, other_s)
    taken_s = itertools.accumulate([0.0, *(step_s for step_s, _ in steps[1:])])
    times_s = [low_s, *(time_s for time_s in taken_s if low_s < time_s < high_s), high_s]

    gap_s = trace.longest_gap_s(one_s, other_s)

    assert gap_s == max(b - a for a, b in itertools.pairwise(times_s))


@given(steps=steps, edges=st.tuples(shares, shares))
def test_each_sample_stands_for_the_time_nearest_to_it(
    steps: list[tuple[float, float]], edges: tuple[float, float]
) -> None:
    """Running sums give the same energy as adding rectangle by rectangle."""
    trace = trace_of(steps)
    start_s, stop_s = sorted(edge * (trace.last_s + 3) for edge in edges)

    integral = trace.integral(start_s, stop_s)

    assert energy_j(integral) == pytest.approx(drawn_j(steps, start_s, stop_s), abs=1e-6)


@given(steps=steps, cuts=st.lists(shares, min_size=2, max_size=8))
def test_energy_adds_up_over_the_parts_of_a_window(
    steps: list[tuple[float, float]], cuts: list[float]
) -> None:
    """Energies and covered times of the parts add up to those of the window, however it is cut."""
    trace = trace_of(steps)
    cuts_s = sorted(cut * (trace.last_s + 3) for cut in cuts)

    whole = trace.integral(cuts_s[0], cuts_s[-1])
    parts = [trace.integral(a, b) for a, b in itertools.pairwise(cuts_s)]

    assert math.fsum(map(energy_j, parts)) == pytest.approx(energy_j(whole), abs=1e-6)
    covered_s = [
        part.coverage * (b - a)
        for part, (a, b) in zip(parts, itertools.pairwise(cuts_s), strict=True)
    ]
    assert math.fsum(covered_s) == pytest.approx(
        whole.coverage * (cuts_s[-1] - cuts_s[0]), abs=1e-6
    )


@given(
    power_w=st.floats(min_value=0, max_value=1000),
    lengths=st.lists(st.floats(min_value=1e-3, max_value=10), min_size=1, max_size=30),
    edges=st.tuples(shares, shares),
)
def test_constant_power_is_power_times_time(
    power_w: float, lengths: list[float], edges: tuple[float, float]
) -> None:
    """The energy is P x t, wherever the samples and the edges of the window lie."""
    trace = trace_of([(length, power_w) for length in lengths])
    start_s, stop_s = sorted(edge * (trace.last_s + 3) for edge in edges)

    assert energy_j(trace.integral(start_s, stop_s)) == pytest.approx(
        power_w * (stop_s - start_s), abs=1e-6
    )


@given(
    steps=steps,
    edges=st.tuples(shares, shares),
    shift_s=st.integers(min_value=-(2**20), max_value=2**20),
)
def test_shift_of_time_changes_nothing(
    steps: list[tuple[float, float]], edges: tuple[float, float], shift_s: int
) -> None:
    """The origin of the clock is arbitrary, so uptime changes neither energy nor coverage."""
    here, there = trace_of(steps), trace_of(steps, from_s=shift_s)
    start_s, stop_s = sorted(edge * (here.last_s + 3) for edge in edges)

    integral = here.integral(start_s, stop_s)
    shifted = there.integral(start_s + shift_s, stop_s + shift_s)

    assert energy_j(shifted) == pytest.approx(energy_j(integral), abs=1e-4)
    if stop_s - start_s > 1e-3:
        assert shifted.coverage == pytest.approx(integral.coverage, abs=1e-4)


@given(steps=steps, edges=st.tuples(shares, shares))
def test_energy_is_never_negative_and_coverage_is_a_share(
    steps: list[tuple[float, float]], edges: tuple[float, float]
) -> None:
    """Rounding never makes an energy negative or a coverage more than 1."""
    trace = trace_of(steps)
    start_s, stop_s = sorted(edge * (trace.last_s + 3) - 1 for edge in edges)

    integral = trace.integral(start_s, stop_s)

    assert integral.energy_j is None or integral.energy_j >= 0
    assert 0 <= integral.coverage <= 1


@given(
    steps=steps,
    forget=shares,
    early=st.lists(shares, max_size=4),
    edges=st.tuples(shares, shares),
)
def test_forgetting_changes_no_window_that_is_still_needed(
    steps: list[tuple[float, float]], forget: float, early: list[float], edges: tuple[float, float]
) -> None:
    """Later windows, and windows with a protected earlier start, keep energy, coverage and samples."""
    whole, cut = trace_of(steps), trace_of(steps)
    last_s = whole.last_s + 3
    forget_s = forget * last_s
    early_s = [share * forget_s for share in early]
    start_s, stop_s = sorted(forget_s + edge * (last_s - forget_s) for edge in edges)

    cut.forget_before(forget_s, except_within=[(early, early) for early in early_s])

    for begin_s in (start_s, *early_s):
        assert cut.integral(begin_s, stop_s) == whole.integral(begin_s, stop_s)


def test_forgetting_keeps_a_few_samples_for_each_early_start() -> None:
    """A window over days does not keep all samples since its start."""
    trace = trace_of([(0.1, 100.0)] * 10_000)

    trace.forget_before(trace.last_s - 1.0, except_within=[(5.0, 5.01), (700.0, 700.1)])

    assert len(trace) <= 2 * 3 + 12


def test_a_forgotten_past_is_not_covered() -> None:
    """A window that starts before the oldest kept sample has a low coverage."""
    trace = trace_of([(0.1, 100.0)] * 1000)
    trace.forget_before(90.0)

    assert trace.integral(0.0, 99.0).coverage == pytest.approx(0.09, abs=0.01)


@given(
    gap_s=st.floats(min_value=0.31, max_value=100), more_s=st.floats(min_value=0.01, max_value=100)
)
def test_coverage_falls_with_gaps(gap_s: float, more_s: float) -> None:
    """A sample is valid for three periods; the longer the gap after it, the lower the coverage."""

    def coverage(silence_s: float) -> float:
        trace = trace_of([(PERIOD_S, 100.0), (silence_s, 100.0)])
        return trace.integral(0.0, silence_s).coverage

    assert coverage(gap_s) == pytest.approx(STALE_PERIODS * PERIOD_S / gap_s)
    assert coverage(gap_s + more_s) < coverage(gap_s)


def test_even_samples_cover_all() -> None:
    """Samples in each period cover everything, up to three periods after the last one."""
    trace = trace_of([(PERIOD_S, 100.0)] * 101)

    assert trace.integral(2.0, 10.3).coverage == pytest.approx(1.0)
    assert trace.integral(2.0, 10.3).samples == 81


def test_time_before_the_first_sample_is_charged_but_not_covered() -> None:
    """A window of 4 s that opened one second too early has all of its energy, and a coverage of 3/4."""
    trace = trace_of([(PERIOD_S, 50.0)] * 31, from_s=1.0)

    integral = trace.integral(0.0, 4.0)

    assert energy_j(integral) == pytest.approx(200.0)
    assert integral.coverage == pytest.approx(0.75)


def test_without_a_sample_there_is_no_energy() -> None:
    """It is None and not 0, without any sample as well as with later ones only."""
    empty, later = PowerTrace(period_s=PERIOD_S), trace_of([(1.0, 50.0)], from_s=10.0)

    assert empty.integral(0.0, 1.0) == Integral(energy_j=None, coverage=0.0, samples=0)
    assert later.integral(0.0, 1.0) == Integral(energy_j=None, coverage=0.0, samples=0)
    assert empty.last_s == -math.inf


def test_samples_on_the_edges_are_counted() -> None:
    """A sample on an edge belongs to the window."""
    trace = trace_of([(1.0, 50.0)] * 5)

    assert trace.integral(1.0, 3.0).samples == 3
    assert trace.integral(1.1, 2.9).samples == 1
    assert trace.integral(1.1, 1.9).samples == 0
    assert trace.integral(-1.0, 9.0).samples == 5


def test_a_mean_power_holds_from_its_time_on() -> None:
    """Power that was derived from a counter has the energy of the counter."""
    trace = PowerTrace(period_s=PERIOD_S)
    for second, power_w in enumerate((100.0, 300.0, 50.0)):
        trace.append(PowerSample(time_s=second * 0.125, power_w=power_w), is_mean=True)

    assert energy_j(trace.integral(0.0, 0.375)) == pytest.approx(0.125 * (100 + 300 + 50))


def test_samples_from_before_a_refresh_are_not_used_after_it() -> None:
    """The first sample after a refresh also stands for the time back to it."""
    trace = PowerTrace(period_s=PERIOD_S)
    for time_s, power_w in ((1.0, 900.0), (1.25, 100.0), (1.5, 300.0)):
        trace.append(PowerSample(time_s=time_s, power_w=power_w))

    assert trace.fresh_j(1.0625, 1.5) == pytest.approx(100 * (1.375 - 1.0625) + 300 * (1.5 - 1.375))
    assert trace.fresh_j(1.0625, 1.125) == pytest.approx(100 * 0.0625)
    assert trace.fresh_j(1.0625, 1.09375) == pytest.approx(100 * 0.03125)
    assert trace.fresh_j(1.5, 1.75) is None
    assert trace.fresh_j(0.0, 0.5) is None


def test_the_first_sample_after_a_time_is_later_than_it() -> None:
    """After the last sample there is none."""
    trace = trace_of([(1.0, 50.0)] * 3, from_s=1.0)

    assert [trace.first_after_s(time_s) for time_s in (0.0, 1.0, 2.5, 3.0)] == [1.0, 2.0, 3.0, None]


@pytest.mark.parametrize(
    ("earlier_j", "later_j", "power_w"),
    [(5.0, 25.0, 40.0), (5.0, 5.0, 0.0), (25.0, 5.0, None), (None, 5.0, None), (5.0, None, None)],
)
def test_the_power_of_a_counter_is_its_rise_over_the_time(
    earlier_j: float | None, later_j: float | None, power_w: float | None
) -> None:
    """It holds from the earlier reading on; there is none if the counter ran backward or is missing."""
    found = mean_power(
        Observation(time_s=1.5, counter_j=earlier_j), Observation(time_s=2.0, counter_j=later_j)
    )

    assert found == (None if power_w is None else PowerSample(time_s=1.5, power_w=power_w))


def test_power_at_a_time_is_that_of_the_nearest_sample() -> None:
    """Before all samples it is that of the first one, and after them that of the last one."""
    trace = PowerTrace(period_s=PERIOD_S)
    for time_s, power_w in ((1.0, 100.0), (1.25, 300.0)):
        trace.append(PowerSample(time_s=time_s, power_w=power_w))

    assert [trace.power_w(time_s) for time_s in (0.5, 1.0, 1.1, 1.2, 9.0)] == [
        100.0,
        100.0,
        100.0,
        300.0,
        300.0,
    ]


def test_times_must_rise() -> None:
    """A sample that is not later than the last one, and a window that ends before it starts, are refused."""
    trace = trace_of([(1.0, 50.0)], from_s=5.0)

    with pytest.raises(ValueError, match=r"sample at 5\.0 s after one at 5\.0 s"):
        trace.append(PowerSample(time_s=5.0, power_w=1.0))
    with pytest.raises(ValueError, match="ends before it starts"):
        trace.integral(2.0, 1.0)
