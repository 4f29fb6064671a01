"""State, scope, lifetime and power limit of one watched device."""

from typing import final

import pytest

from tests.trackers.scripted import BOARD, OTHER, ScriptedSource
from trackers.clock import ManualClock
from trackers.meter.meter import EnergyMeter
from trackers.meter.watched_device import STATE_EACH_S
from trackers.sample import (
    BoardState,
    Component,
    Device,
    Method,
    PowerLimits,
    Scope,
    Status,
    process_device,
)
from trackers.source import PowerSource


@final
class StatefulSource:
    """A source that counts the readings of its first board's state; the second board's state raises."""

    name = "telling"
    note = "what the test says"
    estimated = False
    counter_persists = True

    def __init__(self, clock: ManualClock) -> None:
        """Measure like a scripted source."""
        source = ScriptedSource(clock, power_w=lambda _: 100.0, uuids=(BOARD, OTHER))
        self.devices, self.observe, self.close = source.devices, source.observe, source.close
        self.state_reads = 0

    def state(self, device_uuid: str) -> BoardState:
        """Return a higher temperature each time."""
        if device_uuid == OTHER:
            message = "no state today"
            raise ValueError(message)
        self.state_reads += 1
        return BoardState(temperature_c=40.0 + self.state_reads)


def states(source: PowerSource, clock: ManualClock) -> dict[str, BoardState]:
    """State of each board at the end of a window of two seconds."""
    meter = EnergyMeter(source, clock=clock)
    with meter.window("epoch") as window:
        for _ in range(20):
            meter.sample()
            clock.advance(STATE_EACH_S / 10)
    return {uuid: reading.state for uuid, reading in window.readings.items()}


def test_the_state_of_a_board_is_read_once_a_second() -> None:
    """It is not read with each sample; if reading it raises, the state is empty."""
    clock = ManualClock()
    source = StatefulSource(clock)

    found = states(source, clock)

    assert source.state_reads == 2
    assert found == {BOARD: BoardState(temperature_c=42.0), OTHER: BoardState()}


def test_a_source_without_states_gives_empty_ones() -> None:
    """CPUs, recordings and estimates have no state."""
    clock = ManualClock()

    found = states(ScriptedSource(clock, power_w=lambda _: 1.0), clock)

    assert found == {BOARD: BoardState()}


@final
class Machine:
    """A source of one device, which counts 10 W for the whole device and 1 W for a process."""

    name = "machine"
    note = "what the test says"
    estimated = False
    counter_persists = False

    def __init__(self, clock: ManualClock, component: Component) -> None:
        """Measure a device of the given component."""
        self._clock = clock
        self._device = Device(uuid="of-the-machine", name="part", component=component)
        source = ScriptedSource(clock, counter_j=lambda time_s: 10 * time_s)
        self._whole, self.close = source, source.close
        self._share = ScriptedSource(clock, counter_j=lambda time_s: time_s)

    def devices(self) -> tuple[Device, ...]:
        """See `PowerSource`."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> object:
        """See `PowerSource`."""
        source = self._whole if device_uuid == self._device.uuid else self._share
        return source.observe(BOARD, counter=counter)


@pytest.mark.parametrize(
    ("component", "whole_machine", "power_w", "scope"),
    [
        (Component.CPU, False, 1.0, Scope.PROCESSES),
        (Component.MEMORY, False, 1.0, Scope.PROCESSES),
        (Component.CPU, True, 10.0, Scope.MACHINE),
        (Component.NODE, False, 10.0, Scope.MACHINE),
        (Component.GPU, False, 10.0, Scope.DEVICE),
    ],
)
def test_a_reading_has_the_scope_of_its_energy(
    component: Component, power_w: float, scope: Scope, *, whole_machine: bool
) -> None:
    """Of CPU and memory, a meter measures its own process unless asked for the whole machine."""
    clock = ManualClock()
    source: object = Machine(clock, component)
    assert isinstance(source, PowerSource)
    meter = EnergyMeter(source, clock=clock, whole_machine=whole_machine)

    with meter.window("epoch") as window:
        for _ in range(10):
            clock.advance(0.1)
            meter.sample()

    (reading,) = window.readings.values()
    assert reading.mean_power_w == pytest.approx(power_w)
    assert reading.scope is scope


def test_an_ended_process_is_no_longer_watched() -> None:
    """The tracker of a node lives as long as the study, and many trials end meanwhile."""
    clock = ManualClock()
    source = ScriptedSource(clock, counter_j=lambda time_s: time_s)
    meter = EnergyMeter(source, clock=clock)

    for pid in range(1, 50):  # the source knows none of them
        with meter.window(pid, devices=[process_device(pid)]):
            clock.advance(0.1)

    assert len(meter._watched) == 0  # noqa: SLF001 - memory is internal


@final
class Limiting:
    """A board that always draws its power limit, which is raised from 100 to 400 W."""

    name = "limiting"
    note = "what the test says"
    estimated = False
    counter_persists = True

    def __init__(self, clock: ManualClock, *, raised_at_s: float) -> None:
        """Raise the limit at the given time."""
        self._clock = clock
        self._raised_at_s = raised_at_s
        source = ScriptedSource(
            clock,
            power_w=lambda now_s: 100.0 if now_s < raised_at_s else 400.0,
            counter_j=lambda now_s: 1000 + 100 * now_s + 300 * max(0.0, now_s - raised_at_s),
            power_limit_w=100.0,
        )
        self.devices, self.observe, self.close = source.devices, source.observe, source.close

    def power_limits(self, device_uuid: str) -> PowerLimits:
        """Return the limits as they were at first."""
        return PowerLimits(device_uuid=device_uuid, lowest_w=100, highest_w=400, now_w=100)

    def limit_refused(self, device_uuid: str) -> str:  # noqa: ARG002
        """Allow any limit."""
        return ""

    def limit_power(self, device_uuid: str, limit_w: float) -> float:  # noqa: ARG002
        """Do nothing, because the clock raises the limit."""
        return limit_w

    def highest_limit_w(self, device_uuid: str, since_s: float) -> float | None:  # noqa: ARG002
        """Return the limit in force."""
        return 100.0 if self._clock.now_s() < self._raised_at_s else 400.0


def test_the_bound_on_a_counter_follows_the_limit() -> None:
    """The counter is still believed when a board with a raised limit draws more than before."""
    clock = ManualClock()
    meter = EnergyMeter(Limiting(clock, raised_at_s=2.0), clock=clock)

    with meter.window("epoch") as window:
        for _ in range(60):
            meter.sample()
            clock.advance(0.1)

    (reading,) = window.readings.values()
    assert reading.energy_j == pytest.approx(6 * 100 + 4 * 300, rel=0.01)
    assert (reading.method, reading.status) == (Method.COUNTER, Status.OK)
