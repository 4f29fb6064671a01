"""Energy of a training whose loop is somebody else's, epoch by epoch, saved as a study of one setup.

    meter = TrainingMeter(Training(objective=Objective("accuracy", is_share=True), batch_size=64))
    with meter:
        for _ in range(3):
            with meter.epoch() as epoch:
                train_and_validate()
            epoch.metrics = {"accuracy": 0.9}
    meter.save("results/mine")       # python -m analysis results/mine

Each board that this process may use is measured as a whole; of CPU and memory, only the share of this
process and its children. If there are boards their energy ranks, otherwise that of CPU and memory.
"""

import logging
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self, final

from study.callbacks.claim import claim_folder
from study.callbacks.epoch_export import EpochExport
from study.callbacks.plain_values import is_not_finite, numbers_in
from study.callbacks.single_study import write_study
from study.callbacks.training import NOT_MEASURED, MeasuredEpoch, MeasuredTraining, Training
from study.exports.study_exports import exports_of
from study.record.vocabulary import StopReason
from study.store.provenance import now
from trackers.bill import ACCELERATOR, COMPONENTS
from trackers.meter.accelerators import wait_for_accelerators
from trackers.meter.meter import EnergyMeter
from trackers.moved import answer_old_names
from trackers.run.account import AccountLine, line
from trackers.run.boards import visible_boards
from trackers.sample import Component, Device, Reading, process_device
from trackers.sources.detect import Detection, Request, detect

_log = logging.getLogger(__name__)

_RESUMED = (
    "this training is resumed after %g epochs: the energy of those, and so the total, is unknown"
)
_NO_METRICS = "there are no metrics: validate while you train."

WHOLE, SETUP, EVALUATION = "whole", "setup", "evaluation"


