"""Clocks: the machine's, and one that a test advances."""

import threading
import time

import pytest

from trackers.clock import Clock, ManualClock, MonotonicClock


@pytest.mark.parametrize("clock", [MonotonicClock(), ManualClock()])
def test_each_clock_keeps_the_protocol(clock: Clock) -> None:
    """Each clock is a `Clock`, and a wait advances it."""
    before_s = clock.now_s()

    was_woken = clock.wait(threading.Event(), 0.001)

    assert isinstance(clock, Clock)
    assert not was_woken
    assert clock.now_s() >= before_s + 0.001


def test_the_machine_clock_is_shared_by_all_processes() -> None:
    """Its time is that of `time.monotonic`, so that trial and tracker agree on edges."""
    earlier_s = time.monotonic()
    now_s = MonotonicClock().now_s()
    later_s = time.monotonic()

    assert earlier_s <= now_s <= later_s


def test_waiting_ends_when_woken() -> None:
    """A set event ends a wait of any length."""
    wake = threading.Event()
    wake.set()

    assert MonotonicClock().wait(wake, 3600.0)
    assert ManualClock().wait(wake, 3600.0)


def test_a_manual_clock_moves_only_when_told() -> None:
    """Time passes by `advance` and `wait`, and by nothing else."""
    clock = ManualClock(100.0)

    clock.advance(2.5)
    clock.wait(threading.Event(), 0.5)

    assert clock.now_s() == 103.0
    assert clock.now_s() == 103.0


def test_a_clock_is_not_set_back() -> None:
    """An advance by a negative time is refused, with the value in the message."""
    with pytest.raises(ValueError, match=r"-1.*not set back"):
        ManualClock().advance(-1)
