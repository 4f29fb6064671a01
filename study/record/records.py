"""What a study leaves behind: the contract between `study`, which writes, and `analysis`, which reads.

Standard library only, so that a reader needs neither Ray nor torch. Joules, watts and seconds
everywhere. What is not known is None, never 0. The manifest is in `study.record.manifest`, what
trackers booked in `study.record.bookings`.

    EpochRecord     one row of epochs.parquet: one epoch of one stage of one trial's attempt
    TrialRecord     one row of trials.parquet: one trial, all its attempts
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

EPOCHS_FILE = "epochs.parquet"
TRIALS_FILE = "trials.parquet"
TRIALS_CSV_FILE = "trials.csv"
WINDOWS_FILE = "windows.parquet"
POWER_FILE = "power.parquet"
"""A parquet data set: a folder of parts, which every parquet reader takes as one table."""
EARLIER_FILE = "earlier.parquet"
"""Trials of earlier studies that a search was told of, as `TrialRecord`s with its own target."""
MANIFEST_FILE = "study.json"
REPORT_FOLDER = "report"

J_PER_WH = 3600.0
J_PER_MWH = 3.6


class Paradigm(StrEnum):
    """What a study compares."""

    REGIME = "regime"
    PRETRAINING = "pretraining"
    MULTITASK = "multitask"
    SEARCH = "search"


class Stage(StrEnum):
    """A training within a trial, with its own early stopping and its own energy."""

    ENCODER = "encoder"
    CLASSIFIER_FROZEN = "classifier-frozen"
    CLASSIFIER_UNFROZEN = "classifier-unfrozen"
    ENCODER_CLASSIFIER = "encoder+classifier"
    ATTRIBUTES = "attributes"
    IDENTITY = "identity"
    BOTH = "both"


LATENTS = "latents"
"""Stage of the window in which a frozen encoder computes latent features once. It lies within the
first epoch of `Stage.CLASSIFIER_FROZEN`, whose energy includes it."""


class EnergyMethod(StrEnum):
    """How an energy came about; an `ESTIMATED` one is never shown without saying so."""

    COUNTER = "counter"
    SAMPLED = "sampled"
    ESTIMATED = "estimated"


class EnergyStatus(StrEnum):
    """How far an energy can be trusted; `MISSING` goes with an energy of None."""

    OK = "ok"
    DEGRADED = "degraded"
    MISSING = "missing"


class StopReason(StrEnum):
    """Why a stage ended; stands on its last epoch's row."""

    PATIENCE = "patience"
    MAX_EPOCHS = "max_epochs"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    ERROR = "error"
    TARGET = "target"
    """A search ended it, having seen the target accuracy."""
    STOPPED = "stopped"
    """A search ended it early: what it cost is a lower bound."""


class TrialStatus(StrEnum):
    """What became of a trial.

    A trial that diverged or ran out of memory is FINISHED: that is a result about its setup.
    """

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


_WORDS: dict[str, type[StrEnum]] = {
    "paradigm": Paradigm,
    "energy_method": EnergyMethod,
    "energy_status": EnergyStatus,
    "status": TrialStatus,
    "stop_reason": StopReason,
}
"""Fields that hold a word of a list, in whatever record."""


