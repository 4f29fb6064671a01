"""A tracker's facts and bookings: values that travel between processes, without Ray."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from trackers.errors import UnknownDeviceError
from trackers.node.local_rpc import RpcAddress
from trackers.sample import Component, Device, Method, Reading, process_device

TRIAL = "trial"
"""Stage of the window over a whole attempt, from its start to its end."""

JOINED_BY = "+"
"""Between the identifiers of devices that are one on a bill."""

SETUP = "setup"
"""Stage of the window from an attempt's start to its first epoch."""


SO_FAR = "so far"
"""Stage of what an attempt's window had come to when its tracker was last asked. It is superseded by the
next such, and by the window's own booking; where neither comes, the attempt was lost with its tracker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowKey:
    """Names a window: an epoch of a stage of an attempt of a trial.

    Attributes:
        trial_id: The trial.
        attempt: From 1.
        stage: The stage; `TRIAL` and `SETUP` are windows of their own.
        epoch: From 1; 0 where the stage has no epochs.
    """

    trial_id: str
    attempt: int
    stage: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedWindow:
    """A window that was closed, by its trial or for it.

    Attributes:
        key: The window.
        reading: Of what the trial computes on.
        others: Of the rest of its bill: CPU, memory, node.
        devices: The devices of these readings, in the same order.
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
        unix_time_s: Wall time, a label only.
        power_w: Power that it drew.
        key: The window; None between trials.
    """

    device_uuid: str
    unix_time_s: float
    power_w: float
    key: WindowKey | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """Everything that a tracker has booked since it was last asked."""

    hostname: str
    windows: tuple[BookedWindow, ...]
    power: tuple[BookedPower, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillItem:
    """One thing that a consumer is charged for.

    Attributes:
        target: What the meter is asked for: the device, or the consumer's share of it.
        device: The device.
    """

    target: str
    device: Device


Bill: TypeAlias = tuple[BillItem, ...]
"""What a consumer is charged for; the first is what it computes on."""

Readings: TypeAlias = dict[str, Reading]
"""What a window comes to, by device, in the order of the bill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerFacts:
    """Devices of a node's tracker, and the methods of their energies.

    Attributes:
        node_id: Ray's identifier of the node.
        hostname: The node's name.
        source: Names of the power sources, joined by ` + `.
        note: How they measure, in a sentence each.
        method: How energies of the first device come about, as long as nothing goes wrong.
        methods: The same for each device.
        sources: Name of the power source of each device.
        refused: Sources that were not taken, with the reason for each.
        devices: The devices that the sources can measure.
        idle_power_w: Mean power of each device before its first window, where it is known.
        visible: The boards that consumers may use, as `CUDA_VISIBLE_DEVICES` on the node says it;
            None for all.
        lane: Where trials of the node can reach the tracker directly; None where they cannot.
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
        """Bill of one consumer: its board, its shares of CPU and memory, of the plug.

        Args:
            accelerator_uuid: The board that the consumer was given; None where it has none, or
                one that has no identifier.
            on_accelerator: Whether it computes on a board.
            pid: The consumer's process.
            further_uuids: Boards that it has besides.

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
        """The consumer's share of all CPUs of the machine together; empty where none is measured."""
        cpus = self._of(Component.CPU)
        if not cpus:
            return []
        joined = replace(cpus[0], uuid=JOINED_BY.join(each.uuid for each in cpus))
        return [BillItem(target=process_device(pid), device=joined if cpus[1:] else cpus[0])]

    def _main(self, accelerator_uuid: str | None, *, on_accelerator: bool, pid: int) -> BillItem:
        """Item that the consumer computes on."""
        for recording in self.devices:
            if recording.for_whoever_asks:
                return BillItem(target=recording.uuid, device=recording)
        boards = self._of(Component.GPU)
        for board in boards:
            # Apple's GPU has no identifier that torch could tell, and there is only one.
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
