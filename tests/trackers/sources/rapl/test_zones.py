"""RAPL's zones on a powercap tree of real files: devices and refusals."""

import errno
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from tests.trackers.sources.rapl.zones import CPU, MEMORY, counter_j, machine_j, two_sockets, zone
from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component
from trackers.sources.rapl import RaplSource


def test_packages_and_memory_are_devices_and_nothing_counts_twice(tmp_path: Path) -> None:
    """Zones of cores, psys and MMIO overlap with the packages, so none of them is a device."""
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
def test_nested_zones_are_found(tmp_path: Path, root: str) -> None:
    """A container that mounts the devices or the control type, but not the class, has such zones."""
    zone(tmp_path, "intel-rapl/intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "intel-rapl/intel-rapl:0/intel-rapl:0:0", "core", 500_000)
    zone(tmp_path, "intel-rapl/intel-rapl:0/intel-rapl:0:1", "dram", 100_000)
    zone(tmp_path, "intel-rapl/intel-rapl:1", "psys", 9_000_000)

    source = RaplSource(root=tmp_path / root, hostname="node-1")

    assert machine_j(source) == pytest.approx(1.1)


def test_the_class_folder_has_links_and_each_zone_counts_once(tmp_path: Path) -> None:
    """The kernel's own layout has links, side by side, to zones that are nested."""
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


def test_mmio_is_used_where_there_is_no_other_zone(tmp_path: Path) -> None:
    """Some laptops have no other zone."""
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 4_000_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert machine_j(source) == pytest.approx(4)


def test_dies_of_one_package_are_counted_separately(tmp_path: Path) -> None:
    """Where a package has several dies, each has its own counter and memory."""
    zone(tmp_path, "intel-rapl:0", "package-0-die-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0", "dram", 100_000)
    zone(tmp_path, "intel-rapl:1", "package-0-die-1", 2_000_000)
    zone(tmp_path, "intel-rapl:1:0", "dram", 200_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert machine_j(source) == pytest.approx(5 + 0.1 + 2 + 0.2)


def test_dies_that_show_the_counter_of_their_socket_count_once(tmp_path: Path) -> None:
    """Dies whose values, read a moment apart, differ by microjoules show one counter."""
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
def test_a_zone_that_does_not_answer_is_left_out(tmp_path: Path, code: int) -> None:
    """The package is measured where its memory's zone fails; the note names the failed zone."""
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
    """Readings of the failing zone fail; those of the package do not."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    memory = zone(tmp_path, "intel-rapl:0:0", "dram", 1_000_000)
    source = RaplSource(root=tmp_path, hostname="node-1")
    memory.write_text("")

    with pytest.raises(ReadError):
        source.observe(MEMORY, counter=True)

    assert counter_j(source, CPU) == pytest.approx(1)


def test_other_zones_in_the_same_folder_are_ignored(tmp_path: Path) -> None:
    """Zones of the control type `dtpm`, and those two levels below a package, are no devices."""
    zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    zone(tmp_path, "dtpm:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0:0", "dram", 7_000_000)

    source = RaplSource(root=tmp_path, hostname="node-1")

    assert machine_j(source) == pytest.approx(1)


def test_unreadable_counters_give_the_command_that_fixes_it(tmp_path: Path) -> None:
    """The message has a `chmod` of exactly the unreadable files, which makes them readable by everybody."""
    zones = two_sockets(tmp_path / "a folder")
    unreadable = [
        zones[name] for name in ("intel-rapl:0", "intel-rapl:0:1", "intel-rapl:1", "intel-rapl:1:0")
    ]
    for path in zones.values():
        path.chmod(0o400)

    def read(path: Path) -> str:
        # Tests may run as root, whom a mode of 0400 does not stop.
        if path in unreadable and not path.stat().st_mode & stat.S_IROTH:
            raise PermissionError(13, "Permission denied", str(path))
        return path.read_text()

    with pytest.raises(SourcePermissionError) as caught:
        RaplSource(root=tmp_path / "a folder", read=read)

    _, command, _ = str(caught.value).split("`")
    sudo, *words = shlex.split(command)
    subprocess.run(words, check=True)
    opened = [path for path in zones.values() if path.stat().st_mode & stat.S_IROTH]
    assert sudo == "sudo"
    assert opened == unreadable
    assert RaplSource(root=tmp_path / "a folder", read=read).devices()


def test_zones_hidden_by_a_container_have_their_own_remedy(tmp_path: Path) -> None:
    """Docker leaves the links and hides their targets; loading a driver would not help."""
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


def test_counter_that_is_not_a_number_is_a_read_error(tmp_path: Path) -> None:
    """A failed reading leaves the sum as it is."""
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
