"""A source that tells a power once a second, as plugs and management controllers do."""

import math
from collections.abc import Sequence

import pytest

from trackers.clock import ManualClock
from trackers.meter.meter import EnergyMeter
from trackers.sample import Component, Device, Observation, Reading, Status

PLUG = Device(uuid="node:plug", name="plug", component=Component.NODE, update_period_s=1.0)


class Plug:
    """100 and 200 W in turn, each for a second and told at its start."""

    name, note, estimated, counter_persists = "plug", "as made up", False, False

    def __init__(self, clock: ManualClock) -> None:
        """Go by `clock`."""
        self._clock = clock

    def devices(self) -> Sequence[Device]:
        """See `PowerSource`."""
        return (PLUG,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`; the same until the next second."""
        del device_uuid, counter
        time_s = float(math.floor(self._clock.now_s()))
        return Observation(time_s=time_s, power_w=100.0 if time_s % 2 else 200.0)

    def close(self) -> None:
        """See `PowerSource`."""


def measured(duration_s: int) -> Reading:
    """The reading of a window, ten samples asked for in each second."""
    clock = ManualClock(100)
    meter = EnergyMeter(Plug(clock), clock=clock)
    meter.watch(PLUG.uuid)
    _go_on(meter, clock, 4)
    meter.open("window", devices=[PLUG.uuid])
    _go_on(meter, clock, duration_s)
    return meter.close("window")[PLUG.uuid]


def _go_on(meter: EnergyMeter, clock: ManualClock, duration_s: int) -> None:
    for _ in range(10 * duration_s):
        clock.advance(0.1)
        meter.sample()


def test_a_long_window_is_right_and_covered() -> None:
    """A minute is known from its 60 powers: nothing of it was unobserved."""
    reading = measured(60)

    assert reading.energy_j == pytest.approx(60 * 150, rel=0.02)
    assert (reading.coverage, reading.status) == (1, Status.OK)


def test_an_epoch_that_is_too_short_for_it_says_so() -> None:
    """One power in a second says little of that second."""
    reading = measured(1)

    assert reading.status is Status.DEGRADED
    assert reading.note
