"""Sensors of the kernel on made-up trees of real files."""

from pathlib import Path
from typing import Any

import pytest

from tests.trackers.sources.sysfs import PCI, hwmon, rail
from trackers.bill import COMPONENTS, outermost
from trackers.clock import ManualClock
from trackers.errors import DeviceLostError, ReadError, SourceUnavailableError, UnknownDeviceError
from trackers.sample import Component, process_device
from trackers.sources.hwmon import HwmonSource, pci_device


def opened(root: Path, clock: ManualClock | None = None) -> HwmonSource:
    """The source on a tree, whose only busy process has half of the CPU time."""
    clock = clock or ManualClock()
    return HwmonSource(
        root=root,
        clock=clock,
        hostname="h",
        tree_seconds=lambda _: clock.now_s() / 2,
        busy_seconds=clock.now_s,
    )


@pytest.mark.parametrize(
    ("files", "power_w"),
    [
        ({"power1_average": 217_000_000}, 217),
        ({"power1_input": 98_000_000}, 98),
        ({"power1_average": 217_000_000, "power1_input": 98_000_000}, 217),
    ],
)
def test_an_amd_board_tells_its_mean_power_else_its_present_one(
    tmp_path: Path, files: dict[str, Any], power_w: float
) -> None:
    """Not every chip has both; microwatts become watts, and the cap is the limit."""
    hwmon(tmp_path / "hwmon", 3, "amdgpu", power1_cap=300_000_000, **files)

    source = opened(tmp_path / "hwmon")

    (board,) = source.devices()
    assert (board.uuid, board.component) == (pci_device(PCI), Component.GPU)
    assert (board.power_limit_w, board.driver) == (300, "amdgpu")
    assert source.observe(board.uuid, counter=True).power_w == power_w
    assert source.observe(board.uuid, counter=True).counter_j is None


@pytest.mark.parametrize(
    ("driver", "files", "start_j"),
    [
        ("i915", {"energy1_input": 5_000_000}, 5),
        ("xe", {"energy1_input": 7_000_000, "energy2_input": 3_000_000}, 7),
        ("xe", {"energy2_input": 3_000_000}, 3),
    ],
)
def test_an_intel_board_counts_its_energy(
    tmp_path: Path, driver: str, files: dict[str, Any], start_j: float
) -> None:
    """The card's counter, or the package's where there is no other; its tiles are parts of it."""
    hwmon(tmp_path / "hwmon", 1, driver, **files)
    hwmon(tmp_path / "hwmon", 2, "i915_gt0", energy1_input=1_000_000)

    source = opened(tmp_path / "hwmon")

    (board,) = source.devices()
    assert source.observe(board.uuid, counter=True).counter_j == pytest.approx(start_j)


def test_an_intel_counter_that_begins_again_goes_on_rising(tmp_path: Path) -> None:
    """After a driver was loaded anew the counter starts at 0; nothing is added but what it says."""
    clock = ManualClock()
    folder = hwmon(tmp_path / "hwmon", 1, "xe", energy1_input=9_000_000)
    source = opened(tmp_path / "hwmon", clock)
    clock.advance(1)
    (folder / "energy1_input").write_text("500000\n")

    seen = source.observe(pci_device(PCI), counter=True)

    assert seen.counter_j == pytest.approx(9.5)


def test_grace_counts_its_module_parts_once(tmp_path: Path) -> None:
    """The Grace rail holds CPU and memory; the CPU's is a part of it, the module has the GPU in it."""
    labels = ("Module", "Grace", "CPU", "SysIO")
    for number, label in enumerate(labels):
        hwmon(
            tmp_path / "hwmon",
            number,
            "power_meter",
            device=f"ACPI000D:0{number}",
            power1_average=(400 - 100 * number) * 1_000_000,
            power1_average_interval=50,
            power1_oem_info=f"{label} Power Socket 0",
        )

    source = opened(tmp_path / "hwmon")

    uuids = [device.uuid for device in source.devices()]
    assert uuids == ["cpu:h:grace-power-socket-0", "cpu:h:cpu-power-socket-0"]
    assert [each.uuid for each in outermost(source.devices(), COMPONENTS)] == uuids[:1]
    assert {device.averaging_period_s for device in source.devices()} == {0.05}
    assert source.observe(uuids[0], counter=False).power_w == 300


