"""Made-up folders as the kernel lays them out under `/sys/class/hwmon`."""

from pathlib import Path

PCI = "0000:03:00.0"


def hwmon(root: Path, number: int, name: str, *, device: str = PCI, **files: object) -> Path:
    """One sensor's folder, whose `device` links to a folder named after a PCI address or driver."""
    folder, parent = root / f"hwmon{number}", root.parent / "devices" / device
    parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True)
    (folder / "device").symlink_to(parent)
    for file, value in {"name": name, **files}.items():
        (folder / file).write_text(f"{value}\n")
    return folder


def rail(folder: Path, channel: int, label: str, *, millivolts: int, milliamperes: int) -> None:
    """One rail of an INA3221."""
    (folder / f"in{channel}_label").write_text(f"{label}\n")
    (folder / f"in{channel}_input").write_text(f"{millivolts}\n")
    (folder / f"curr{channel}_input").write_text(f"{milliamperes}\n")
