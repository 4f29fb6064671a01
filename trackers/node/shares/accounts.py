"""Use of a node's devices by its trials, and each trial's charge for a window."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Protocol, final

from trackers.node.ledger import JOINED_BY, Bill, BillItem
from trackers.node.shares.charging import Used, charge_board, charge_node, charge_process, sum_used
from trackers.node.shares.neighbours import Neighbours
from trackers.node.shares.sharing import ChargedPart, Sharing, Use
from trackers.sample import Component, Method, Reading, process_and_device


class Meter(Protocol):
    """The methods of an `EnergyMeter` that are needed here."""

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """Mean power of a watched target; None where it was not observed."""

    def method(self, device_uuid: str) -> Method:
        """Method by which a target's energies are obtained."""


@final
class Accounts:
    """The trials of a node, the devices that each uses, and the charges for them."""

    def __init__(self, meter: Meter, neighbours: Neighbours | None = None) -> None:
        """Begin without trials.

        Args:
            meter: Meter from which the use of other trials in a window is taken.
            neighbours: Trackers of other studies on this machine; None to ignore them.
        """
        self._neighbours = neighbours
        self._processes: dict[str, int] = {}
        self._boards: set[str] = set()
        self._meter = meter
        self._sharing = Sharing()
        self._bills: dict[str, Bill] = {}
        self._shared: dict[str, str] = {}
        self._mains: dict[str, str] = {}
        self._since_s: dict[str, float] = {}

    def enter(self, trial_id: str, bill: Bill, time_s: float, *, pid: int = 0) -> None:
        """Record that a trial begins to use the devices on its bill; no effect where it already does.

        Args:
            trial_id: The trial.
            bill: The trial's bill.
            time_s: Time at which it begins.
            pid: Process ID of the trial, which tells equal trials of several studies apart.
        """
        is_new = trial_id not in self._bills
        self._processes[trial_id] = pid
        self._bills[trial_id] = bill
        self._mains[trial_id] = bill[0].target
        self._since_s.setdefault(trial_id, time_s)
        for item in bill:
            self._sharing.enter(item.target, trial_id, time_s)
            if process_and_device(item.target) is not None:
                self._shared[item.target] = item.device.uuid
        if is_new:
            self._boards.update(item.target for item in bill if _is_board(item))
            self._tell()

    def leave(self, trial_id: str, time_s: float) -> None:
        """Record that a trial has ended."""
        self._since_s.pop(trial_id, None)
        for item in self._bills.pop(trial_id, ()):
            self._sharing.leave(item.target, trial_id, time_s)
        self._tell()

    def still_here(self) -> None:
        """Tell the trackers of other studies that this one is alive; to be called each second."""
        if self._neighbours is not None:
            self._neighbours.still_here()

    def _tell(self) -> None:
        """Tell the trackers of other studies which trials use boards here."""
        if self._neighbours is not None:
            uses = {board: self._sharing.uses(board) for board in self._boards}
            self._neighbours.tell(
                {
                    board: [replace(use, consumer=self._name(use.consumer)) for use in each]
                    for board, each in uses.items()
                }
            )

    def _name(self, trial_id: Hashable) -> str:
        """Name of a trial that is unique among all studies."""
        return f"{self._processes.get(str(trial_id), 0)}:{trial_id}"

    def _others_on(self, board: str) -> list[Use]:
        """Uses of a board by trials of other studies.

        Our own trials are left out where the file of a tracker that this one has replaced still names them.
        """
        if self._neighbours is None:
            return []
        own = {self._name(use.consumer) for use in self._sharing.uses(board)}
        return [use for use in self._neighbours.uses(board) if use.consumer not in own]

    def running(self) -> dict[str, tuple[Bill, float]]:
        """Return the bill of each running trial, and since when it runs."""
        return {name: (bill, self._since_s[name]) for name, bill in self._bills.items()}

    def is_main(self, trial_id: str, target: str) -> bool:
        """Return whether a trial computes on a target."""
        return self._mains.get(trial_id) == target

    def charges(
        self, trial_id: str, bill: Bill, readings: Mapping[str, Reading]
    ) -> dict[str, Reading]:
        """Charge a trial for a window.

        Args:
            trial_id: The trial.
            bill: The trial's bill.
            readings: Measured reading of each target on the bill.

        Returns:
            The charge, as a reading, by device in the order of the bill.
        """
        components = {
            item.device.uuid: self._component(item, readings[item.target])
            for item in bill
            if item.device.component is not Component.NODE
        }
        return {
            item.device.uuid: components.get(item.device.uuid)
            or self._node(trial_id, readings[item.target], bill, components, readings)
            for item in bill
        }

    def _component(self, item: BillItem, reading: Reading) -> Reading:
        if process_and_device(item.target) is not None:
            return charge_process(reading, item.device)
        if not _is_board(item):
            return reading
        stop_s = reading.start_s + reading.duration_s
        others = self._others_on(item.target)
        part = self._sharing.part(item.target, reading.start_s, stop_s, others)
        return charge_board(reading, item.device, part)

    def _node(
        self,
        trial_id: str,
        plug: Reading,
        bill: Bill,
        components: Mapping[str, Reading],
        readings: Mapping[str, Reading],
    ) -> Reading:
        """A trial's charge for the energy that its node draws from the plug."""
        stop_s = plug.start_s + plug.duration_s
        own = {item.target: components.get(item.device.uuid) for item in bill}
        others: list[Used | None] = []
        elsewhere = [
            item.target for item in bill if _is_board(item) and self._others_on(item.target)
        ]
        here = self._sharing.used_by_others(trial_id, plug.start_s, stop_s)
        for target in dict.fromkeys((*here, *elsewhere)):
            charge = own.get(target)
            if target in own and charge is not None:
                whole_j = readings[target].energy_j
                known = whole_j is not None and charge.energy_j is not None
                others.append(Used((whole_j or 0.0) - (charge.energy_j or 0.0)) if known else None)
            elif target != plug.device_uuid and self._meter.method(target) is not Method.ESTIMATED:
                others.append(self._used(target, trial_id, plug.start_s, stop_s))
        return charge_node(
            plug,
            components.values(),
            sum_used(others),
            self._part_of_rest(plug.device_uuid, trial_id, plug.start_s, stop_s),
        )

    def _part_of_rest(self, plug: str, trial_id: str, start_s: float, stop_s: float) -> ChargedPart:
        """A trial's part of the plug's rest, split at each moment among the trials that run then.

        The rest includes boards on which no trial computes, so it is larger while fewer trials run. Where
        the power in some stretch is not known, the rest is taken to be constant over the window.
        """
        part = self._sharing.part(plug, start_s, stop_s)
        stretches = self._sharing.stretches(plug, start_s, stop_s)
        if len({here for _, _, here in stretches}) == 1:
            return part
        rests_j = [self._rest_j(plug, trial_id, begin_s, end_s) for begin_s, end_s, _ in stretches]
        known_j = [each for each in rests_j if each is not None]
        whole_j = math.fsum(known_j)
        if len(known_j) < len(rests_j) or whole_j <= 0:
            return part
        pairs = zip(known_j, stretches, strict=True)
        charged_j = math.fsum(rest_j / here for rest_j, (_, _, here) in pairs)
        return replace(part, share=charged_j / whole_j)

    def _rest_j(self, plug: str, excluding: str, start_s: float, stop_s: float) -> float | None:
        """Energy in a stretch that no trial's components used, by sampled powers; None if not known."""
        used = [
            each
            for each in self._sharing.used_by_others(None, start_s, stop_s)
            if each != plug and self._meter.method(each) is not Method.ESTIMATED
        ]
        whole = self._between(plug, excluding, start_s, stop_s)
        parts = sum_used([self._between(each, excluding, start_s, stop_s) for each in used])
        if whole is None or parts is None:
            return None
        return max(0.0, whole.energy_j - parts.energy_j)

    def _used(self, target: str, excluding: str, start_s: float, stop_s: float) -> Used | None:
        """Energy of a target that other trials used in a window, by its sampled power; None if not known."""
        return sum_used(
            [
                self._between(target, excluding, begin_s, end_s)
                for begin_s, end_s in self._sharing.busy(
                    target, start_s, stop_s, excluding=excluding
                )
            ]
        )

    def _between(self, target: str, excluding: str, start_s: float, stop_s: float) -> Used | None:
        """Energy of a target between two times; None where it is not known.

        The share of a process that has just begun has no sample yet. It lies between nothing and what the
        trial `excluding` leaves of the whole device, and is taken to be the middle.
        """
        power_w = self._meter.mean_power_w(target, start_s, stop_s)
        if power_w is not None:
            return Used(power_w * (stop_s - start_s))
        most_w = self._most_w(target, excluding, start_s, stop_s)
        if most_w is None:
            return None
        half_j = most_w / 2 * (stop_s - start_s)
        return Used(half_j, half_j)

    def _most_w(self, share: str, excluding: str, start_s: float, stop_s: float) -> float | None:
        """Highest mean power that a process's share of a device can have had; None if not known."""
        device = self._shared.get(share)
        if device is None:
            return None
        # All CPUs of a machine together are one device on a bill.
        powers_w = [
            self._meter.mean_power_w(each, start_s, stop_s) for each in device.split(JOINED_BY)
        ]
        known_w = [each for each in powers_w if each is not None]
        if len(known_w) < len(powers_w):
            return None
        own_w = [
            self._meter.mean_power_w(item.target, start_s, stop_s) or 0.0
            for item in self._bills.get(excluding, ())
            if item.device.uuid == device
        ]
        return max(0.0, math.fsum(known_w) - math.fsum(own_w))


def _is_board(item: BillItem) -> bool:
    return item.device.component is Component.GPU and not item.device.is_recording
