"""Energy measurement of a block of code, for programs and notebooks; independent of machine learning.

    from trackers import EnergyMeter, detect

Exports are imported lazily, when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from trackers.moved import answer_old_imports

if TYPE_CHECKING:
    from trackers.errors import (
        DeviceLostError,
        ReadError,
        SourcePermissionError,
        SourceUnavailableError,
        TrackerError,
        UnknownDeviceError,
    )
    from trackers.meter.meter import EnergyMeter
    from trackers.meter.meter_values import Window
    from trackers.sample import (
        Component,
        Device,
        Method,
        Observation,
        Reading,
        Scope,
        Status,
        process_device,
    )
    from trackers.source import PowerSource
    from trackers.sources.detect import Detection, Request, detect

__all__ = [
    "Component",
    "Detection",
    "Device",
    "DeviceLostError",
    "EnergyMeter",
    "Method",
    "Observation",
    "PowerSource",
    "ReadError",
    "Reading",
    "Request",
    "Scope",
    "SourcePermissionError",
    "SourceUnavailableError",
    "Status",
    "TrackerError",
    "UnknownDeviceError",
    "Window",
    "detect",
    "process_device",
]

_MODULES = {
    "Component": "trackers.sample",
    "Detection": "trackers.sources.detect",
    "Device": "trackers.sample",
    "DeviceLostError": "trackers.errors",
    "EnergyMeter": "trackers.meter.meter",
    "Method": "trackers.sample",
    "Observation": "trackers.sample",
    "PowerSource": "trackers.source",
    "ReadError": "trackers.errors",
    "Reading": "trackers.sample",
    "Request": "trackers.sources.detect",
    "Scope": "trackers.sample",
    "SourcePermissionError": "trackers.errors",
    "SourceUnavailableError": "trackers.errors",
    "Status": "trackers.sample",
    "TrackerError": "trackers.errors",
    "UnknownDeviceError": "trackers.errors",
    "Window": "trackers.meter.meter_values",
    "detect": "trackers.sources.detect",
    "process_device": "trackers.sample",
}
"""Module that defines each export; a new export also needs a line in `__all__` and in the imports above."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - an export of any kind
    if name not in _MODULES:
        message = f"module 'trackers' has no attribute {name!r}; it has {', '.join(__all__)}"
        raise AttributeError(message)
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)


_MOVED = {
    "trackers.actor": "trackers.node.actor",
    "trackers.client": "trackers.node.client",
    "trackers.detect": "trackers.sources.detect",
    "trackers.meter": "trackers.meter.meter",
}
"""Present module by the name of the version 0.1 module; docs/upgrading.md lists them too."""

answer_old_imports(_MOVED)