@final
@answer_old_names(keep="save_or_warn")
class TrainingMeter:
    """Measures a training as a whole, its set-up, its epochs and its evaluations.

    Attributes:
        training: Description of the training.
        epochs: Epochs that have begun, in order.
        scope: Components whose energy ranks.
    """

    def __init__(
        self,
        training: Training | None = None,
        *,
        request: Request | None = None,
        detection: Detection | None = None,
        log: Sequence[str] = (),
        name: str = "",
    ) -> None:
        """Open the power sources; measuring begins with `start` or `with`.

        Args:
            training: Description of the training; None takes the defaults of `Training`.
            request: Power sources to look for; None takes all that work on this machine.
            detection: Sources that are already open, instead of `request`.
            log: Exporters that receive each epoch while the training runs, as in a study's `--log`.
            name: Name of the training in these exporters; empty takes the training's `scenario`.

        Raises:
            SourceUnavailableError: A source that was asked for cannot be used.
            OptionError: `log` names an exporter that is unknown or not installed.
        """
        self._export = EpochExport(exports_of(log))
        self._name = name
        self.training = training or Training()
        self.epochs: list[MeasuredEpoch] = []
        self._readings: dict[str, dict[str, Reading]] = {}
        self._claimed: dict[Path, Path] = {}
        self._is_rest = self._is_cut = False
        self._failed: StopReason | None = None
        self._started_at = ""
        self._detection = detection or detect(request)
        self._meter = EnergyMeter(self._detection)
        boards = visible_boards(self._detection, os.environ)
        self._devices = tuple(
            each
            for each in self._detection.devices
            if each.component is not Component.GPU or each.uuid in boards
        )
        has_boards = any(each.component is Component.GPU for each in self._devices)
        self.scope = ACCELERATOR if has_boards else COMPONENTS

    def start(self) -> None:
        """Start measuring."""
        self._started_at = now()
        try:
            self._meter.start()
            self._open(WHOLE)
            self._open(SETUP)
            self._export.begin(self._name or self.training.scenario, self.run_so_far())
        except (
            BaseException
        ):  # Ctrl-C too: in a notebook the process goes on, and `__exit__` is not called
            self._meter.stop()
            raise

    def stop(self, *, failed: bool = False) -> None:
        """Stop measuring, closing an epoch that is open; may be called twice.

        Args:
            failed: Whether the training ended early: it is recorded as an error if an epoch was open, as
                stopped if not.
        """
        if self.epochs and not self.epochs[-1].readings:
            self._is_cut = True
            self.end_epoch()
        if failed and self._meter.opened(WHOLE) is not None:
            self._failed = StopReason.ERROR if self._is_cut else StopReason.STOPPED
        for key in (SETUP, EVALUATION, WHOLE):
            self._close(key)
        self._meter.stop()
        self._export.end(self.run_so_far())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop(failed=kind is not None)

    @contextmanager
    def epoch(self) -> Iterator[MeasuredEpoch]:
        """Measure the enclosed code as one epoch: its training and its validation."""
        epoch = self.begin_epoch()
        try:
            yield epoch
        except BaseException:
            self._is_cut = True
            raise
        finally:
            self.end_epoch()

    def begin_epoch(self, *, after: float = 0.0) -> MeasuredEpoch:
        """Begin the next epoch, ending one that is open.

        Args:
            after: Epochs that the network had been trained for before this one. If that is more than were
                measured, the training was resumed from a checkpoint and the epochs before it have no energy.
                A fraction, as in 2.5, means that this is the rest of an epoch, which has no energy either.
        """
        self._close(SETUP)
        if self.epochs:
            self.end_epoch()
        self._is_cut = False
        if after > len(self.epochs):
            _log.warning(_RESUMED, after)
        while len(self.epochs) + 1 <= after:
            number = len(self.epochs) + 1
            self.epochs.append(MeasuredEpoch(number=number, readings=self._not_measured()))
        self._is_rest = after > len(self.epochs)
        self._export.epochs(self.run_so_far())
        epoch = MeasuredEpoch(number=len(self.epochs) + 1)
        self.epochs.append(epoch)
        self._open(f"epoch {epoch.number}")
        return epoch

    def end_epoch(self) -> MeasuredEpoch:
        """End the epoch that was begun last and return it with its energy; may be called twice."""
        epoch = self.epochs[-1]
        measured = self._close(f"epoch {epoch.number}")
        if measured is not None and self._is_rest:
            epoch.readings = self._not_measured()
        elif measured is not None:
            epoch.energy_j, epoch.mean_power_w = measured.energy_j, measured.mean_power_w
            epoch.readings = self._readings[f"epoch {epoch.number}"]
        return epoch

    def begin_evaluation(self) -> None:
        """Open an evaluation's window, which may lie within an epoch."""
        self._open(EVALUATION)

    def end_evaluation(self) -> float | None:
        """Close the evaluation's window and return its energy in joules, or None if missing or not begun."""
        measured = self._close(EVALUATION)
        return None if measured is None else measured.energy_j

    def save(
        self, folder: str | os.PathLike[str], *, stop_reason: StopReason = StopReason.MAX_EPOCHS
    ) -> Path:
        """Write a folder that `python -m analysis` reads as a study of one setup.

        A study of another training is not overwritten: this one is then saved beside it, in `FOLDER-2`.

        Args:
            folder: The study's folder; its name becomes the study's name.
            stop_reason: Why the training ended.

        Returns:
            The folder in which the training was saved.

        Raises:
            ValueError: No epoch has ended.
            StorageError: The folder cannot be written.
        """
        run = self.run_so_far(stop_reason)
        if not run.epochs:
            message = "no epoch has ended, so there is nothing to save; save after the training"
            raise ValueError(message)
        asked = Path(folder).absolute()
        claimed = self._claimed[asked] if asked in self._claimed else claim_folder(asked)
        self._claimed[asked] = claimed
        if claimed != asked:
            _log.warning("%s holds another training; this one is kept in %s", asked, claimed)
        self._warn_of_objective(run.epochs)
        write_study(claimed, run)
        return claimed

    def save_or_warn(self, folder: str | os.PathLike[str], *, stop_reason: StopReason) -> None:
        """Save like `save`, but log a warning instead of raising an error into somebody else's training.

        Args:
            folder: See `save`.
            stop_reason: See `save`.
        """
        try:
            self.save(folder, stop_reason=stop_reason)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training's own end follows
            _log.warning("the energy of this training was not saved in %s: %s", folder, error)

    def run_so_far(self, stop_reason: StopReason = StopReason.MAX_EPOCHS) -> MeasuredTraining:
        """Return the training and its measurements so far, without an epoch that is still open."""
        ended = tuple(each for each in self.epochs if each.readings)
        if ended and (is_not_finite(ended[-1].train_loss) or is_not_finite(ended[-1].val_loss)):
            stop_reason = StopReason.DIVERGED
        stop_reason = self._failed or stop_reason
        return MeasuredTraining(
            training=self.training,
            detection=self._detection,
            devices=self._devices,
            scope=self.scope,
            epochs=ended,
            whole=self._readings.get(WHOLE, {}),
            setup=self._readings.get(SETUP, {}),
            started_at=self._started_at,
            hostname=socket.gethostname(),
            stop_reason=stop_reason,
        )

    def _warn_of_objective(self, ended: Sequence[MeasuredEpoch]) -> None:
        """Log a warning if no epoch has a value of the metric that decides."""
        name = self.training.objective.name
        there = sorted({metric for each in ended for metric in numbers_in(each.metrics)})
        if name not in there:
            told = f"there are {', '.join(there)}. Name one of them." if there else _NO_METRICS
            _log.warning("no epoch has the objective %r; %s", name, told)

    def _not_measured(self) -> dict[str, Reading]:
        """Return missing readings, for an epoch that was not measured from start to end."""
        uuids = [each.uuid for each in self._devices]
        return {uuid: Reading.missing(uuid, note=NOT_MEASURED) for uuid in uuids}

    def _open(self, key: str) -> None:
        if self._meter.opened(key) is None:
            wait_for_accelerators()
            self._meter.open(key, devices=[_target(each) for each in self._devices])

    def _close(self, key: str) -> AccountLine | None:
        """Close a window and return its energy and power that rank, or None if it was not open."""
        wait_for_accelerators()
        closed = self._meter.close(key)
        if not closed:
            return None
        self._readings[key] = {each.uuid: closed[_target(each)] for each in self._devices}
        return self._line(self._readings[key])

    def _line(self, readings: Mapping[str, Reading]) -> AccountLine:
        chosen = [each for each in Component if each in self.scope]
        return line(chosen, self._devices, readings, peak_power_w=None)


def _target(device: Device) -> str:
    is_shared = device.component in {Component.CPU, Component.MEMORY}
    if is_shared and not device.is_recording:
        return process_device(os.getpid(), device.uuid)
    return device.uuid
