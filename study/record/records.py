"""The records of a study: the contract between `study`, which writes them, and `analysis`, which reads.

This module imports neither Ray, torch nor pandas, so that readers need none of them. Units are joules,
watts and seconds throughout. Unknown values are None, never 0. The manifest is in
`study.record.manifest`, the trackers' bookings in `study.record.bookings`, the allowed values of
columns in `study.record.vocabulary`, the names of the files in `study.record.files`.

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
        trial_id: Identifier of the trial within the study; stays the same over attempts and resumes.
        attempt: Number of the attempt, from 1; increases each time the trial is started again.
        node: Host on which the epoch ran.
        device_uuid: Vendor's identifier of the measured device.
        device_name: Vendor's name of the measured device.
        paradigm: What the study compares.
        scenario: Name of the scenario.
        stage: The training within the trial: a value of `Stage`, or the name of a task.
        setup: Number of the setup, from 1, in the order of the paper's Table 1.
        batch_size: Batch size of the setup, as requested; None where it has none.
        effective_batch_size: The smaller of `batch_size` and the number of training samples.
        learning_rate: Learning rate of the setup, as requested; None where it has none.
        seed: Seed of the weights and of the order of samples.
        epoch: Number of the epoch within the stage, from 1.
        train_loss: Mean loss over the training samples; None where it was not finite.
        val_loss: Mean loss over the validation samples; None where it was not finite.
        val_score: The objective (`Manifest.objective`) over the validation samples; None if unknown.
        epoch_time_s: Duration of the epoch's window, in seconds.
        epoch_energy_j: Energy of the epoch's window in the scope that ranks (`Manifest.energy_of`);
            None where it is missing.
        energy_j: Sum of `epoch_energy_j` over the trial's epochs up to this one, of all stages and
            attempts; None if any of them is missing.
        mean_power_w: `epoch_energy_j` divided by the duration of the window; None where it is missing.
        energy_method: Method by which `epoch_energy_j` was determined; None where it is missing.
        energy_status: Quality of `epoch_energy_j`: `ok`, or why it is less reliable or missing.
        coverage: Share of the window during which the device was observed, in [0, 1].
        uncertainty_j: Half-width of the interval in which the energy lies; None if unknown.
        power_samples: Number of power samples within the window.
        samples_per_s: Training samples per second in this epoch; None if unknown.
        peak_memory_bytes: Peak memory of the trial on its accelerator; None on a CPU.
        stop_reason: Why the stage ended, on its last row; else None.
        parameters: Values of the setup besides batch size and learning rate, as JSON with sorted
            keys, for example `{"alpha": 0.5}`; None where there are none.
        val_metrics: All metrics over the validation samples, as JSON by name with sorted keys, for
            example `{"accuracy": 0.9}`; the metric of a single task is named `task/metric`. None where
            there are none.
        test_score: The objective over the test samples with the weights of the best epoch, on the row
            of a stage's last epoch; else None.
        test_metrics: All metrics over the test samples, as JSON, on the same row; else None.
        gpu_energy_j: Energy of the trial's accelerators; None where it was not measured.
        cpu_energy_j: Energy of the trial's share of the CPU; None where it was not measured.
        memory_energy_j: Energy of the trial's share of the memory; None where it was not measured.
        node_energy_j: Energy of the trial's share of the whole machine, which contains the others;
            None where it was not measured.
        uncertainty_common_j: Part of `uncertainty_j` that is common to all readings of the device, such
            as the scale error of its sensor, and that averaging does not reduce; None if unknown.
        uncertainty_own_j: Part of `uncertainty_j` that is specific to this window; None if unknown.
        counter_over_power: Energy by the device's counter divided by the integral of its power; None
            unless the device reports both.
        shared_by: Number of consumers among which the device's energy was split; None where the trial
            has the device to itself.
        temperature_c: Temperature at the end of the window, in degrees Celsius; None if not reported.
        sm_clock_hz: Clock of the board's processors at the end of the window; None if not reported.
        utilization: Share of recent time in which the board was busy, in [0, 1]; None if not reported.
        power_limit_w: Enforced power limit at the end of the window; None if not reported.
        power_profile: What is known so far of each power limit, as JSON (`study.limits.profile`), where
            limits were measured within the epoch; else None.
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
        """Check the row for contradictions.

        Raises:
            ValueError: A count is below 1, an amount is negative or not finite, or an energy is given
                with status `missing` (or the reverse).
        """
        for name in ("attempt", "setup", "batch_size", "effective_batch_size", "epoch"):
            count = getattr(self, name)
            if count is not None and count < 1:
                message = f"{name} is {count}; it counts from 1"
                raise ValueError(message)
        for name in _NOT_NEGATIVE:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                message = f"{name} is {value}; allowed: a finite number from 0, or None"
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

        Tune overwrites a reported `trial_id` with its own identifier, which differs for each attempt,
        so ours is taken from the trial's configuration.

        Raises:
            KeyError: The result is not from a trial of ours.
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
    """One trial, with the energy of all its attempts.

    Attributes:
        study: Name of the study.
        trial_id: Identifier of the trial within the study.
        status: State of the trial.
        stop_reason: Why its last stage ended; None while it runs.
        error: Last line of the error; None without an error.
        attempts: Number of times that the trial was started.
        paradigm: What the study compares.
        scenario: Name of the scenario.
        setup: Number of the setup, from 1.
        batch_size: Batch size of the setup, as requested; None where it has none.
        effective_batch_size: The smaller of `batch_size` and the number of training samples.
        learning_rate: Learning rate of the setup, as requested; None where it has none.
        seed: Seed of the weights and of the order of samples.
        node: Host of the last attempt; None if unknown.
        device_uuid: Identifier of the device measured in the last attempt; None if unknown.
        device_name: Name of that device; None if unknown.
        epochs: Number of complete epochs that count, over all stages: those of the last attempt, and
            those of earlier attempts that it resumed from (`study.record.attempts`).
        best_val_score: Best objective of these epochs; None without a finished epoch.
        best_epoch: First epoch that reached `best_val_score`; None without a finished epoch.
        time_s: Total duration of these epochs, in seconds.
        energy_j: Energy of these epochs; None if that of any of them is missing.
        setup_energy_j: Energy from the start of the last attempt to its first epoch; None if unknown.
        between_energy_j: Energy between the epochs of the last attempt (reports, checkpoints); None if
            unknown.
        wasted_energy_j: Energy of earlier attempts outside the epochs that count, as far as it was
            measured; 0 without earlier attempts, None where none of them has a reading.
        missing_epochs: Number of epochs that count and have no energy.
        degraded_epochs: Number of epochs that count and whose energy is `degraded`.
        energy_method: Method by which the energies were determined; None if all are missing.
        energy_to_target_j: Energy up to the first epoch that reached the target; None without a
            target, if it was not reached, and in trials of several stages.
        parameters: See `EpochRecord`.
        test_score: The objective over the test samples, for the stage that ended last; None where
            nothing was tested.
        test_metrics: All metrics over the test samples, as JSON; None where nothing was tested.
        gpu_energy_j: Energy of the trial's accelerators in the epochs that count; None if even one of
            them has no such measurement.
        cpu_energy_j: Energy of the trial's share of the CPU in these epochs; None if one lacks it.
        memory_energy_j: Energy of the trial's share of the memory in these epochs; None if one lacks it.
        node_energy_j: Energy of the trial's share of the whole machine, which contains the others, in
            these epochs; None if one lacks it.
        test_energy_j: Energy of testing the best weights, which no other column includes; None where
            nothing was tested or it was not measured.
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
    """Return the last line of an error's text, as stored in `TrialRecord.error`."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else NO_MESSAGE
