"""What a tracker says and books: values that travel between processes, without Ray."""

from dataclasses import dataclass

from trackers.errors import UnknownDeviceError
from trackers.node.local_rpc import RpcAddress
from trackers.node.sharing import Part
from trackers.sample import Component, Device, Method, Reading, process_device

TRIAL = "trial"
"""Stage of the window over a whole attempt, from its start to its end."""

SETUP = "setup"
"""Stage of the window from an attempt's start to its first epoch."""


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
    """A window that was closed, by its trial or for it."""

    key: WindowKey
    reading: Reading


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


def charged(reading: Reading, board: Device, part: Part) -> Reading:
    """A board's reading as one of its consumers is charged it.

    Args:
        reading: Of the whole board.
        board: The board.
        part: The consumer's part of the window.
    """
    if part.consumers > 1:
        return reading.degraded(
            f"{part.consumers} trials used the board; each is charged an equal part",
            energy_j=None if reading.energy_j is None else part.share * reading.energy_j,
            uncertainty_common_j=None,
            uncertainty_own_j=None,
            shared_by=part.consumers,
        )
    if board.shared:
        note = "the board is split by MIG: all of it is charged, whoever else uses it"
        return reading.degraded(note, shared_by=1)
    return reading


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerFacts:
    """What a node's tracker measures, and how.

    Attributes:
        node_id: Ray's identifier of the node.
        hostname: The node's name.
        source: Name of the power source.
        note: How it measures, in a sentence.
        method: How energies come about with it, as long as nothing goes wrong.
        refused: Sources that were not taken, with the reason for each.
        devices: The devices that the source can measure.
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
    lane: RpcAddress | None = None

    def target(
        self, *, accelerator_uuid: str | None, on_accelerator: bool, pid: int
    ) -> tuple[str, Device]:
        """What to measure for one consumer: the identifier to ask for, and the device it is on.

        Args:
            accelerator_uuid: The board that the consumer was given; None where it has none, or
                one that has no identifier.
            on_accelerator: Whether it computes on a board.
            pid: The consumer's process.

        Raises:
            UnknownDeviceError: The source does not measure what the consumer uses.
        """
        for recording in self.devices:
            if recording.for_whoever_asks:
                return recording.uuid, recording
        boards = [each for each in self.devices if each.component is Component.GPU]
        for board in boards:
            # Apple's GPU has no identifier that torch could tell, and there is only one.
            only_one = accelerator_uuid is None and on_accelerator and len(boards) == 1
            if board.uuid == accelerator_uuid or only_one:
                return board.uuid, board
        cpus = [each for each in self.devices if each.component is Component.CPU]
        if cpus and (accelerator_uuid is None or not boards):
            return process_device(pid), cpus[0]
        known = ", ".join(device.uuid for device in self.devices) or "none"
        message = (
            f"the trial's accelerator is {accelerator_uuid or 'not known'}; {self.source} on "
            f"{self.hostname} measures {known}"
        )
        raise UnknownDeviceError(message)
