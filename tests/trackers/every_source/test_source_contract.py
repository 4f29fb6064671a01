"""What every power source must do. A new source comes here with its world (`tests/trackers/every_source/worlds.py`)."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.trackers.every_source.loads import Load
from tests.trackers.every_source.small_worlds import SOURCES_UNDER_TEST, Opened
from tests.trackers.every_source.worlds import WORLDS
from tests.trackers.every_source.worlds import opened as world_opened
from trackers.clock import ManualClock
from trackers.errors import UnknownDeviceError
from trackers.meter.meter import EnergyMeter
from trackers.sample import Method, Observation, Status
from trackers.source import PowerSource
from trackers.sources.detect import SOURCES

OBSERVATIONS = 20


@contextmanager
def in_its_world(name: str) -> Iterator[Opened]:
    """A source whose load is known and whose clock a test turns."""
    clock = ManualClock(start_s=1000.0)
    load = Load([50 + n % 50 for n in range(1000)], period_s=0.125, start_s=clock.now_s())
    with world_opened(name, load, clock) as world:
        yield Opened(
            source=world.source,
            targets=(world.device_uuid,),
            go_on=world.go_on,
            by_samples=True,
            clock=clock,
        )


@contextmanager
def opened_by(name: str, folder: Path) -> Iterator[Opened]:
    """A source of this file or one in its world, closed at the end."""
    if name in WORLDS:
        with in_its_world(name) as one:
            yield one
        return
    one = SOURCES_UNDER_TEST[name](folder)
    yield one
    one.source.close()


ALL = (*SOURCES_UNDER_TEST, *WORLDS)


@pytest.fixture(params=ALL)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    """Each source in turn."""
    with opened_by(request.param, tmp_path) as one:
        yield one


def test_the_suite_knows_every_source(tmp_path: Path) -> None:
    """No source of the table goes untested."""
    names = set()
    for number, name in enumerate(ALL):
        folder = tmp_path / str(number)
        folder.mkdir()
        with opened_by(name, folder) as one:
            names.add(one.source.name)

    assert names == {*(candidate.name for candidate in SOURCES), "recorded", "http"}


def test_it_is_a_power_source(opened: Opened) -> None:
    """It has what the protocol asks for, and says in a sentence how it measures."""
    assert isinstance(opened.source, PowerSource)
    assert opened.source.name.isidentifier()
    assert len(opened.source.note) > 10
    assert opened.source.estimated is (opened.source.name == "estimate")
    assert opened.source.counter_persists in {True, False}


def test_devices_have_identifiers_of_their_own(opened: Opened) -> None:
    """Unique, the same at each call, and never an index."""
    devices = opened.source.devices()
    uuids = [device.uuid for device in devices]

    assert devices
    assert len(set(uuids)) == len(uuids)
    assert not any(uuid.isdecimal() for uuid in uuids)
    assert all(len(uuid) > 4 and device.name for uuid, device in zip(uuids, devices, strict=True))
    assert [device.uuid for device in opened.source.devices()] == uuids


@pytest.mark.parametrize("counter", [True, False])
def test_an_observation_tells_power_or_energy(opened: Opened, *, counter: bool) -> None:
    """One of the two is always there; what is missing raises instead."""
    for uuid in opened.asked():
        seen = opened.source.observe(uuid, counter=counter)

        assert seen.power_w is not None or seen.counter_j is not None


def test_counters_never_fall(opened: Opened) -> None:
    """Neither when time passes nor when a counter of the hardware wraps."""
    for uuid in opened.asked():
        counters_j = []
        for _ in range(OBSERVATIONS):
            opened.go_on()
            counters_j.append(opened.source.observe(uuid, counter=True).counter_j)

        told_j = [each for each in counters_j if each is not None]
        assert len(told_j) in {0, OBSERVATIONS}
        assert told_j == sorted(told_j)
        assert not told_j or told_j[-1] > told_j[0]


def test_times_are_of_the_call_and_rise(opened: Opened) -> None:
    """An observation is stamped between its call's start and end, on the machine's clock."""
    for uuid in opened.asked():
        last_s = 0.0
        for _ in range(OBSERVATIONS):
            opened.go_on()
            before_s = opened.clock.now_s()
            seen_s = opened.source.observe(uuid, counter=True).time_s
            after_s = opened.clock.now_s()

            assert last_s <= seen_s <= after_s
            assert opened.by_samples or seen_s >= before_s
            last_s = seen_s


@pytest.mark.parametrize("uuid", ["GPU-00000000-0000-0000-0000-000000000000", "0", "", "process:"])
def test_an_unknown_device_is_refused(opened: Opened, uuid: str) -> None:
    """The message says what was got and what there is."""
    with pytest.raises(UnknownDeviceError) as refusal:
        opened.source.observe(uuid, counter=False)

    assert repr(uuid) in str(refusal.value)
    assert opened.source.devices()[0].uuid in str(refusal.value)


def test_many_may_ask_at_once(opened: Opened) -> None:
    """A meter's thread and the edges of windows meet; each of them sees times and counters rise."""
    uuid = opened.source.devices()[0].uuid
    seen: list[list[Observation]] = [[], [], []]

    def ask(mine: list[Observation]) -> None:
        mine.extend(opened.source.observe(uuid, counter=True) for _ in range(OBSERVATIONS))

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    opened.go_on()
    for thread in threads:
        thread.join()

    for mine in seen:
        counters_j = [each.counter_j or 0.0 for each in mine]
        assert len(mine) == OBSERVATIONS
        assert counters_j == sorted(counters_j)
        assert [each.time_s for each in mine] == sorted(each.time_s for each in mine)


def test_closing_twice_is_fine(opened: Opened) -> None:
    """A meter and its owner may both close it."""
    opened.source.close()
    opened.source.close()


def test_a_meter_measures_with_it(opened: Opened) -> None:
    """Every source gives readings with its own label, none of them 0 and none an exception."""
    meter = EnergyMeter(opened.source, sampling_hz=100, clock=opened.clock)
    uuids = opened.asked()
    with meter.window("epoch", devices=uuids) as window:
        for _ in range(OBSERVATIONS):
            opened.go_on()
            meter.sample()
            time.sleep(0.006)
    meter.stop()

    for uuid in uuids:
        reading = window.readings[uuid]
        assert reading.status is not Status.MISSING, (uuid, reading.note)
        assert reading.energy_j is not None
        assert reading.energy_j > 0
        assert (reading.method is Method.ESTIMATED) == opened.source.estimated
        assert (reading.uncertainty_j is None) == opened.source.estimated
