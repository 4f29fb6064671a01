"""A meter that is sampled by the test, on a clock that the test advances."""

from trackers.clock import Clock, ManualClock
from trackers.meter.meter import EnergyMeter
from trackers.sample import Reading
from trackers.source import PowerSource

PERIOD_S = 0.125
"""A power of two, so that sums of it are exact."""


def metered(source: PowerSource, clock: Clock) -> EnergyMeter:
    """A meter that watches all devices and is sampled by the test, without a thread."""
    meter = EnergyMeter(source, sampling_hz=1 / PERIOD_S, clock=clock)
    for device in source.devices():
        meter.watch(device.uuid)
    return meter


def run(meter: EnergyMeter, clock: ManualClock, duration_s: float) -> None:
    """Let time pass and sample each period, as the thread would."""
    for _ in range(round(duration_s / PERIOD_S)):
        clock.advance(PERIOD_S)
        meter.sample()


def energy_j(reading: Reading) -> float:
    """The energy of a reading that has one."""
    assert reading.energy_j is not None, reading.note
    return reading.energy_j


def only(readings: dict[str, Reading]) -> Reading:
    """The reading of the only device."""
    (reading,) = readings.values()
    return reading
