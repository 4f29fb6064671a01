"""Interim readings of a window that is still open, in case its tracker is lost before it is closed."""

from typing import Protocol

from trackers.meter.meter_values import OpenWindow
from trackers.node.ledger import Bill, WindowKey
from trackers.sample import Method, Reading, Status

NOTE = "still open when its tracker was last asked; by its power until then"


class Meter(Protocol):
    """The methods of an `EnergyMeter` that are needed here."""

    def opened(self, key: WindowKey) -> OpenWindow | None:
        """State of an open window; None where it is not open."""

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """Mean power of a target; None where it was not observed."""

    def method(self, device_uuid: str) -> Method:
        """Method by which a target's energies are obtained."""


def interim_readings(
    meter: Meter, key: WindowKey, bill: Bill, now_s: float
) -> dict[str, Reading] | None:
    """Return the reading until now of each target on a bill, without reading a sensor.

    Args:
        meter: The meter that has the window open.
        key: Key of the window.
        bill: Bill of the window's consumer.
        now_s: The present time.

    Returns:
        Reading by target; None where the window is not open, or where nothing is known of the device that
        the trial computes on.
    """
    opened = meter.opened(key)
    if opened is None:
        return None
    readings = {
        item.target: _interim_reading(meter, item.target, opened.start_s, now_s - opened.start_s)
        for item in bill
    }
    return readings if readings[bill[0].target].energy_j is not None else None


def _interim_reading(meter: Meter, target: str, start_s: float, duration_s: float) -> Reading:
    power_w = meter.mean_power_w(target, start_s, start_s + duration_s)
    if power_w is None:
        return Reading.missing(target, note=NOTE, start_s=start_s, duration_s=duration_s)
    estimated = meter.method(target) is Method.ESTIMATED
    return Reading(
        device_uuid=target,
        start_s=start_s,
        duration_s=duration_s,
        energy_j=power_w * duration_s,
        method=Method.ESTIMATED if estimated else Method.SAMPLED,
        status=Status.DEGRADED,
        coverage=1.0,
        power_samples=0,
        note=NOTE,
    )
