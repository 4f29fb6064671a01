"""A meter on a source in its world, and strategies for loads."""

import pytest
from hypothesis import strategies as st

from tests.trackers.every_source.loads import HIGHEST_W
from tests.trackers.every_source.worlds import WORLDS, World
from trackers.clock import ManualClock
from trackers.meter.meter import EnergyMeter
from trackers.sample import Reading
from trackers.source import PowerSource

PERIOD_S = 0.125
"""A power of two, so that sums of it are exact."""

watts = st.lists(st.integers(min_value=1, max_value=HIGHEST_W), min_size=1, max_size=24)
"""Never 0, because a board that answers draws power, and a 0 of NVML is treated as a fault."""

every_source = pytest.mark.parametrize("name", list(WORLDS))


def meter_of(source: PowerSource, world: World, clock: ManualClock) -> EnergyMeter:
    """A meter that watches the world's device and is sampled by the test, without a thread."""
    meter = EnergyMeter(source, sampling_hz=1 / PERIOD_S, clock=clock)
    meter.watch(world.device_uuid)
    return meter


def energy_j(reading: Reading) -> float:
    """The energy of a reading that has one."""
    assert reading.energy_j is not None, reading.note
    return reading.energy_j
