"""Energy of one attempt of a Tune trial: windows over the attempt, its set-up and each of its steps.

Nothing here raises into the training: when something goes wrong, the readings are missing.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, final

import ray

from study.execution.charge import ProcessPart, component_j_of_all, ranking_reading_of_all
from study.instrument.keeper import ANSWER_S, START_S, Attempt, keeper_of_trials
from study.record.files import J_PER_WH
from study.record.tune_rows import STAGE
from study.record.vocabulary import EnergyScope
from study.store.parts import WORKER, on_the_bill, part_of
from trackers.errors import TrackerError
from trackers.meter.accelerators import wait_for_accelerators
from trackers.node.actor import Handle
from trackers.node.client import TrackerClient
from trackers.node.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Component, Reading, Status
from trackers.sources.nvml.source import uuid_of

OWN_PART = "0"
"""Name of the trial's own process among the processes (parts) of a trial."""

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerAssignment:
    """Facts of a trial that a Ray Train worker needs so that its energy is charged to that trial.

    Attributes:
        keeper: Handle of the Ray job's keeper.
        trial_id: Identifier of the trial.
        attempt: Number of the trial's attempt, from 1.
        epoch: Number of the epoch whose window is open, from 1.
    """

    keeper: Handle
    trial_id: str
    attempt: int
    epoch: int


@final
class AttemptEnergy:
    """Windows of one attempt of a trial, and the energy that the trial has used so far."""

    def __init__(self, trial_id: str) -> None:
        """Begin an attempt of `trial_id`, opening the windows over the whole attempt and over its set-up."""
        self._trial_id = trial_id
        self._attempt = Attempt(number=1, energy_before_j=0.0, is_lower_bound=True)
        self._keeper: Handle = None
        self._client: TrackerClient | None = None
        self._epochs_j = 0.0
        self._is_lower_bound = False
        self._has_workers = False
        self._in_setup = True
        self._epoch: tuple[int, float] | None = None
        quietly(self._begin)

    def worker_assignment(self) -> WorkerAssignment | None:
        """Return what workers that do the trial's work need; None if no keeper or no open epoch."""
        if self._keeper is None or self._epoch is None:
            return None
        self._has_workers = True
        return WorkerAssignment(
            keeper=self._keeper,
            trial_id=self._trial_id,
            attempt=self._attempt.number,
            epoch=self._epoch[0],
        )

    def begin_epoch(self, epoch: int) -> None:
        """Open the window of an epoch, counted from 1, closing that of the set-up before the first."""
        wait_for_accelerators()
        self._epoch = (epoch, time.monotonic())
        quietly(lambda: self._open_epoch(epoch))

    def end_epoch(self) -> dict[str, Any]:
        """Close the epoch's window and return the columns to add to the trial's result."""
        epoch, begun_s = self._epoch or (1, time.monotonic())
        wait_for_accelerators()
        parts = quietly(lambda: self._close_epoch(epoch)) or (
            ProcessPart.missing(note="not measured"),
        )
        reading = ranking_reading_of_all(parts, EnergyScope.ACCELERATOR)
        duration_s = time.monotonic() - begun_s
        self._epoch = None
        if reading.energy_j is None:
            self._is_lower_bound = True
        else:
            self._epochs_j += reading.energy_j
        return self._columns(reading, duration_s, parts)

    def end(self) -> None:
        """Close all open windows because the attempt has ended, for whatever reason."""
        wait_for_accelerators()
        if self._in_setup:
            quietly(lambda: self._close(SETUP, 0))
        quietly(self._close_open_epoch)
        quietly(self._close_all)
        self._client = None
        self._in_setup, self._epoch = False, None

    def _begin(self) -> None:
        self._keeper = keeper_of_trials()
        node_id = ray.get_runtime_context().get_node_id()
        begun = self._keeper.begin.remote(self._trial_id, node_id)
        self._attempt = ray.get(begun, timeout=START_S)
        if not self._attempt.can_measure:
            return
        client = client_here(self._keeper)
        if client.device is None:
            self._keeper.mark_untracked.remote(node_id)
            return
        joined = self._keeper.join.remote(self._trial_id, self._attempt.number, OWN_PART)
        ray.get(joined, timeout=START_S)
        self._client = client
        client.open(self._key(TRIAL, 0))
        client.open(self._key(SETUP, 0))

    def _open_epoch(self, epoch: int) -> None:
        if self._client is not None:
            if self._in_setup:
                self._client.close(self._key(SETUP, 0))
            self._client.open(self._key(STAGE, epoch))
        self._in_setup = False

    def _close_epoch(self, epoch: int) -> tuple[ProcessPart, ...]:
        self._close(STAGE, epoch)
        workers: dict[str, ProcessPart] = {}
        if self._has_workers:
            asked = self._keeper.reported.remote(self._trial_id, self._attempt.number, epoch)
            workers = ray.get(asked, timeout=ANSWER_S)
            workers = workers or {WORKER: ProcessPart.missing(note="no worker has reported")}
        own = {}
        if self._client is not None:
            own = {OWN_PART: part_of_window(self._client, self._key(STAGE, epoch))}
        return tuple(on_the_bill(own | workers).values())

    def _close_open_epoch(self) -> None:
        if self._epoch is not None:
            self._close(STAGE, self._epoch[0])

    def _close_all(self) -> None:
        """Close the attempt's window, and wait until the tracker has booked it."""
        self._close(TRIAL, 0)
        if self._client is not None:
            self._client.readings(self._key(TRIAL, 0))

    def _close(self, stage: str, epoch: int) -> None:
        if self._client is not None:
            self._client.close(self._key(stage, epoch))

    def _key(self, stage: str, epoch: int) -> WindowKey:
        return WindowKey(
            trial_id=part_of(self._trial_id, OWN_PART),
            attempt=self._attempt.number,
            stage=stage,
            epoch=epoch,
        )

    def _columns(
        self, reading: Reading, duration_s: float, parts: Sequence[ProcessPart]
    ) -> dict[str, Any]:
        """Return the columns a result gains; `energy_wh` is always a number, as schedulers compare it."""
        is_lower_bound = self._is_lower_bound or self._attempt.is_lower_bound
        status = reading.status
        if is_lower_bound and status is Status.OK:
            status = Status.DEGRADED  # because of `energy_wh`: a reading is missing in that sum
        return {
            "epoch_energy_j": reading.energy_j,
            "energy_wh": (self._attempt.energy_before_j + self._epochs_j) / J_PER_WH,
            "energy_method": None if reading.method is None else reading.method.value,
            "energy_status": status.value,
            "mean_power_w": reading.mean_power_w,
            "energy": {
                "attempt": self._attempt.number,
                "status": reading.status.value,
                "device_uuid": reading.device_uuid,
                "device_name": _names(parts),
                "epoch_time_s": reading.duration_s or duration_s,
                "coverage": reading.coverage,
                "power_samples": reading.power_samples,
                "uncertainty_common_j": reading.uncertainty_common_j,
                "uncertainty_own_j": reading.uncertainty_own_j,
                "shared_by": reading.shared_by,
                "is_lower_bound": is_lower_bound,
                **{
                    f"{component.value}_energy_j": component_j_of_all(parts, component)
                    for component in Component
                },
            },
        }


