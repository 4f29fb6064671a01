"""Refresh times of counters, learnt from observations and used only where they are regular."""

import random
import threading
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers.meter.refreshes.rising_board import Board
from trackers.clock import ManualClock
from trackers.meter.refreshes.clock import (
    REFRESHES_TO_LEARN,
    ObservedRefresh,
    RefreshClock,
    at_refresh,
    observe_refresh,
)
from trackers.meter.refreshes.watch import ATTEMPTS, POLL_S, RefreshWatch
from trackers.sample import Observation


def observed_refreshes(
    period_s: float, phase_s: float, *, poll_s: float, seed: int
) -> list[ObservedRefresh]:
    """Consecutive refreshes, each observed between two polls."""
    rng = random.Random(seed)  # noqa: S311 - for a test, not for secrets
    found = []
    for number in range(REFRESHES_TO_LEARN):
        refresh_s = phase_s + number * period_s
        share = rng.random()
        found.append(
            ObservedRefresh(
                before_s=refresh_s - share * poll_s, after_s=refresh_s + (1 - share) * poll_s
            )
        )
    return found


@given(
    period_s=st.floats(min_value=0.01, max_value=0.2),
    phase_s=st.floats(min_value=0, max_value=1e6),
    at_periods=st.floats(min_value=0, max_value=100),
    seed=st.integers(min_value=0, max_value=1000),
)
def test_a_steady_rate_is_learnt(
    period_s: float, phase_s: float, at_periods: float, seed: int
) -> None:
    """The last refresh is known to within the stated error, or not at all."""
    clock = RefreshClock()
    for each in observed_refreshes(period_s, phase_s, poll_s=period_s / 40, seed=seed):
        clock.add(each)
    time_s = phase_s + (REFRESHES_TO_LEARN + at_periods) * period_s

    made_s = clock.last_refresh_s(time_s)

    assert clock.period_s == pytest.approx(period_s, rel=0.02)
    if made_s is not None and clock.error_s(time_s) < period_s / 4:
        late_s = (made_s - phase_s) % period_s
        assert min(late_s, period_s - late_s) < 3 * clock.error_s(time_s) + 1e-6
        assert 0 < time_s - made_s <= 1.1 * period_s


def test_irregular_refreshes_are_never_predicted() -> None:
    """The clock of a counter without a steady rate keeps learning."""
    rng = random.Random(1)  # noqa: S311 - for a test, not for secrets
    clock = RefreshClock()
    time_s = 0.0
    for _ in range(5 * REFRESHES_TO_LEARN):
        time_s += rng.uniform(0.01, 0.2)
        clock.add(ObservedRefresh(before_s=time_s, after_s=time_s + 0.001))

    assert clock.is_learning
    assert clock.last_refresh_s(time_s) is None


def test_a_jump_restarts_learning() -> None:
    """After a driver was reloaded, the old refresh times are forgotten."""
    clock = RefreshClock()
    for each in observed_refreshes(0.02, 0.0, poll_s=0.001, seed=0):
        clock.add(each)

    clock.add(ObservedRefresh(before_s=1.0100, after_s=1.0105))

    assert clock.is_learning


def test_an_observation_renews_an_uncertain_prediction() -> None:
    """The longer refreshes have been followed, the longer a prediction holds."""
    clock = RefreshClock()
    for each in observed_refreshes(0.02, 0.0, poll_s=0.001, seed=0):
        clock.add(each)
    unsure_s = 0.2
    while not clock.is_unsure(unsure_s):
        unsure_s += 0.02

    number = round(unsure_s / 0.02)
    clock.add(ObservedRefresh(before_s=number * 0.02 - 0.0005, after_s=number * 0.02 + 0.0005))

    assert not clock.is_unsure(unsure_s + unsure_s / 2)


def test_a_wide_observation_does_not_renew_a_prediction() -> None:
    """If a busy machine reads too late, later refreshes stay as uncertain as before."""
    clock = RefreshClock()
    for number in range(8):
        clock.add(ObservedRefresh(before_s=number * 0.02 - 0.0005, after_s=number * 0.02 + 0.0005))
    before_s = clock.error_s(2.0)

    clock.add(ObservedRefresh(before_s=0.5 - 0.008, after_s=0.5 + 0.008))

    assert clock.error_s(2.0) == pytest.approx(before_s)
    assert clock.is_unsure(0.6)


