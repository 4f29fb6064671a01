"""What a source answers: faults end here, and a counter tells a power too."""

import logging

import pytest

from tests.trackers.scripted import BOARD, ScriptedSource
from trackers.clock import ManualClock
from trackers.errors import DeviceLostError, ReadError, UnknownDeviceError
from trackers.meter.guarded_source import GuardedSource

SHORTEST_S = 0.05


def answers(source: ScriptedSource, lost: list[str]) -> GuardedSource:
    """GuardedSource of a source; devices that are lost are noted."""
    return GuardedSource(source, shortest_s=SHORTEST_S, lost=lost.append)


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
    lost: list[str] = []
    source = ScriptedSource(ManualClock(), power_w=lambda _: 1.0, fault=lambda _n, _s: error)

    seen = answers(source, lost).ask(BOARD, counter=True)

    assert seen is None
    assert lost == ([BOARD] if is_lost else [])


def test_ctrl_c_goes_through() -> None:
    """A user who wants to stop is not a fault of a source."""
    source = ScriptedSource(
        ManualClock(), power_w=lambda _: 1.0, fault=lambda _n, _s: KeyboardInterrupt()
    )

    with pytest.raises(KeyboardInterrupt):
        answers(source, []).ask(BOARD, counter=True)


def test_an_unforeseen_fault_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line, however often it happens."""
    source = ScriptedSource(
        ManualClock(), power_w=lambda _: 1.0, fault=lambda _n, _s: OSError("bus")
    )
    asked = answers(source, [])

    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            asked.ask(BOARD, counter=False)

    assert len(caplog.records) == 1


def test_a_counter_without_power_tells_its_mean_since_before() -> None:
    """From the reading before on; not over a moment, and not across a time of not being watched."""
    clock = ManualClock()
    asked = answers(ScriptedSource(clock, counter_j=lambda time_s: 50 * time_s), [])

    def power_w() -> tuple[float, float] | None:
        seen = asked.ask(BOARD, counter=False)
        assert seen is not None
        sample = asked.power(BOARD, seen)
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
    asked.forget(BOARD)
    assert power_w() is None