def _names(parts: Iterable[ProcessPart]) -> str:
    """Return the distinct names of the devices that the processes compute on, joined by `+`."""
    return "+".join(dict.fromkeys(part.devices[0].name for part in parts if part.devices))


def client_here(keeper: Handle) -> TrackerClient:
    """Return a client of this node's tracker for this process's boards, or for its CPU if it has none."""
    boards = boards_here()
    return TrackerClient(
        keeper,
        accelerator_uuid=boards[0] if boards else None,
        on_accelerator=bool(boards),
        further_uuids=boards[1:],
    )


def part_of_window(client: TrackerClient, key: WindowKey) -> ProcessPart:
    """Return this process's readings of a closed window."""
    return ProcessPart(readings=client.readings(key), devices=client.devices)


def quietly(act: Callable[[], Answer]) -> Answer | None:
    """Call `act` and return its answer; log any error, which must not reach the training, and return None."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - see the module's first lines
        _log.warning("not measured: %s", error)
        return None


def boards_here() -> list[str]:
    """Return the UUIDs of the boards that Ray has assigned to this process.

    `CUDA_VISIBLE_DEVICES` does not tell: Ray Train lets each worker see the boards of all workers on its
    machine.
    """
    found = []
    for entry in ray.get_runtime_context().get_accelerator_ids().get("GPU", []):
        try:
            found.append(uuid_of(entry))
        except TrackerError as error:
            _log.warning("the board %s is not measured: %s", entry, error)
    return found
