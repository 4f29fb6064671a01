"""RAPL on a powercap tree of real files."""

import contextlib
import errno
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, process_device
from trackers.sources.cpu_share import SETTLING_BUSY_S, CpuShares
from trackers.sources.rapl import RaplSource
from trackers.sources.rising_counter import HIGHEST_W, PAUSE_S

RANGE_UJ = 262_143_328_850
CPU = "cpu:node-1:package-0"
MEMORY = "memory:node-1:package-0"


def zone(root: Path, folder: str, name: str, energy_uj: int) -> Path:
    """Write one zone as the kernel lays it out, and give its counter's file."""
    path = root / folder
    path.mkdir(parents=True)
    (path / "name").write_text(f"{name}\n")
    (path / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    counter = path / "energy_uj"
    counter.write_text(f"{energy_uj}\n")
    return counter


def two_sockets(root: Path) -> dict[str, Path]:
    """A server with two packages, memory, platform zone and the MMIO twin of the first package."""
    (root / "intel-rapl").mkdir(parents=True)  # the control type, no zone
    zones = [
        ("intel-rapl:0", "package-0", 1_000_000),
        ("intel-rapl:0:0", "core", 500_000),
        ("intel-rapl:0:1", "dram", 100_000),
        ("intel-rapl:1", "package-1", 2_000_000),
        ("intel-rapl:1:0", "dram", 200_000),
        ("intel-rapl:2", "psys", 9_000_000),
        ("intel-rapl-mmio:0", "package-0", 1_000_000),
        ("intel-rapl-mmio:0:0", "dram", 100_000),
    ]
    return {folder: zone(root, folder, name, uj) for folder, name, uj in zones}


def counter_j(source: RaplSource, device_uuid: str) -> float:
    """A device's counter."""
    seen_j = source.observe(device_uuid, counter=True).counter_j
    assert seen_j is not None
    return seen_j


def machine_j(source: RaplSource) -> float:
    """The counters of all devices together."""
    return sum(counter_j(source, device.uuid) for device in source.devices())


def test_packages_and_memory_are_devices_and_nothing_counts_twice(tmp_path: Path) -> None:
    """Cores and psys lie in or around the packages, MMIO is their twin: none is a device."""
    two_sockets(tmp_path)

    source = RaplSource(root=tmp_path, hostname="node-1", clock=ManualClock(7), model="Xeon")

    assert [(each.uuid, each.name, each.component) for each in source.devices()] == [
        ("cpu:node-1:package-0", "Xeon", Component.CPU),
        ("memory:node-1:package-0", "memory", Component.MEMORY),
        ("cpu:node-1:package-1", "Xeon", Component.CPU),
        ("memory:node-1:package-1", "memory", Component.MEMORY),
    ]
    seen = source.observe(MEMORY, counter=False)
    assert (seen.time_s, seen.power_w) == (7, None)
    counters_j = [counter_j(source, device.uuid) for device in source.devices()]
    assert counters_j == pytest.approx([1, 0.1, 2, 0.2])


@pytest.mark.parametrize("root", ["", "intel-rapl"])
def test_zones_within_each_other_are_found(tmp_path: Path, root: str) -> None:
    """As a container has them that mounts the devices, or the control type, and not the class."""
    zone(tmp_path, "intel-rapl/intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl/intel-rapl:0/intel-rapl:0:0", "core", 500_000)
    zone(tmp_path, "intel-rapl/intel-rapl:0/intel-rapl:0:1", "dram", 100_000)
    zone(tmp_path, "intel-rapl/intel-rapl:1", "psys", 9_000_000)

    source = RaplSource(root=tmp_path / root, hostname="node-1")

    assert machine_j(source) == pytest.approx(1.1)


def test_the_class_folder_has_links_and_each_zone_counts_once(tmp_path: Path) -> None:
    """The kernel's own layout: links beside each other to zones that lie within each other."""
    devices, links = tmp_path / "devices", tmp_path / "class"
    links.mkdir()
    for path in ("intel-rapl:0", "intel-rapl:0/intel-rapl:0:0", "intel-rapl:1"):
        name = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1"}.get(path, "dram")
        counter = zone(devices, path, name, len(path) * 1_000_000)
        (links / counter.parent.name).symlink_to(counter.parent)
        (counter.parent / "subsystem").symlink_to(links)

    source = RaplSource(root=links, hostname="node-1")

    assert [device.uuid for device in source.devices()] == [CPU, MEMORY, "cpu:node-1:package-1"]
    assert machine_j(source) == pytest.approx(12 + 27 + 12)


def test_amd_is_read_like_intel(tmp_path: Path) -> None:
    """On AMD the kernel gives one package with its cores, under Intel's zone name."""
    zone(tmp_path, "intel-rapl:0", "package-0", 4_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 3_000_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert machine_j(source) == pytest.approx(4)


def test_mmio_is_taken_where_it_is_the_only_way(tmp_path: Path) -> None:
    """Some laptops have no other zone."""
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 4_000_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert machine_j(source) == pytest.approx(4)


@given(steps_uj=st.lists(st.integers(0, RANGE_UJ - 1), max_size=30))
def test_counter_rises_over_wraps(
    tmp_path_factory: pytest.TempPathFactory, steps_uj: list[int]
) -> None:
    """Whatever is used between two readings, wraps included, is what the counter rises by."""
    root = tmp_path_factory.mktemp("powercap")
    counter, clock = zone(root, "intel-rapl:0", "package-0", 0), ManualClock()
    source = RaplSource(root=root, hostname="node-1", clock=clock)
    start_j, used_uj = machine_j(source), 0

    for step_uj in steps_uj:
        used_uj += step_uj
        clock.advance(step_uj / 1e6 / HIGHEST_W)
        counter.write_text(str(used_uj % RANGE_UJ))
        now_j = machine_j(source)

        assert now_j - start_j == pytest.approx(used_uj / 1e6)


@pytest.mark.parametrize("slept_uj", [0, 40_000])
def test_a_counter_that_begins_again_adds_no_range(tmp_path: Path, slept_uj: int) -> None:
    """After sleep it starts near 0: what it says is added, and not 262 kJ as for a wrap."""
    counter, clock = zone(tmp_path, "intel-rapl:0", "package-0", 9_000_000), ManualClock()
    source = RaplSource(root=tmp_path, hostname="node-1", clock=clock)
    before_j = machine_j(source)
    clock.advance(0.1)
    counter.write_text(str(slept_uj))

    after_j = machine_j(source)

    assert after_j - before_j == pytest.approx(slept_uj / 1e6)


@pytest.mark.parametrize("absurd_uj", [0, 100_000_000_000, RANGE_UJ - 1])
def test_one_absurd_value_adds_nothing(tmp_path: Path, absurd_uj: int) -> None:
    """Between two good values a single wrong one, high or low, leaves no more than one step out."""
    counter, clock = zone(tmp_path, "intel-rapl:0", "package-0", 50_000_000_000), ManualClock()
    source = RaplSource(root=tmp_path, hostname="node-1", clock=clock)
    before_j, seen_j = machine_j(source), []
    for value_uj in (50_005_000_000, absurd_uj, 50_015_000_000, 50_020_000_000, 50_025_000_000):
        clock.advance(0.1)
        counter.write_text(str(value_uj))
        with contextlib.suppress(ReadError):
            seen_j.append(machine_j(source) - before_j)

    assert seen_j == sorted(seen_j)
    assert 10 <= seen_j[-1] <= 25


def test_a_counter_that_has_jumped_for_good_goes_on_from_there(tmp_path: Path) -> None:
    """One reading fails; the jump is never added, however long one waits."""
    counter, clock = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000), ManualClock()
    source = RaplSource(root=tmp_path, hostname="node-1", clock=clock)
    before_j = machine_j(source)
    counter.write_text("90000000000")
    with pytest.raises(ReadError, match="energy_uj jumped to 90000000000 uJ"):
        machine_j(source)
    clock.advance(0.5)
    counter.write_text("90025000000")

    after_j = machine_j(source)

    assert after_j - before_j == pytest.approx(25)


@given(
    waited_s=st.floats(min_value=0, max_value=3600), over=st.floats(min_value=1.001, max_value=50)
)
def test_no_step_is_above_what_a_zone_can_draw(
    tmp_path_factory: pytest.TempPathFactory, waited_s: float, over: float
) -> None:
    """The bound grows with the time since the reading before, so that a late one is not refused."""
    root = tmp_path_factory.mktemp("powercap")
    counter, clock = zone(root, "intel-rapl:0", "package-0", 0), ManualClock()
    source = RaplSource(root=root, hostname="node-1", clock=clock)
    most_uj = HIGHEST_W * (waited_s + PAUSE_S) * 1e6
    clock.advance(waited_s)
    counter.write_text(str(int(most_uj * over) + 1))

    with pytest.raises(ReadError):
        machine_j(source)

    counter.write_text(str(int(most_uj * 0.999)))
    assert machine_j(source) == pytest.approx(most_uj * 0.999 / 1e6, abs=1e-5)


def test_dies_of_one_package_are_packages_of_their_own(tmp_path: Path) -> None:
    """The kernel names them so where a package has several; each has a counter and memory."""
    zone(tmp_path, "intel-rapl:0", "package-0-die-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0", "dram", 100_000)
    zone(tmp_path, "intel-rapl:1", "package-0-die-1", 2_000_000)
    zone(tmp_path, "intel-rapl:1:0", "dram", 200_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert machine_j(source) == pytest.approx(5 + 0.1 + 2 + 0.2)


def test_dies_that_show_the_counter_of_their_socket_count_once(tmp_path: Path) -> None:
    """Read a moment apart they differ by microjoules: by value they are one, whatever their names."""
    clock, start_uj = ManualClock(), {"intel-rapl:0": 5_000_000_000, "intel-rapl:1": 5_000_000_150}
    dies = {
        folder: zone(tmp_path, folder, f"package-0-die-{folder[-1]}", uj)
        for folder, uj in start_uj.items()
    }
    source = RaplSource(root=tmp_path, hostname="node-1", clock=clock)
    before_j = after_j = machine_j(source)
    for step in range(1, 6):
        clock.advance(2)
        for folder, counter in dies.items():
            counter.write_text(str(start_uj[folder] + step * 136_000_000))
        after_j = machine_j(source)

    assert after_j - before_j == pytest.approx(680)
    assert [device.uuid for device in source.devices()] == ["cpu:node-1:package-0-die-0"]
    assert "package-0-die-1 shows the counter of package-0-die-0" in source.note


def test_a_package_and_its_memory_are_never_taken_for_one(tmp_path: Path) -> None:
    """Counters of different components may agree by chance."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl:0:0", "dram", 1_000_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert [device.uuid for device in source.devices()] == [CPU, MEMORY]


@pytest.mark.parametrize("code", [errno.ENODATA, errno.EIO, errno.EACCES])
def test_a_zone_that_does_not_answer_drops_that_zone_alone(tmp_path: Path, code: int) -> None:
    """The package is measured where memory answers with an error; the note names what is blind."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    memory = zone(tmp_path, "intel-rapl:0:0", "dram", 1_000_000)

    def read(path: Path) -> str:
        if path == memory:
            raise OSError(code, "no")
        return path.read_text()

    source = RaplSource(root=tmp_path, hostname="node-1", read=read)

    assert [device.uuid for device in source.devices()] == [CPU]
    assert "package-0 dram is not measured" in source.note
    assert ("chmod a+r" in source.note) == (code == errno.EACCES)


def test_a_zone_that_fails_later_leaves_the_others_alone(tmp_path: Path) -> None:
    """Its own readings fail; those of the package go on."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    memory = zone(tmp_path, "intel-rapl:0:0", "dram", 1_000_000)
    source = RaplSource(root=tmp_path, hostname="node-1")
    memory.write_text("")

    with pytest.raises(ReadError):
        source.observe(MEMORY, counter=True)

    assert counter_j(source, CPU) == pytest.approx(1)


def test_other_limits_in_the_same_folder_are_passed_over(tmp_path: Path) -> None:
    """`dtpm` and `idle_inject` are control types of powercap too, and measure nothing."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "dtpm:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0:0", "dram", 7_000_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert machine_j(source) == pytest.approx(1)


def test_unreadable_counters_give_the_command_that_mends_it(tmp_path: Path) -> None:
    """The message has a `chmod` for exactly the files, and running it lets everybody read them."""
    zones = two_sockets(tmp_path / "a folder")
    closed = [
        zones[name] for name in ("intel-rapl:0", "intel-rapl:0:1", "intel-rapl:1", "intel-rapl:1:0")
    ]
    for path in zones.values():
        path.chmod(0o400)

    def read(path: Path) -> str:
        # Tests may run as root, whom a mode of 0400 does not stop.
        if path in closed and not path.stat().st_mode & stat.S_IROTH:
            raise PermissionError(13, "Permission denied", str(path))
        return path.read_text()

    with pytest.raises(SourcePermissionError) as caught:
        RaplSource(root=tmp_path / "a folder", read=read)

    _, command, _ = str(caught.value).split("`")
    sudo, *words = shlex.split(command)
    subprocess.run(words, check=True)
    opened = [path for path in zones.values() if path.stat().st_mode & stat.S_IROTH]
    assert sudo == "sudo"
    assert opened == closed
    assert RaplSource(root=tmp_path / "a folder", read=read).devices()


def test_zones_that_a_container_hides_are_told_from_a_machine_without(tmp_path: Path) -> None:
    """Docker leaves the links and hides what they lead to; a driver would not help there."""
    (tmp_path / "intel-rapl:0").symlink_to(tmp_path / "hidden")

    with pytest.raises(SourceUnavailableError, match="systempaths=unconfined") as caught:
        RaplSource(root=tmp_path)

    assert "modprobe" not in str(caught.value)


def test_machines_without_rapl_are_refused(tmp_path: Path) -> None:
    """No folder, an empty one, and one without packages are refused with a remedy."""
    zone(tmp_path / "only-psys", "intel-rapl:0", "psys", 1)
    (tmp_path / "empty").mkdir()

    for root in (tmp_path / "absent", tmp_path / "empty", tmp_path / "only-psys"):
        with pytest.raises(SourceUnavailableError, match="modprobe"):
            RaplSource(root=root)


def test_counter_that_is_not_a_number_is_a_read_error_that_passes(tmp_path: Path) -> None:
    """A failed reading changes nothing of the sum."""
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    source = RaplSource(root=tmp_path, hostname="node-1")
    counter.write_text("")

    with pytest.raises(ReadError, match="energy_uj"):
        source.observe(CPU, counter=True)

    counter.write_text("3000000")
    assert machine_j(source) == pytest.approx(3)


def test_zone_that_vanishes_is_a_lost_device(tmp_path: Path) -> None:
    """An unloaded driver does not come back within a study."""
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    source = RaplSource(root=tmp_path, hostname="node-1")
    counter.unlink()

    with pytest.raises(DeviceLostError):
        source.observe(CPU, counter=True)


@pytest.mark.parametrize("uuid", ["cpu:node-2", "process:", "process:x", "GPU-8932f937"])
def test_other_devices_are_unknown(tmp_path: Path, uuid: str) -> None:
    """The message lists what rapl measures."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1)
    source = RaplSource(root=tmp_path, hostname="node-1")

    with pytest.raises(UnknownDeviceError, match=CPU):
        source.observe(uuid, counter=True)


def test_process_has_a_share_of_each_device(tmp_path: Path) -> None:
    """Of all packages together where only the process is named, else of the device that is."""
    counters = two_sockets(tmp_path)
    seconds = {"tree": 1.0, "busy": 10.0}
    clock = ManualClock()
    source = RaplSource(
        root=tmp_path,
        hostname="node-1",
        clock=clock,
        tree_seconds=lambda _: seconds["tree"],
        busy_seconds=lambda: seconds["busy"],
    )
    targets = (process_device(42), process_device(42, CPU), process_device(42, MEMORY))
    for target in targets:
        counter_j(source, target)
    for used_j, folder in ((10, "intel-rapl:0"), (30, "intel-rapl:1"), (4, "intel-rapl:0:1")):
        counters[folder].write_text(str(int(counters[folder].read_text()) + used_j * 1_000_000))
    seconds.update(tree=2.0, busy=14.0)
    clock.advance(1)

    shares_j = [counter_j(source, target) for target in targets]

    assert shares_j == pytest.approx([(10 + 30) / 4, 10 / 4, 4 / 4])
    with pytest.raises(UnknownDeviceError, match="shares of processes"):
        source.observe(process_device(42, "cpu:node-2:package-0"), counter=True)


def test_process_gets_its_share_of_the_machine(tmp_path: Path) -> None:
    """A process with a quarter of the busy CPU seconds gets a quarter of the energy since then."""
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    seconds = {"tree": 100.0, "busy": 1000.0}
    source = RaplSource(
        root=tmp_path,
        tree_seconds=lambda _: seconds["tree"],
        busy_seconds=lambda: seconds["busy"],
    )
    first = source.observe(process_device(42), counter=True)
    counter.write_text("25000000")
    seconds.update(tree=101.0, busy=1004.0)

    last = source.observe(process_device(42), counter=True)

    assert first.counter_j == 0
    assert last.counter_j == pytest.approx(5)
    source.close()
    source.close()


# The rule itself.


@given(
    st.lists(
        st.tuples(
            st.floats(0, 5),  # CPU seconds of the first process
            st.floats(0, 5),  # of the second
            st.floats(SETTLING_BUSY_S, 5),  # of everything else
            st.floats(0, 1000),  # joules
        ),
        max_size=20,
    )
)
def test_shares_never_fall_and_never_exceed_the_whole(
    steps: list[tuple[float, float, float, float]],
) -> None:
    """Over any settled stretches each charge rises, and together they stay within the whole."""
    used_s = {1: 0.0, 2: 0.0}
    other_s = whole_j = 0.0
    shares = CpuShares(
        tree_seconds=lambda pid: used_s[pid], busy_seconds=lambda: sum(used_s.values()) + other_s
    )
    before = [shares.energy_j(pid, 0.0) for pid in used_s]
    for first_s, second_s, rest_s, energy_j in steps:
        used_s[1] += first_s
        used_s[2] += second_s
        other_s += rest_s
        whole_j += energy_j

        after = [shares.energy_j(pid, whole_j) for pid in used_s]

        assert all(b >= a for a, b in zip(before, after, strict=True))
        assert sum(after) <= whole_j * (1 + 1e-9) + 1e-9
        before = after


def test_looking_often_changes_no_share() -> None:
    """A process is charged the same for one look or a thousand, coarse as the busy seconds are."""
    charged = []
    for looks in (1, 1000):
        seconds = {"tree": 0.0, "busy": 0.0}
        shares = CpuShares(
            tree_seconds=lambda _, now=seconds: now["tree"],  # type: ignore[misc]
            busy_seconds=lambda now=seconds: 0.05 * (now["busy"] // 0.05),  # type: ignore[misc]
        )
        shares.energy_j(1, 0.0)
        for look in range(1, looks + 1):
            seconds.update(tree=38 * look / looks, busy=40 * look / looks)
            shares.energy_j(1, 800 * look / looks)
        charged.append(shares.energy_j(1, 800))

    assert charged == [pytest.approx(760, rel=0.01), pytest.approx(760, rel=0.01)]


def test_charge_stands_still_while_a_share_shrinks() -> None:
    """Before a stretch is settled its share may shrink; the charge then waits and never falls."""
    seconds = {"tree": 0.0, "busy": 0.0}
    shares = CpuShares(tree_seconds=lambda _: seconds["tree"], busy_seconds=lambda: seconds["busy"])
    shares.energy_j(1, 0.0)
    seconds.update(tree=0.2, busy=0.2)
    early_j = shares.energy_j(1, 10.0)
    seconds.update(busy=0.8)

    late_j = shares.energy_j(1, 20.0)

    assert (early_j, late_j) == (10, 10)


def test_process_that_ended_is_lost_and_forgotten() -> None:
    """Its account goes, so that a later process of the same number starts anew."""
    seconds: dict[str, float | None] = {"tree": 1.0, "busy": 2.0}

    def tree_seconds(_: int) -> float:
        if seconds["tree"] is None:
            message = "process 1 has ended"
            raise DeviceLostError(message)
        return seconds["tree"]

    shares = CpuShares(tree_seconds=tree_seconds, busy_seconds=lambda: seconds["busy"] or 0.0)
    shares.energy_j(1, 0.0)
    seconds.update(tree=None)

    with pytest.raises(DeviceLostError):
        shares.energy_j(1, 5.0)

    seconds.update(tree=7.0, busy=20.0)
    assert shares.energy_j(1, 9.0) == 0
