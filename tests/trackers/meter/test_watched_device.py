"""One device under watch: what it is asked, and when."""

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
class Telling:
    """A source whose first board counts how often it was asked, and whose second raises."""

    name = "telling"
    note = "what the test says"
    estimated = False
    counter_persists = True

    def __init__(self, clock: ManualClock) -> None:
        """Measure as a scripted source does."""
        source = ScriptedSource(clock, power_w=lambda _: 100.0, uuids=(BOARD, OTHER))
        self.devices, self.observe, self.close = source.devices, source.observe, source.close
        self.asked = 0

    def state(self, device_uuid: str) -> BoardState:
        """Warmer each time."""
        if device_uuid == OTHER:
            message = "no state today"
            raise ValueError(message)
        self.asked += 1
        return BoardState(temperature_c=40.0 + self.asked)


def states(source: PowerSource, clock: ManualClock) -> dict[str, BoardState]:
    """What boards have said of themselves at the end of a window of two seconds."""
    meter = EnergyMeter(source, clock=clock)
    with meter.window("epoch") as window:
        for _ in range(20):
            meter.sample()
            clock.advance(STATE_EACH_S / 10)
    return {uuid: reading.state for uuid, reading in window.readings.items()}


def test_boards_are_asked_for_their_state_now_and_then() -> None:
    """Not with each sample; one that raises tells nothing and stops nobody."""
    clock = ManualClock()
    source = Telling(clock)

    told = states(source, clock)

    assert source.asked == 2
    assert told == {BOARD: BoardState(temperature_c=42.0), OTHER: BoardState()}


def test_a_source_without_states_tells_none() -> None:
    """CPUs, recordings and estimates have none."""
    clock = ManualClock()

    told = states(ScriptedSource(clock, power_w=lambda _: 1.0), clock)

    assert told == {BOARD: BoardState()}


@final
class Machine:
    """A source of one device of a machine, which counts 10 W for the whole and 1 W for a process."""

    name = "machine"
    note = "what the test says"
    estimated = False
    counter_persists = False

    def __init__(self, clock: ManualClock, component: Component) -> None:
        """Measure a device of that component."""
        self._clock = clock
        self._device = Device(uuid="of-the-machine", name="part", component=component)
        source = ScriptedSource(clock, counter_j=lambda time_s: 10 * time_s)
        self._whole, self.close = source, source.close
        self._share = ScriptedSource(clock, counter_j=lambda time_s: time_s)

    def devices(self) -> tuple[Device, ...]:
        """The one."""
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
def test_a_reading_says_whose_energy_it_is(
    component: Component, power_w: float, scope: Scope, *, whole_machine: bool
) -> None:
    """Of CPU and memory a meter measures its own process, unless it is asked otherwise."""
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


def test_a_process_that_has_ended_is_watched_no_more() -> None:
    """A node's tracker lives as long as the study, and sees many trials go."""
    clock = ManualClock()
    source = ScriptedSource(clock, counter_j=lambda time_s: time_s)
    meter = EnergyMeter(source, clock=clock)

    for pid in range(1, 50):  # the source knows none of them
        with meter.window(pid, devices=[process_device(pid)]):
            clock.advance(0.1)

    assert len(meter._watched) == 0  # noqa: SLF001 - memory is inside


@final
class Limiting:
    """A board that draws what its limit is, which is raised from 100 to 400 W."""

    name = "limiting"
    note = "what the test says"
    estimated = False
    counter_persists = True

    def __init__(self, clock: ManualClock, *, raised_at_s: float) -> None:
        """Raise the limit at a time."""
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
        """As it was at first."""
        return PowerLimits(device_uuid=device_uuid, lowest_w=100, highest_w=400, now_w=100)

    def limit_refused(self, device_uuid: str) -> str:  # noqa: ARG002
        """Nothing speaks against it."""
        return ""

    def limit_power(self, device_uuid: str, limit_w: float) -> float:  # noqa: ARG002
        """The clock does it."""
        return limit_w

    def highest_limit_w(self, device_uuid: str, since_s: float) -> float | None:  # noqa: ARG002
        """What held from then on."""
        return 100.0 if self._clock.now_s() < self._raised_at_s else 400.0


def test_the_bound_on_a_counter_follows_the_limit() -> None:
    """A board whose limit was raised draws more than it could at first, and is believed."""
    clock = ManualClock()
    meter = EnergyMeter(Limiting(clock, raised_at_s=2.0), clock=clock)

    with meter.window("epoch") as window:
        for _ in range(60):
            meter.sample()
            clock.advance(0.1)

    (reading,) = window.readings.values()
    assert reading.energy_j == pytest.approx(6 * 100 + 4 * 300, rel=0.01)
    assert (reading.method, reading.status) == (Method.COUNTER, Status.OK)
