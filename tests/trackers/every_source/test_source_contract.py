"""The contract of every power source; a new one is tested through its world in `worlds.py`."""

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
    """A source whose load is known, on a clock that the test advances."""
    clock = ManualClock(start_s=1000.0)
    load = Load([50 + n % 50 for n in range(1000)], period_s=0.125, start_s=clock.now_s())
    with world_opened(name, load, clock) as world:
        yield Opened(
            source=world.source,
            targets=(world.device_uuid,),
            advance=world.advance,
            clock=clock,
        )


@contextmanager
def opened_by(name: str, folder: Path) -> Iterator[Opened]:
    """A source from `small_worlds.py` or `worlds.py`, closed at the end."""
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
    """Every source in the table of sources is tested here."""
    names = set()
    for number, name in enumerate(ALL):
        folder = tmp_path / str(number)
        folder.mkdir()
        with opened_by(name, folder) as one:
            names.add(one.source.name)

    assert names == {*(candidate.name for candidate in SOURCES), "recorded", "http"}


def test_it_is_a_power_source(opened: Opened) -> None:
    """It has the members of the protocol, and a note that says how it measures."""
    assert isinstance(opened.source, PowerSource)
    assert opened.source.name.isidentifier()
    assert len(opened.source.note) > 10
    assert opened.source.estimated is (opened.source.name == "estimate")
    assert opened.source.counter_persists in {True, False}


def test_device_identifiers_are_unique_and_stable(opened: Opened) -> None:
    """They are the same at each call, and never a bare index."""
    devices = opened.source.devices()
    uuids = [device.uuid for device in devices]

    assert devices
    assert len(set(uuids)) == len(uuids)
    assert not any(uuid.isdecimal() for uuid in uuids)
    assert all(len(uuid) > 4 and device.name for uuid, device in zip(uuids, devices, strict=True))
    assert [device.uuid for device in opened.source.devices()] == uuids


@pytest.mark.parametrize("counter", [True, False])
def test_an_observation_has_power_or_energy(opened: Opened, *, counter: bool) -> None:
    """At least one of the two is always present."""
    for uuid in opened.observable():
        seen = opened.source.observe(uuid, counter=counter)

        assert seen.power_w is not None or seen.counter_j is not None


def test_counters_never_fall(opened: Opened) -> None:
    """They rise as energy is used, even if the counter of the hardware wraps."""
    for uuid in opened.observable():
        counters_j = []
        for _ in range(OBSERVATIONS):
            opened.advance()
            counters_j.append(opened.source.observe(uuid, counter=True).counter_j)

        reported_j = [each for each in counters_j if each is not None]
        assert len(reported_j) in {0, OBSERVATIONS}
        assert reported_j == sorted(reported_j)
        assert not reported_j or reported_j[-1] > reported_j[0]


def test_observations_are_stamped_within_their_call(opened: Opened) -> None:
    """Time stamps never fall and are never later than the call; only a tool's sample may be earlier."""
    for uuid in opened.observable():
        last_s = 0.0
        for _ in range(OBSERVATIONS):
            opened.advance()
            before_s = opened.clock.now_s()
            seen_s = opened.source.observe(uuid, counter=True).time_s
            after_s = opened.clock.now_s()

            assert last_s <= seen_s <= after_s
            assert opened.by_samples or seen_s >= before_s
            last_s = seen_s


@pytest.mark.parametrize("uuid", ["GPU-00000000-0000-0000-0000-000000000000", "0", "", "process:"])
def test_an_unknown_device_is_refused(opened: Opened, uuid: str) -> None:
    """The message has the unknown identifier and the known ones."""
    with pytest.raises(UnknownDeviceError) as refusal:
        opened.source.observe(uuid, counter=False)

    assert repr(uuid) in str(refusal.value)
    assert opened.source.devices()[0].uuid in str(refusal.value)


def test_several_threads_may_observe_at_once(opened: Opened) -> None:
    """Each thread sees times and counters that never fall; the meter and windows observe concurrently."""
    uuid = opened.source.devices()[0].uuid
    seen: list[list[Observation]] = [[], [], []]

    def observe(mine: list[Observation]) -> None:
        mine.extend(opened.source.observe(uuid, counter=True) for _ in range(OBSERVATIONS))

    threads = [threading.Thread(target=observe, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    opened.advance()
    for thread in threads:
        thread.join()

    for mine in seen:
        counters_j = [each.counter_j or 0.0 for each in mine]
        assert len(mine) == OBSERVATIONS
        assert counters_j == sorted(counters_j)
        assert [each.time_s for each in mine] == sorted(each.time_s for each in mine)


def test_a_source_may_be_closed_twice(opened: Opened) -> None:
    """The meter and its owner may both do so."""
    opened.source.close()
    opened.source.close()


def test_a_meter_can_use_the_source(opened: Opened) -> None:
    """Readings are labelled with the method of the source, and have a positive energy."""
    meter = EnergyMeter(opened.source, sampling_hz=100, clock=opened.clock)
    uuids = opened.observable()
    with meter.window("epoch", devices=uuids) as window:
        for _ in range(OBSERVATIONS):
            opened.advance()
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
