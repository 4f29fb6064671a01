"""The record of a study: the contract between `study`, which writes, and `analysis`, which reads.

No Ray, torch or pandas, so that a reader needs none of them. Joules, watts and seconds everywhere.
What is not known is None, never 0. The manifest is in `study.record.manifest`, what trackers booked
in `study.record.bookings`, the words of the columns in `study.record.vocabulary`, the files' names in
`study.record.files`.

    EpochRecord     one row of epochs.parquet: one epoch of one stage of one trial's attempt
    TrialRecord     one row of trials.parquet: one trial, all its attempts
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from study.record.migration import migrated_row
from study.record.rows import Row
from study.record.vocabulary import (
    EnergyMethod,
    EnergyStatus,
    Paradigm,
    StopReason,
    TrialStatus,
)


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
        stage: The training within the trial: a word of `Stage`, or the name of a task.
        setup: Number of the setup, from 1, in the order of the paper's Table 1.
        batch_size: As asked for.
        effective_batch_size: The smaller of `batch_size` and the number of training samples.
        learning_rate: As asked for.
        seed: Of weights and order.
        epoch: From 1 within the stage.
        train_loss: Mean over the training samples; None where it was not finite.
        val_loss: Mean over the validation samples; None where it was not finite.
        val_score: The objective over the validation samples (`Manifest.objective`).
        epoch_time_s: From the window's opening to its closing.
        epoch_energy_j: Energy of the epoch's window, of the scope that ranks
            (`Manifest.energy_of`).
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
        val_metrics: All metrics over the validation samples, as JSON by name with sorted keys, for
            example `{"accuracy": 0.9}`; a task's own is `task/metric`. None without any.
        test_score: The objective over the test samples with the weights of the best epoch; on the
            row of a stage's last epoch, else None.
        test_metrics: All metrics likewise, as JSON.
        gpu_energy_j: Energy of the trial's accelerators; None where it was not measured.
        cpu_energy_j: Energy of the trial's share of the CPU; None likewise.
        memory_energy_j: Energy of the trial's share of the memory; None likewise.
        node_energy_j: Energy of the trial's share of the whole machine, which contains the others;
            None likewise.
        uncertainty_common_j: Part of `uncertainty_j` that all readings of the device share, such as
            its sensor's scale; it does not shrink in a mean.
        uncertainty_own_j: Part of `uncertainty_j` that is this window's own.
        counter_over_power: Energy by the counter over the integral of the power; None unless the
            device tells both.
        shared_by: Number of consumers among which the device's energy was split; None where the
            device is the trial's own.
        temperature_c: Temperature at the window's end, in degrees Celsius; None if not told.
        sm_clock_hz: Clock of the board's processors at the window's end; None if not told.
        utilization: Share of recent time in which the board was busy; in [0, 1]; None if not told.
        power_limit_w: Enforced power limit at the window's end; None if not told.
        power_profile: Where power limits were measured within the epoch: what is known of each so
            far, as JSON (`study.limits.profile`); else None.
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
    batch_size: int | None
    effective_batch_size: int | None
    learning_rate: float | None
    seed: int
    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_score: float | None
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
    val_metrics: str | None = None
    test_score: float | None = None
    test_metrics: str | None = None
    gpu_energy_j: float | None = None
    cpu_energy_j: float | None = None
    memory_energy_j: float | None = None
    node_energy_j: float | None = None
    uncertainty_common_j: float | None = None
    uncertainty_own_j: float | None = None
    counter_over_power: float | None = None
    shared_by: int | None = None
    temperature_c: float | None = None
    sm_clock_hz: float | None = None
    utilization: float | None = None
    power_limit_w: float | None = None
    power_profile: str | None = None

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself.

        Raises:
            ValueError: A count below 1, a negative or non-finite energy, or an energy whose
                status is `missing` (or the reverse).
        """
        for name in ("attempt", "setup", "batch_size", "effective_batch_size", "epoch"):
            count = getattr(self, name)
            if count is not None and count < 1:
                message = f"{name} is {count}; it counts from 1"
                raise ValueError(message)
        for name in _NOT_NEGATIVE:
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
        """Return the record of a Ray Tune result, from a callback or a line of `result.json`.

        Tune writes its own identifier over a reported `trial_id`, a new one for each attempt, so
        ours is taken from the trial's configuration.

        Raises:
            KeyError: It is no result of a trial of ours.
            ValueError: A field is missing, or the result contradicts itself.
        """
        return cls.from_row(migrated_row({**result, "trial_id": result["config"]["trial_id"]}))


_NOT_NEGATIVE = (
    "epoch_energy_j",
    "energy_j",
    "epoch_time_s",
    "uncertainty_j",
    "gpu_energy_j",
    "cpu_energy_j",
    "memory_energy_j",
    "node_energy_j",
    "uncertainty_common_j",
    "uncertainty_own_j",
)


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
        best_val_score: Best objective of these; None without a finished epoch.
        best_epoch: The first epoch that reached it.
        time_s: Time in these epochs.
        energy_j: Energy of these epochs; None if one of them is missing.
        setup_energy_j: Energy from the last attempt's start to its first epoch.
        between_energy_j: Energy between the last attempt's epochs (reports, checkpoints).
        wasted_energy_j: What earlier attempts used beside the epochs that count, as far as it was
            measured; 0 without one, None where there is no reading of any.
        missing_epochs: Epochs that count and have no energy.
        degraded_epochs: Epochs that count and whose energy is `degraded`.
        energy_method: How the energies came about; None if all are missing.
        energy_to_target_j: Energy up to the first epoch that reached the target;
            None if there is no target or it was not reached, and in trials of several stages.
        parameters: See `EpochRecord`.
        test_score: The objective over the test samples, of the stage that ended last; None where
            nothing was tested.
        test_metrics: All metrics likewise, as JSON.
        gpu_energy_j: Energy of the trial's accelerators in the epochs that count; None if it was
            not measured in one of them.
        cpu_energy_j: Of its share of the CPU, likewise.
        memory_energy_j: Of its share of the memory, likewise.
        node_energy_j: Of its share of the whole machine, which contains the others, likewise.
        test_energy_j: Energy of testing the best weights, which is in none of the others; None where
            nothing was tested, or it was not measured.
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
    batch_size: int | None
    effective_batch_size: int | None
    learning_rate: float | None
    seed: int
    node: str | None
    device_uuid: str | None
    device_name: str | None
    epochs: int
    best_val_score: float | None
    best_epoch: int | None
    time_s: float
    energy_j: float | None
    setup_energy_j: float | None
    between_energy_j: float | None
    wasted_energy_j: float | None
    missing_epochs: int
    degraded_epochs: int
    energy_method: EnergyMethod | None
    energy_to_target_j: float | None
    parameters: str | None = None
    test_score: float | None = None
    test_metrics: str | None = None
    gpu_energy_j: float | None = None
    cpu_energy_j: float | None = None
    memory_energy_j: float | None = None
    node_energy_j: float | None = None
    test_energy_j: float | None = None


NO_MESSAGE = "no message"


def error_line(text: str) -> str:
    """Last line of what went wrong, as `TrialRecord.error` has it."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else NO_MESSAGE
