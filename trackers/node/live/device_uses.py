"""Power and energy of each device of a machine by trial, from the samples that its tracker takes anyway.

Each call covers the time since the previous one, and charges it to trials as windows are charged. The part of
a CPU, memory or node that no trial uses while trials run on it is not included.
"""

import socket
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias, final

from trackers.exports.exporter import DeviceUse
from trackers.node.ledger import BillItem
from trackers.node.shares.accounts import Accounts
from trackers.sample import BoardState, Device, Method, Reading, Status

TrialOf: TypeAlias = Callable[[str], str]
"""Function from the name under which a tracker knows a process of a trial to the trial's identifier."""


class Meter(Protocol):
    """The methods of an `EnergyMeter` that are needed here; none of them reads a sensor."""

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """Mean power of a target; None where it was not observed."""

    def method(self, device_uuid: str) -> Method:
        """Method by which a target's energies are obtained."""

    def state(self, device_uuid: str) -> BoardState:
        """State of a device as it was last reported."""


@final
class DeviceUses:
    """Use of one machine's devices, with energies accumulated from call to call."""

    def __init__(self, meter: Meter, accounts: Accounts, devices: Sequence[Device]) -> None:
        """Prepare the sums; energies are accumulated from the first call of `take` on."""
        self._meter = meter
        self._accounts = accounts
        self._devices = devices
        self._host = socket.gethostname()
        self._since_s: float | None = None
        self._energies_j: defaultdict[tuple[str, str], float] = defaultdict(float)

    def take(self, now_s: float, trial_of: TrialOf) -> tuple[DeviceUse, ...]:
        """Return each device's power since the last call, and its accumulated energy, by trial.

        The first call only starts the sums and returns nothing.

        Args:
            now_s: The present time.
            trial_of: Maps processes to their trials; the parts of one trial on a device are added up.
        """
        since_s, self._since_s = self._since_s, now_s
        if since_s is None or now_s <= since_s:
            return ()
        devices: dict[str, Device] = {}
        powers_w: dict[tuple[str, str], float | None] = {}
        estimated: dict[tuple[str, str], bool] = {}
        for trial_id, item, reading in self._charges(since_s, now_s):
            device = item.device
            key = (device.uuid, trial_of(trial_id) if trial_id else "")
            devices[device.uuid] = device
            if reading.energy_j is not None:
                self._energies_j[key] += reading.energy_j
                powers_w[key] = (powers_w.get(key) or 0.0) + (reading.mean_power_w or 0.0)
            powers_w.setdefault(key, None)
            estimated[key] = self._meter.method(item.target) is Method.ESTIMATED
        return tuple(
            DeviceUse(
                host=self._host,
                device_uuid=uuid,
                device_name=devices[uuid].name,
                component=devices[uuid].component,
                trial_id=trial_id,
                estimated=estimated[uuid, trial_id],
                power_w=power_w,
                energy_j=self._energies_j.get((uuid, trial_id)),
                state=self._meter.state(uuid),
            )
            for (uuid, trial_id), power_w in powers_w.items()
        )

    def _charges(self, since_s: float, now_s: float) -> Iterator[tuple[str, BillItem, Reading]]:
        """Yield trial, bill item and reading over a time span; the trial is empty for unused devices."""
        used: set[str] = set()
        for trial_id, (bill, began_s) in self._accounts.running().items():
            from_s = min(max(since_s, began_s), now_s)
            readings = {each.target: self._reading(each.target, from_s, now_s) for each in bill}
            charges = self._accounts.charges(trial_id, bill, readings)
            for item in bill:
                used.update(item.device.uuid.split("+"))
                yield trial_id, item, charges[item.device.uuid]
        for device in self._devices:
            if device.uuid not in used:
                idle = BillItem(target=device.uuid, device=device)
                yield "", idle, self._reading(device.uuid, since_s, now_s)

    def _reading(self, target: str, since_s: float, now_s: float) -> Reading:
        power_w = self._meter.mean_power_w(target, since_s, now_s)
        length_s = now_s - since_s
        if power_w is None:
            return Reading.missing(
                target, note="not observed", start_s=since_s, duration_s=length_s
            )
        method = self._meter.method(target)
        return Reading(
            device_uuid=target,
            start_s=since_s,
            duration_s=length_s,
            energy_j=power_w * length_s,
            method=Method.ESTIMATED if method is Method.ESTIMATED else Method.SAMPLED,
            status=Status.OK,
            coverage=1.0,
            power_samples=0,
            note="",
        )
