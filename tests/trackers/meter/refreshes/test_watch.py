"""A watch over a counter's refreshes: predictions, and when it observes again."""

import threading
from functools import partial

import pytest

from tests.trackers.meter.refreshes.rising_board import Board
from trackers.clock import ManualClock
from trackers.meter.refreshes.watch import (
    ATTEMPTS,
    LONGEST_UNKNOWN_S,
    NEXT_ATTEMPT_S,
    RefreshWatch,
)
from trackers.sample import Observation


def watch_of(board: Board) -> RefreshWatch:
    """A watch over a board's counter."""
    return RefreshWatch(board.observe, board.clock, partial(board.clock.wait, threading.Event()))


def learnt(period_s: float = 0.02) -> tuple[RefreshWatch, Board]:
    """A watch that has learnt the rate of a counter."""
    board = Board(ManualClock(), period_s)
    watch = watch_of(board)
    assert watch.learn_if_due()
    return watch, board


def test_before_learning_nothing_is_known_of_refreshes() -> None:
    """A value may be as old as on any board."""
    board = Board(ManualClock(start_s=0.005), 0.02)
    watch = watch_of(board)
    value = board.observe()

    assert (watch.period_s, watch.oldest_s) == (None, LONGEST_UNKNOWN_S)
    assert not watch.is_within(0.005, 0.006)
    assert watch.next_s(value) is None
    assert watch.at_edge(board.observe) == value


def test_the_greatest_age_is_the_longest_wait_for_a_refresh() -> None:
    """A wait lasts from the start of polling to the new value."""
    watch, _ = learnt(0.05)

    assert 0.0 < watch.oldest_s <= 0.051


def test_times_between_the_same_two_refreshes_are_recognised() -> None:
    """Times close to a refresh are not, because they may be on either side of it."""
    watch, _ = learnt()

    assert watch.is_within(0.205, 0.215)
    assert not watch.is_within(0.205, 0.225)
    assert not watch.is_within(0.2, 0.215)
    assert not watch.is_within(0.215, 0.22)


def test_an_edge_close_to_a_refresh_waits_for_it() -> None:
    """It waits for a few milliseconds, on the clock of the watch."""
    watch, board = learnt()
    board.clock.advance(0.24 - board.clock.now_s())

    seen = watch.at_edge(board.observe)

    assert seen is not None
    assert seen.time_s == pytest.approx(0.24, abs=0.001)
    assert 0.24 < board.clock.now_s() < 0.245


def test_the_next_refresh_is_over_after_a_period_and_its_error() -> None:
    """It is None for a value without a counter."""
    watch, _ = learnt()

    next_s = watch.next_s(Observation(time_s=0.2, counter_j=11.0))

    assert next_s is not None
    assert 0.22 < next_s < 0.223
    assert watch.next_s(Observation(time_s=0.2, power_w=1.0)) is None


def test_a_watch_observes_again_only_when_it_is_unsure() -> None:
    """A single observation then renews the prediction."""
    watch, board = learnt()
    reads = board.reads

    assert not watch.learn_if_due()
    assert board.reads == reads
    board.clock.advance(10.0)
    assert watch.learn_if_due()
    assert board.reads > reads
    assert not watch.learn_if_due()
    assert watch.period_s == pytest.approx(0.02, rel=0.01)


def test_a_changed_rate_is_learnt_again() -> None:
    """A reloaded driver may refresh the counter at another rate."""
    watch, board = learnt()
    board.period_s = 0.031
    board.clock.advance(10.0)

    for _ in range(5):
        watch.learn_if_due()
        board.clock.advance(3.0)

    assert watch.period_s == pytest.approx(0.031, rel=0.01)


def test_a_counter_that_stands_still_is_tried_a_few_times() -> None:
    """The attempts are seconds apart, and end after a few."""
    board = Board(ManualClock(), 1e9)
    watch = watch_of(board)

    assert watch.learn_if_due()
    assert not watch.learn_if_due()
    board.clock.advance(NEXT_ATTEMPT_S - 0.001)
    assert not watch.learn_if_due()
    board.clock.advance(0.002)
    tried = 1
    for _ in range(2 * ATTEMPTS):
        tried += watch.learn_if_due()
        board.clock.advance(NEXT_ATTEMPT_S + 0.001)
    assert tried == ATTEMPTS


def test_a_counter_that_begins_to_rise_is_learnt_at_a_later_attempt() -> None:
    """The board may be idle when a study begins."""
    board = Board(ManualClock(), 1e9)
    watch = watch_of(board)
    watch.learn_if_due()
    board.period_s = 0.02
    board.clock.advance(NEXT_ATTEMPT_S + 0.001)

    assert watch.learn_if_due()
    assert watch.period_s == pytest.approx(0.02, rel=0.01)