def test_polling_observes_the_next_refresh() -> None:
    """The refresh lies between the two times of the observation."""
    clock = ManualClock(start_s=0.005)
    board = Board(clock, 0.02)

    seen = observe_refresh(board.observe, lambda: clock.wait(threading.Event(), 0.001))

    assert seen is not None
    assert seen.before_s < 0.02 <= seen.after_s + 1e-9


def test_polling_ends_if_the_counter_stands_still() -> None:
    """The counter of an idle board may stand still."""
    clock = ManualClock()
    board = Board(clock, 1e9)

    seen = observe_refresh(board.observe, lambda: clock.wait(threading.Event(), 0.001))

    assert seen is None
    assert clock.now_s() < 1


def test_an_edge_next_to_a_refresh_is_read_again() -> None:
    """The first value may be from before the refresh; a moment later it is not."""
    clock = ManualClock(start_s=0.0203)
    refreshes = RefreshClock()
    for each in observed_refreshes(0.02, -1.0, poll_s=0.001, seed=0):
        refreshes.add(each)
    board = Board(clock, 0.02)

    seen = at_refresh(board.observe, clock.advance, refreshes)

    assert seen is not None
    assert seen.time_s == pytest.approx(0.02, abs=0.002)


def watching(board: Board, clock: ManualClock) -> RefreshWatch:
    """A watch over a board's counter."""
    return RefreshWatch(board.observe, clock, partial(clock.wait, threading.Event()))


def test_a_watch_learns_and_stamps_edges() -> None:
    """A value at an edge is stamped with the time of its refresh."""
    clock = ManualClock()
    board = Board(clock, 0.02)
    watch = watching(board, clock)
    watch.learn_if_due()
    clock.advance(0.013)

    seen = watch.at_edge(board.observe)

    assert watch.period_s == pytest.approx(0.02, rel=0.01)
    assert seen is not None
    assert seen.counter_j is not None
    assert seen.time_s == pytest.approx((seen.counter_j - 1) * 0.02, abs=0.001)


def test_a_watch_gives_up_on_a_counter_that_stands_still() -> None:
    """After a few attempts, a counter that never rises is not polled any more."""
    clock = ManualClock()
    board = Board(clock, 1e9)
    watch = watching(board, clock)
    for _ in range(10 * ATTEMPTS):
        watch.learn_if_due()
        clock.advance(10)
    reads = board.reads

    watch.learn_if_due()

    assert board.reads == reads
    assert watch.period_s is None


@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_learning_polls_only_when_a_refresh_is_near(period_s: float) -> None:
    """Polling makes the counters of some boards wrong, and costs CPU time for each board."""
    clock = ManualClock(start_s=0.7 * period_s)
    board = Board(clock, period_s)
    watch = watching(board, clock)

    watch.learn_if_due()

    assert watch.period_s == pytest.approx(period_s, rel=0.02)
    assert board.reads < 0.5 * REFRESHES_TO_LEARN * period_s / POLL_S


@given(
    period_s=st.floats(min_value=0.01, max_value=0.2),
    skipped=st.lists(st.integers(min_value=1, max_value=3), min_size=7, max_size=7),
    seed=st.integers(min_value=0, max_value=1000),
)
def test_a_rate_is_learnt_although_refreshes_were_missed(
    period_s: float, skipped: list[int], seed: int
) -> None:
    """A busy machine may miss most refreshes, as long as it observes two consecutive ones."""
    steps = [*skipped[:-1], 1]
    rng = random.Random(seed)  # noqa: S311 - for a test, not for secrets
    clock, number = RefreshClock(), 0
    for step in (0, *steps):
        number += step
        width_s = period_s * rng.uniform(0.005, 0.02)
        clock.add(
            ObservedRefresh(
                before_s=number * period_s - width_s, after_s=number * period_s + width_s / 2
            )
        )

    assert clock.period_s == pytest.approx(period_s, rel=0.02)


def test_a_reading_that_may_span_a_refresh_is_repeated() -> None:
    """If the process loses its CPU during a reading, the age of the value is unknown."""
    clock = ManualClock()
    refreshes = RefreshClock()
    for each in observed_refreshes(0.02, 0.0, poll_s=0.001, seed=1):
        refreshes.add(each)
    board, readings = Board(clock, 0.02), 0
    clock.advance(0.211)

    def observe() -> Observation:
        nonlocal readings
        readings += 1
        seen = board.observe()
        return replace(seen, took_s=0.03) if readings == 1 else seen

    seen = at_refresh(observe, clock.advance, refreshes)

    assert readings == 2
    assert seen is not None
    assert seen.time_s == pytest.approx(0.2, abs=0.003)
    assert seen.took_s == 0
