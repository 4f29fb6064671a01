"""Uses of devices by one trial, from readings that follow one another."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import final

from trackers.exports.exporter import DeviceUse
from trackers.sample import Device, Method, Reading


@final
class SummedUses:
    """Device uses of one trial, with energies summed over all its readings so far."""

    def __init__(self, *, host: str, trial_id: str) -> None:
        """Start at no energy for the trial on the machine `host`."""
        self._host, self._trial_id = host, trial_id
        self._energies_j: defaultdict[str, float] = defaultdict(float)
        self._estimated: set[str] = set()

    def add(self, devices: Iterable[Device], readings: Mapping[str, Reading]) -> list[DeviceUse]:
        """Add readings, and return the use of each device that has one.

        Args:
            devices: Devices of the trial.
            readings: Reading of each device by its UUID, from the end of the last one on.
        """
        return [
            self._use(device, readings[device.uuid])
            for device in devices
            if device.uuid in readings
        ]

    def _use(self, device: Device, reading: Reading) -> DeviceUse:
        if reading.energy_j is not None:
            self._energies_j[device.uuid] += reading.energy_j
        if reading.method is Method.ESTIMATED:
            self._estimated.add(device.uuid)  # the sum stays one when a later reading is missing
        return DeviceUse(
            host=self._host,
            device_uuid=device.uuid,
            device_name=device.name,
            component=device.component,
            trial_id=self._trial_id,
            estimated=device.uuid in self._estimated,
            power_w=reading.mean_power_w,
            energy_j=self._energies_j.get(device.uuid),
            state=reading.state,
        )