class Row:
    """A record that is a row of a table."""

    __slots__ = ()

    def to_row(self) -> dict[str, Any]:
        """The record as plain values, in the order of its fields."""
        values = {each.name: getattr(self, each.name) for each in _fields(type(self))}
        return {k: v.value if isinstance(v, StrEnum) else v for k, v in values.items()}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record from a row; keys that are not fields are passed over.

        Raises:
            KeyError: A field is missing.
            ValueError: The row contradicts itself, or a word in it is not known.
        """
        values: dict[str, Any] = {}
        for each in _fields(cls):
            value = row[each.name]
            if isinstance(value, float) and math.isnan(value):
                value = None
            word = _WORDS.get(each.name)
            values[each.name] = value if value is None or word is None else word(value)
        return cls(**values)


def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(kind)
    return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord(Row):
    """One epoch: training and validation, and the energy of both.

    Attributes:
        study: Name of the study.
        trial_id: The trial within the study; stays the same over attempts and resumes.
        attempt: From 1; a trial that was lost and is run again counts on.
        node: Host on which the epoch ran.
        device_uuid: The measured device, as its vendor identifies it.
        device_name: The measured device, as its vendor names it.
        paradigm: What the study compares.
        scenario: Name of the scenario.
        stage: The training within the trial; a word of `Stage`.
        setup: Number of the setup, from 1, in the order of the paper's Table 1.
        batch_size: As asked for.
        effective_batch_size: The smaller of `batch_size` and the number of training samples.
        learning_rate: As asked for.
        seed: Of weights and order.
        epoch: From 1 within the stage.
        train_loss: Mean over the training samples; None where it was not finite.
        val_loss: Mean over the validation samples; None where it was not finite.
        val_accuracy: Share of validation samples that were recognised; in [0, 1].
        epoch_time_s: From the window's opening to its closing.
        epoch_energy_j: Energy of the epoch's window.
        energy_j: Sum of the trial's epochs up to this one, all stages and attempts;
            None as soon as one of them is missing.
        mean_power_w: `epoch_energy_j` over the window's length.
        energy_method: How `epoch_energy_j` came about.
        energy_status: How far it can be trusted.
        coverage: Share of the window for which the device was observed; in [0, 1].
        uncertainty_j: Half-width of the interval in which the energy lies; None if not known.
        power_samples: Number of power samples within the window.
        samples_per_s: Training samples per second of the epoch.
        peak_memory_bytes: Most memory the trial had on its accelerator; None on a CPU.
        stop_reason: On a stage's last row, why it ended; else None.
        parameters: What the setup has besides batch size and learning rate, as JSON with sorted
            keys, for example `{"alpha": 0.5}`; None where it has nothing else.
        val_accuracy_attributes: Share of attributes that were recognised; None for other tasks.
        val_accuracy_identity: Share of people that were recognised; None for other tasks.
        counter_over_power: Energy by the counter over the integral of the power; None unless the
            device tells both.
        shared_by: Number of consumers among which the device's energy was split; None where the
            device is the trial's own.
        temperature_c: Temperature at the window's end, in degrees Celsius; None if not told.
        sm_clock_hz: Clock of the board's processors at the window's end; None if not told.
        utilization: Share of recent time in which the board was busy; in [0, 1]; None if not told.
        power_limit_w: Enforced power limit at the window's end; None if not told.
    """

    study: str
    trial_id: str
    attempt: int
    node: str
    device_uuid: str
    device_name: str
    paradigm: Paradigm
    scenario: str
    stage: str
    setup: int
    batch_size: int
    effective_batch_size: int
    learning_rate: float
    seed: int
    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_accuracy: float | None
    epoch_time_s: float
    epoch_energy_j: float | None
    energy_j: float | None
    mean_power_w: float | None
    energy_method: EnergyMethod | None
    energy_status: EnergyStatus
    coverage: float
    uncertainty_j: float | None
    power_samples: int
    samples_per_s: float | None
    peak_memory_bytes: int | None
    stop_reason: StopReason | None
    parameters: str | None = None
    val_accuracy_attributes: float | None = None
    val_accuracy_identity: float | None = None
    counter_over_power: float | None = None
    shared_by: int | None = None
    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    utilization: float | None = None
    power_limit_w: float | None = None

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself.

        Raises:
            ValueError: A count below 1, a negative or non-finite energy, or an energy whose
                status is `missing` (or the reverse).
        """
        for name in ("attempt", "setup", "batch_size", "effective_batch_size", "epoch"):
            if getattr(self, name) < 1:
                message = f"{name} is {getattr(self, name)}; it counts from 1"
                raise ValueError(message)
        for name in ("epoch_energy_j", "energy_j", "epoch_time_s", "uncertainty_j"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                message = f"{name} is {value}; allowed is a finite number from 0, or None"
                raise ValueError(message)
        if (self.epoch_energy_j is None) != (self.energy_status is EnergyStatus.MISSING):
            message = (
                f"epoch_energy_j is {self.epoch_energy_j} with energy_status "
                f"{self.energy_status}; None and `missing` go together"
            )
            raise ValueError(message)

    @classmethod
    def from_result(cls, result: Mapping[str, Any]) -> Self:
        """The record from a Ray Tune result, be it in a callback or a line of `result.json`.

        Tune writes its own identifier over a reported `trial_id`, a new one for each attempt, so
        ours is taken from the trial's configuration.

        Raises:
            KeyError: A field is missing.
            ValueError: The result contradicts itself, or a word in it is not known.
        """
        return cls.from_row({**result, "trial_id": result["config"]["trial_id"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord(Row):
    """One trial, with what all its attempts cost.

    Attributes:
        study: Name of the study.
        trial_id: The trial within the study.
        status: What became of it.
        stop_reason: Why its last stage ended; None while it runs.
        error: Last line of what went wrong; None if nothing did.
        attempts: Number of times it was started.
        paradigm: What the study compares.
        scenario: Name of the scenario.
        setup: Number of the setup, from 1.
        batch_size: As asked for.
        effective_batch_size: The smaller of `batch_size` and the number of training samples.
        learning_rate: As asked for.
        seed: Of weights and order.
        node: Host of the last attempt.
        device_uuid: Measured device of the last attempt.
        device_name: Its name.
        epochs: Whole epochs that count, over all stages: those of the last attempt, and those of
            earlier ones that it went on from (`study.record.attempts`).
        best_val_accuracy: Best of these; None without a finished epoch.
        best_epoch: The first epoch that reached it.
        time_s: Time in these epochs.
        energy_j: Energy of these epochs; None if one of them is missing.
        setup_energy_j: Energy from the last attempt's start to its first epoch.
        between_energy_j: Energy between the last attempt's epochs (reports, checkpoints).
        wasted_energy_j: What earlier attempts used beside the epochs that count, as far as it was
            measured.
        missing_epochs: Epochs that count and have no energy.
        degraded_epochs: Epochs that count and whose energy is `degraded`.
        energy_method: How the energies came about; None if all are missing.
        energy_to_target_j: Energy up to the first epoch that reached the target accuracy;
            None if there is no target or it was not reached, and in trials of several stages.
        parameters: See `EpochRecord`.
    """

    study: str
    trial_id: str
    status: TrialStatus
    stop_reason: StopReason | None
    error: str | None
    attempts: int
    paradigm: Paradigm
    scenario: str
    setup: int
    batch_size: int
    effective_batch_size: int | None
    learning_rate: float
    seed: int
    node: str | None
    device_uuid: str | None
    device_name: str | None
    epochs: int
    best_val_accuracy: float | None
    best_epoch: int | None
    time_s: float
    energy_j: float | None
    setup_energy_j: float | None
    between_energy_j: float | None
    wasted_energy_j: float
    missing_epochs: int
    degraded_epochs: int
    energy_method: EnergyMethod | None
    energy_to_target_j: float | None
    parameters: str | None = None
