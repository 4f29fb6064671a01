"""A powercap tree of real files."""

from pathlib import Path

from trackers.sources.rapl import RaplSource

RANGE_UJ = 262_143_328_850
CPU = "cpu:node-1:package-0"
MEMORY = "memory:node-1:package-0"


def zone(root: Path, folder: str, name: str, energy_uj: int) -> Path:
    """Write one zone as the kernel lays it out, and return its counter's file."""
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
