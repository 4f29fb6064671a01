"""A source that updates its power once a second, as smart plugs and management controllers do."""

import math
from collections.abc import Sequence

import pytest

from trackers.clock import ManualClock
from trackers.meter.meter import EnergyMeter
from trackers.sample import Component, Device, Observation, Reading, Status

PLUG = Device(uuid="node:plug", name="plug", component=Component.NODE, update_period_s=1.0)


class Plug:
    """A plug that draws 100 W and 200 W in turn, and reports each at the start of its second."""

    name, note, estimated, counter_persists = "plug", "as made up", False, False

    def __init__(self, clock: ManualClock) -> None:
        """Use a clock."""
        self._clock = clock

    def devices(self) -> Sequence[Device]:
        """See `PowerSource`."""
        return (PLUG,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`; the observation stays the same until the next second."""
        del device_uuid, counter
        time_s = float(math.floor(self._clock.now_s()))
        return Observation(time_s=time_s, power_w=100.0 if time_s % 2 else 200.0)

    def close(self) -> None:
        """See `PowerSource`."""


def measured(duration_s: int) -> Reading:
    """The reading of a window that is sampled ten times a second."""
    clock = ManualClock(100)
    meter = EnergyMeter(Plug(clock), clock=clock)
    meter.watch(PLUG.uuid)
    _sample(meter, clock, 4)
    meter.open("window", devices=[PLUG.uuid])
    _sample(meter, clock, duration_s)
    return meter.close("window")[PLUG.uuid]


def _sample(meter: EnergyMeter, clock: ManualClock, duration_s: int) -> None:
    for _ in range(10 * duration_s):
        clock.advance(0.1)
        meter.sample()


def test_a_long_window_is_accurate_and_covered() -> None:
    """A power per second covers a minute completely."""
    reading = measured(60)

    assert reading.energy_j == pytest.approx(60 * 150, rel=0.02)
    assert (reading.coverage, reading.status) == (1, Status.OK)


def test_a_window_of_one_update_is_degraded() -> None:
    """A single power says little about a window of a second."""
    reading = measured(1)

    assert reading.status is Status.DEGRADED
    assert reading.note
