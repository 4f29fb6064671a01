"""Targets that a meter can measure, devices and processes' shares of them, and the source of each."""

from collections.abc import Iterable, Sequence
from typing import final

from trackers.errors import UnknownDeviceError
from trackers.moved import renamed
from trackers.sample import Component, Device, process_and_device, process_device
from trackers.source import PowerSource
from trackers.sources.detect import Detection

SHARED_BY_PROCESSES = (Component.CPU, Component.MEMORY)
"""Components of which a process is charged its share by CPU time; boards and the node are measured whole."""


def sources_of(given: PowerSource | Detection | Sequence[PowerSource]) -> tuple[PowerSource, ...]:
    """Return one source, several sources, or the result of `detect()`, as a tuple of sources.

    Raises:
        TypeError: One of them is not a power source, or was written for version 0.2.
    """
    several = given.sources if isinstance(given, Detection) else given
    if isinstance(several, PowerSource) or not isinstance(several, Iterable):
        several = (several,)
    sources = tuple(several)
    for each in sources:
        if not isinstance(each, PowerSource):
            raise TypeError(_why_no_source(each))
    return sources


def _why_no_source(given: object) -> str:
    kind = type(given).__name__
    if hasattr(given, "counter_outlives"):
        return renamed(f"{kind}.counter_outlives", "counter_persists")
    return f"{given!r} is a {kind}; allowed: a PowerSource, several, or the result of detect()"


@final
class Targets:
    """The devices of some sources, and processes' shares of them, as targets of a meter."""

    def __init__(self, sources: Sequence[PowerSource]) -> None:
        """List the devices of `sources`."""
        self._sources = tuple(sources)
        self._owners = {
            device.uuid: (source, device) for source in sources for device in source.devices()
        }

    @property
    def devices(self) -> tuple[Device, ...]:
        """All devices."""
        return tuple(device for _, device in self._owners.values())

    def of_process(self, pid: int) -> list[str]:
        """Return the boards, the node, and the shares of a process in the CPU and memory devices."""
        return [
            process_device(pid, device.uuid)
            if device.component in SHARED_BY_PROCESSES
            else device.uuid
            for device in self.devices
        ]

    def check(self, targets: Iterable[str]) -> None:
        """Refuse targets that no source has ever had. A device that has gone since then is accepted.

        Raises:
            UnknownDeviceError: The first that is found.
        """
        for target in targets:
            process = process_and_device(target)
            device = target if process is None or target in self._owners else process[1]
            if device is not None and device not in self._owners:
                there = ", ".join(self._owners) or "none"
                message = f"there is no device {target!r}; there are {there}"
                raise UnknownDeviceError(message)

    def owner(self, target: str) -> tuple[PowerSource, Device | None]:
        """Return the source of a target, and its device; the device is None for a process's share of one."""
        if target in self._owners:
            return self._owners[target]
        process = process_and_device(target)
        if process is not None and process[1] in self._owners:
            return self._owners[process[1]][0], None
        for source, device in self._owners.values():
            if process is not None and device.component is Component.CPU:
                return source, None
        return self._sources[0], None  # it does not know the target, and raises when it is read
