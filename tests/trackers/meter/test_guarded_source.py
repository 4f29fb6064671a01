"""Guard of a source: its faults are contained, its powers bounded, and counters give a power too."""

import logging

import pytest

from tests.trackers.scripted import BOARD, ScriptedSource
from trackers.clock import ManualClock
from trackers.errors import DeviceLostError, ReadError, UnknownDeviceError
from trackers.meter.guarded_source import LONGEST_REST_S, GuardedSource, PowerBound

SHORTEST_S = 0.05


def guarded(source: ScriptedSource, clock: ManualClock) -> GuardedSource:
    """The only board of a source, behind a guard."""
    (device,) = source.devices()
    return GuardedSource(source, BOARD, clock=clock, shortest_s=SHORTEST_S, device=device)


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (ReadError("timeout"), False),
        (DeviceLostError("gone"), True),
        (UnknownDeviceError("who"), True),
        (OSError("bus"), False),
        (SystemExit(70), False),
    ],
)
def test_a_fault_is_no_answer(error: BaseException, *, is_lost: bool) -> None:
    """Nothing is raised, whatever the source raises; only a lost or unknown device is marked as lost."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 1.0, fault=lambda _n, _s: error)
    guard = guarded(source, clock)

    seen = guard.ask(counter=True)

    assert seen is None
    assert guard.is_lost == is_lost


def test_ctrl_c_is_passed_on() -> None:
    """It is a request of the user, not a fault of the source."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 1.0, fault=lambda _n, _s: KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        guarded(source, clock).ask(counter=True)


def test_an_unexpected_fault_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """There is one line in the log, however often it happens."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 1.0, fault=lambda _n, _s: OSError("bus"))
    guard = guarded(source, clock)

    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            guard.ask(counter=False)

    assert len(caplog.records) == 1


def test_a_lost_device_is_retried_less_and_less_often() -> None:
    """A board may come back when its driver is reset; a process that has ended does not."""
    clock = ManualClock()
    is_lost = True
    source = ScriptedSource(
        clock,
        power_w=lambda _: 1.0,
        fault=lambda _n, _s: DeviceLostError("away") if is_lost else None,
    )
    guard = guarded(source, clock)
    for _ in range(1000):
        if not guard.rests():
            guard.ask(counter=False)
        clock.advance(0.1)
    reads = source.reads

    is_lost = False
    clock.advance(LONGEST_REST_S)

    assert reads < 30
    assert not guard.rests()
    assert guard.ask(counter=False) is not None
    assert not guard.is_lost


def test_a_counter_gives_the_mean_power_since_the_last_reading() -> None:
    """The mean holds from the earlier reading on; readings too close together give none."""
    clock = ManualClock()
    guard = guarded(ScriptedSource(clock, counter_j=lambda time_s: 50 * time_s), clock)

    def power_w() -> tuple[float, float] | None:
        seen = guard.ask(counter=False)
        assert seen is not None
        sample = guard.power(seen)
        return None if sample is None else (sample.time_s, sample.power_w)

    assert power_w() is None
    clock.advance(0.125)
    assert power_w() == (0.0, 50.0)
    clock.advance(SHORTEST_S / 2)
    assert power_w() is None
    clock.advance(0.125)
    later = power_w()
    assert later is not None
    assert later == pytest.approx((0.125, 50.0))


def test_a_power_beyond_the_limit_is_ignored() -> None:
    """A board may briefly draw up to 1.5 times its limit."""
    clock = ManualClock()
    powers_w = iter([60.0, 440.0, 4e6, 460.0, 60.0])
    source = ScriptedSource(clock, power_w=lambda _: next(powers_w), power_limit_w=300.0)
    guard = guarded(source, clock)

    seen = [guard.ask(counter=False) for _ in range(5)]

    assert [each and each.power_w for each in seen] == [60.0, 440.0, None, None, 60.0]


def test_without_a_limit_power_is_bounded_by_earlier_values() -> None:
    """A single value far above the others is a fault; if the next one is like it, it is a load."""
    bound = PowerBound(None)

    accepted = [bound.accepts(power_w) for power_w in (60, 70, 3e3, 65, 4e6, 3e3, 3100, 900)]

    assert accepted == [True, True, False, True, False, False, True, True]
