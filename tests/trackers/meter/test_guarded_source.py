"""What a source answers: faults end here, and a counter tells a power too."""

import logging

import pytest

from tests.trackers.scripted import BOARD, ScriptedSource
from trackers.clock import ManualClock
from trackers.errors import DeviceLostError, ReadError, UnknownDeviceError
from trackers.meter.guarded_source import LONGEST_REST_S, GuardedSource, PowerBound

SHORTEST_S = 0.05


def guarded(source: ScriptedSource, clock: ManualClock) -> GuardedSource:
    """A source's one board, asked with care."""
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
    """Nothing is raised, whatever the source does; only what is lost is told to be so."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 1.0, fault=lambda _n, _s: error)
    asked = guarded(source, clock)

    seen = asked.ask(counter=True)

    assert seen is None
    assert asked.is_lost == is_lost


def test_ctrl_c_goes_through() -> None:
    """A user who wants to stop is not a fault of a source."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 1.0, fault=lambda _n, _s: KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        guarded(source, clock).ask(counter=True)


def test_an_unforeseen_fault_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line, however often it happens."""
    clock = ManualClock()
    source = ScriptedSource(clock, power_w=lambda _: 1.0, fault=lambda _n, _s: OSError("bus"))
    asked = guarded(source, clock)

    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            asked.ask(counter=False)

    assert len(caplog.records) == 1


def test_a_lost_device_is_asked_again_ever_more_seldom() -> None:
    """Boards come back when their driver was reset; a process that has ended does not."""
    clock = ManualClock()
    is_lost = True
    source = ScriptedSource(
        clock,
        power_w=lambda _: 1.0,
        fault=lambda _n, _s: DeviceLostError("away") if is_lost else None,
    )
    asked = guarded(source, clock)
    for _ in range(1000):
        if not asked.rests():
            asked.ask(counter=False)
        clock.advance(0.1)
    reads = source.reads

    is_lost = False
    clock.advance(LONGEST_REST_S)

    assert reads < 30
    assert not asked.rests()
    assert asked.ask(counter=False) is not None
    assert not asked.is_lost


def test_a_counter_without_power_tells_its_mean_since_before() -> None:
    """From the reading before on, and not over a moment."""
    clock = ManualClock()
    asked = guarded(ScriptedSource(clock, counter_j=lambda time_s: 50 * time_s), clock)

    def power_w() -> tuple[float, float] | None:
        seen = asked.ask(counter=False)
        assert seen is not None
        sample = asked.power(seen)
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


def test_a_power_beyond_the_limit_is_no_answer() -> None:
    """Half as much again as the limit may be drawn for a moment; 4 MW may not."""
    clock = ManualClock()
    powers_w = iter([60.0, 440.0, 4e6, 460.0, 60.0])
    source = ScriptedSource(clock, power_w=lambda _: next(powers_w), power_limit_w=300.0)
    asked = guarded(source, clock)

    seen = [asked.ask(counter=False) for _ in range(5)]

    assert [each and each.power_w for each in seen] == [60.0, 440.0, None, None, 60.0]


def test_without_a_limit_a_power_is_bounded_by_what_was_shown() -> None:
    """A single value of ten times as much is a fault; where the next one is like it, it is a load."""
    bound = PowerBound(None)

    accepted = [bound.accepts(power_w) for power_w in (60, 70, 3e3, 65, 4e6, 3e3, 3100, 900)]

    assert accepted == [True, True, False, True, False, False, True, True]
