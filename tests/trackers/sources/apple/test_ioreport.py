"""Apple's counters, by a stand-in for `zeus-apple-silicon`; never tested on a Mac."""

import pytest

from tests.trackers.sources.vendors import AppleChip
from trackers.clock import ManualClock
from trackers.errors import ReadError, SourceUnavailableError, UnknownDeviceError
from trackers.sample import Component, process_device
from trackers.sources.apple.ioreport import IoReportSource, apple_monitor


def test_gpu_cpu_and_memory_are_devices_of_their_own() -> None:
    """Millijoules become joules; a process has its share of CPU and memory."""
    seconds = {"tree": 0.0, "busy": 0.0, "used_j": 100.0}
    source = IoReportSource(
        monitor=lambda: AppleChip(lambda: seconds["used_j"]),
        clock=ManualClock(7),
        hostname="mac",
        tree_seconds=lambda _: seconds["tree"],
        busy_seconds=lambda: seconds["busy"],
    )
    target = process_device(1, "memory:mac")
    source.observe(target, counter=True)
    seconds.update(tree=1.0, busy=4.0, used_j=120.0)

    assert [(each.uuid, each.component) for each in source.devices()] == [
        ("apple-gpu:mac", Component.GPU),
        ("cpu:mac", Component.CPU),
        ("memory:mac", Component.MEMORY),
    ]
    assert source.observe("apple-gpu:mac", counter=True).counter_j == 120
    assert source.observe(target, counter=True).counter_j == 20 / 4
    source.close()


def test_fields_that_a_chip_lacks_are_no_devices() -> None:
    """A field that is missing later is a read error, and a counter that falls keeps its value."""
    fields_mj = {"gpu": 5000.0, "cpu": 9000.0}
    chip = AppleChip(
        lambda: 0.0,
        gpu_mj=lambda: fields_mj["gpu"],
        cpu_total_mj=lambda: fields_mj.get("cpu"),
        dram_mj=lambda: None,
    )
    source = IoReportSource(monitor=lambda: chip, hostname="mac")
    fields_mj["gpu"] = 1.0
    del fields_mj["cpu"]

    assert [each.component for each in source.devices()] == [Component.GPU, Component.CPU]
    assert source.observe("apple-gpu:mac", counter=True).counter_j == 5
    with pytest.raises(ReadError, match="no energy of cpu"):
        source.observe("cpu:mac", counter=True)
    with pytest.raises(UnknownDeviceError, match="cpu:mac"):
        source.observe("memory:mac", counter=True)


def test_a_chip_that_exports_nothing_is_refused() -> None:
    """A machine that is no Mac, or lacks the package, is refused, too."""
    chip = AppleChip(
        lambda: 0.0, gpu_mj=lambda: None, cpu_total_mj=lambda: None, dram_mj=lambda: None
    )
    with pytest.raises(SourceUnavailableError, match="exports the energy of neither"):
        IoReportSource(monitor=lambda: chip)
    with pytest.raises(SourceUnavailableError, match="ioreport: "):
        apple_monitor()
