"""A source that is used for some of its devices only, because another source measures the rest."""

from collections.abc import Sequence
from typing import final

from trackers.errors import UnknownDeviceError
from trackers.sample import Component, Device, Observation, process_and_device
from trackers.source import PowerSource


@final
class SelectedDevices:
    """A source limited to some of the devices of the source that it wraps.

    Attributes:
        name: Name of the wrapped source.
        note: Note of the wrapped source, with the components that it is used for.
        estimated: As for the wrapped source.
        counter_persists: As for the wrapped source.
    """

    def __init__(self, source: PowerSource, devices: Sequence[Device]) -> None:
        """Wrap `source`, for some of its devices."""
        self._source = source
        self._devices = tuple(devices)
        components = sorted({device.component for device in devices})
        self.name = source.name
        self.note = f"{source.note}; used for {' and '.join(components)} only"
        self.estimated = source.estimated
        self.counter_persists = source.counter_persists

    def devices(self) -> Sequence[Device]:
        """Return the devices that the source is used for."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        if not self._knows(device_uuid):
            known = ", ".join(device.uuid for device in self._devices)
            message = f"unknown device {device_uuid!r}; {self.name} is used for {known}"
            raise UnknownDeviceError(message)
        return self._source.observe(device_uuid, counter=counter)

    def close(self) -> None:
        """See `PowerSource`."""
        self._source.close()

    def _knows(self, device_uuid: str) -> bool:
        """Return whether an identifier is one of the devices, or a process's share in one of them."""
        asked = process_and_device(device_uuid)
        if asked is not None and asked[1] is None:
            return any(each.component is Component.CPU for each in self._devices)
        wanted = device_uuid if asked is None else asked[1]
        return any(each.uuid == wanted for each in self._devices)
