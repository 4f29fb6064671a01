"""A tracker's facts, bills and bookings: values that are sent between processes; without Ray."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from trackers.errors import UnknownDeviceError
from trackers.node.local_rpc import RpcAddress
from trackers.sample import Component, Device, Method, Reading, process_device

TRIAL = "trial"
"""Stage of the window over a whole attempt, from its start to its end."""

JOINED_BY = "+"
"""Separator of the identifiers of devices that are one item on a bill."""

SETUP = "setup"
"""Stage of the window from an attempt's start to its first epoch."""


INTERIM = "so far"
"""Stage of an interim booking: an attempt's window until its tracker was last asked. It is superseded by the
next interim booking and by the window's own; where neither follows, the attempt was lost with its tracker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowKey:
    """Key of a window: an epoch of a stage of an attempt of a trial.

    Attributes:
        trial_id: The trial.
        attempt: Number of the attempt, from 1.
        stage: The stage; `TRIAL` and `SETUP` stand for windows that are no training stage.
        epoch: Number of the epoch, from 1; 0 where the stage has no epochs.
    """

    trial_id: str
    attempt: int
    stage: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedWindow:
    """A closed window, or the interim booking of an open one, with what its trial is charged.

    Attributes:
        key: Key of the window.
        reading: Reading of the device that the trial computes on.
        others: Readings of the rest of its bill: further boards, CPU, memory, node.
        devices: The devices of `reading` and `others`, in the same order.
    """

    key: WindowKey
    reading: Reading
    others: tuple[Reading, ...] = ()
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedPower:
    """A power sample, with the innermost window that was open on its device.

    Attributes:
        device_uuid: The device.
        unix_time_s: Wall time as a Unix time stamp; only a label, not used in any computation.
        power_w: Power that the device drew.
        key: Key of the window; None between trials.
    """

    device_uuid: str
    unix_time_s: float
    power_w: float
    key: WindowKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """All bookings of a tracker since it was last asked."""

    hostname: str
    windows: tuple[BookedWindow, ...]
    power: tuple[BookedPower, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillItem:
    """A device that a consumer is charged for, wholly or in part.

    Attributes:
        target: The meter's target: the device, or the consumer's share of it.
        device: The device.
    """

    target: str
    device: Device


Bill: TypeAlias = tuple[BillItem, ...]
"""The devices that a consumer is charged for, beginning with the one that it computes on."""

Readings: TypeAlias = dict[str, Reading]
"""Readings of a window by device, in the order of the bill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerFacts:
    """Devices of a node's tracker, and how they are measured.

    Attributes:
        node_id: Ray's identifier of the node.
        hostname: Host name of the node.
        source: Names of the power sources, joined by ` + `.
        note: How the sources measure, one sentence each.
        method: Method of the first device's energies when nothing fails.
        methods: Method of each device's energies when nothing fails, by UUID.
        sources: Name of the power source of each device, by UUID.
        refused: Reason why a source is not used, by its name.
        devices: The devices that the sources can measure.
        idle_power_w: Mean power before the first window, by target; only where it is known.
        visible: Value of `CUDA_VISIBLE_DEVICES` on the node, which says which boards consumers may use;
            None for all.
        lane: Address of the socket at which trials on the node reach the tracker directly; None where
            there is none.
    """

    node_id: str
    hostname: str
    source: str
    note: str
    method: Method
    refused: dict[str, str]
    devices: tuple[Device, ...]
    idle_power_w: dict[str, float]
    visible: str | None = None
    methods: dict[str, Method] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    lane: RpcAddress | None = None

    def bill(
        self,
        *,
        accelerator_uuid: str | None,
        on_accelerator: bool,
        pid: int,
        further_uuids: Sequence[str] = (),
    ) -> Bill:
        """Make the bill of one consumer: its boards, its shares of CPU and memory, and the node.

        Args:
            accelerator_uuid: UUID of the consumer's board; None where it has no board, or one without
                an identifier.
            on_accelerator: Whether the consumer computes on a board.
            pid: Process ID of the consumer.
            further_uuids: UUIDs of the consumer's other boards.

        Raises:
            UnknownDeviceError: The sources do not measure what the consumer uses.
        """
        main = self._main(accelerator_uuid, on_accelerator=on_accelerator, pid=pid)
        boards = (
            self._main(uuid, on_accelerator=on_accelerator, pid=pid) for uuid in further_uuids
        )
        items = {
            main.device.uuid: main,
            **{each.device.uuid: each for each in boards},
            **{each.device.uuid: each for each in self._cpu_share(pid)},
            **{
                each.uuid: BillItem(target=process_device(pid, each.uuid), device=each)
                for each in self._of(Component.MEMORY)
            },
            **{
                each.uuid: BillItem(target=each.uuid, device=each)
                for each in self._of(Component.NODE)
            },
        }
        return tuple(items.values())

    def _of(self, component: Component) -> list[Device]:
        return [each for each in self.devices if each.component is component]

    def _cpu_share(self, pid: int) -> list[BillItem]:
        """Item for the consumer's share of all CPUs together; empty where no CPU is measured."""
        cpus = self._of(Component.CPU)
        if not cpus:
            return []
        joined = replace(cpus[0], uuid=JOINED_BY.join(each.uuid for each in cpus))
        return [BillItem(target=process_device(pid), device=joined if cpus[1:] else cpus[0])]

    def _main(self, accelerator_uuid: str | None, *, on_accelerator: bool, pid: int) -> BillItem:
        """Item for the device that the consumer computes on."""
        for recording in self.devices:
            if recording.is_recording:
                return BillItem(target=recording.uuid, device=recording)
        boards = self._of(Component.GPU)
        for board in boards:
            # Apple's GPU has no identifier that torch could report, and there is only one.
            only_one = accelerator_uuid is None and on_accelerator and len(boards) == 1
            if board.uuid == accelerator_uuid or only_one:
                return BillItem(target=board.uuid, device=board)
        if (accelerator_uuid is None and not on_accelerator) or not boards:
            for share in self._cpu_share(pid):
                return share
        known = ", ".join(device.uuid for device in self.devices) or "none"
        message = (
            f"the trial's accelerator is {accelerator_uuid or 'not known'}; {self.source} on "
            f"{self.hostname} measures {known}"
        )
        raise UnknownDeviceError(message)