def test_a_power_meter_without_a_label_is_the_nodes(tmp_path: Path) -> None:
    """ACPI does not say more of it."""
    hwmon(tmp_path / "hwmon", 0, "power_meter", device="ACPI000D:00", power1_average=450_000_000)

    (device,) = opened(tmp_path / "hwmon").devices()

    assert device.component is Component.NODE


def test_a_jetson_has_its_rails(tmp_path: Path) -> None:
    """Millivolts x milliamperes; the input contains the others, and CPU with GPU is the GPU's."""
    folder = hwmon(tmp_path / "hwmon", 4, "ina3221", device="1-0040")
    rail(folder, 1, "VDD_IN", millivolts=5000, milliamperes=3000)
    rail(folder, 2, "VDD_CPU_GPU_CV", millivolts=5000, milliamperes=1500)
    rail(folder, 3, "VDD_SOC", millivolts=5000, milliamperes=500)

    source = opened(tmp_path / "hwmon")

    powers_w = {
        device.component: source.observe(device.uuid, counter=False).power_w
        for device in source.devices()
    }
    assert powers_w == {Component.NODE: 15, Component.GPU: 7.5}
    assert outermost(source.devices())[0].component is Component.NODE


def test_a_process_has_its_share_of_a_cpu_that_tells_power(tmp_path: Path) -> None:
    """The power is summed over the observations, and half the CPU time is charged half of it."""
    clock = ManualClock()
    hwmon(
        tmp_path / "hwmon",
        0,
        "power_meter",
        power1_average=100_000_000,
        power1_oem_info="Grace Power Socket 0",
    )
    source = opened(tmp_path / "hwmon", clock)
    share_j = source.observe(process_device(42), counter=True).counter_j
    for _ in range(10):
        clock.advance(1)
        share_j = source.observe(process_device(42), counter=True).counter_j

    assert share_j == pytest.approx(100 * 10 / 2)
    source.close()


def test_a_sensor_that_does_not_answer_drops_that_sensor_alone(tmp_path: Path) -> None:
    """A board that sleeps, or tells 0 W, is named in the note; the other one is measured."""
    hwmon(tmp_path / "hwmon", 0, "amdgpu", device="0000:03:00.0", power1_average=0)
    hwmon(tmp_path / "hwmon", 1, "amdgpu", device="0000:83:00.0", power1_average=90_000_000)

    source = opened(tmp_path / "hwmon")

    assert [device.uuid for device in source.devices()] == ["pci:0000:83:00.0"]
    assert "0 W" in source.note


def test_a_gap_is_a_read_error_and_a_lost_sensor_is_lost(tmp_path: Path) -> None:
    """What is no number passes; a file that is gone does not come back."""
    folder = hwmon(tmp_path / "hwmon", 0, "amdgpu", power1_average=90_000_000)
    source = opened(tmp_path / "hwmon")
    (folder / "power1_average").write_text("")
    with pytest.raises(ReadError, match="power1_average"):
        source.observe(pci_device(PCI), counter=False)
    (folder / "power1_average").unlink()

    with pytest.raises(DeviceLostError):
        source.observe(pci_device(PCI), counter=False)


def test_other_sensors_are_passed_over(tmp_path: Path) -> None:
    """Disks and fans are no sources; without any sensor of ours the machine is refused."""
    hwmon(tmp_path / "hwmon", 0, "nvme", temp1_input=40_000)

    with pytest.raises(SourceUnavailableError, match=r"no sensor of amdgpu"):
        opened(tmp_path / "hwmon")
    with pytest.raises(SourceUnavailableError):
        opened(tmp_path / "absent")


def test_unknown_devices_are_refused(tmp_path: Path) -> None:
    """The message lists what there is; boards have no shares of processes."""
    hwmon(tmp_path / "hwmon", 0, "amdgpu", power1_average=90_000_000)

    with pytest.raises(UnknownDeviceError, match=PCI):
        opened(tmp_path / "hwmon").observe(process_device(1, pci_device(PCI)), counter=False)
