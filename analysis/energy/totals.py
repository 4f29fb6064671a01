"""The energy of trials and setups, from the rows of their epochs. Joules and seconds.

What counts for a setup is the last attempt of each of its trials, with the epochs of earlier ones
that it went on from; what else those used is `wasted_energy_j`. A sum in which one part is missing
is None: a made-up total would look like a saving. Energy before the first epoch
(`setup_energy_j`) and between epochs (`between_energy_j`) is kept apart from the energy of the
epochs, as the paper has it.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.energy.failures import ToTarget, cost_with_failures, to_target
from analysis.energy.known import known_count, known_mean, known_number
from analysis.energy.spread import Spread
from analysis.read.counted import counted_epochs
from study.inference.failure import CostOfSuccess
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY, Objective
from study.record.trial_energy import TrainedEpoch, energy_to_target
from study.record.vocabulary import NOT_WHOLE, EnergyMethod, StopReason, TrialStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnergy:
    """One trial: the epochs that count, and what was used outside them.

    Attributes:
        trial_id: The trial.
        setup: Number of its setup.
        batch_size: As asked for.
        effective_batch_size: The smaller of batch size and training samples; None if not known.
        learning_rate: As asked for.
        status: What became of it.
        stop_reason: Why its last stage ended.
        epochs: Number of epochs, over all stages.
        energy_j: Sum over the epochs; None without an epoch, or where an epoch has no energy.
        energy_per_epoch_j: Mean over the epochs that have an energy; None where none has.
        best_accuracy: Best value of the study's objective in an epoch; of a share, in [0, 1].
        missing_epochs: Epochs without an energy.
        setup_energy_j: Energy before the first epoch.
        between_energy_j: Energy between epochs.
        wasted_energy_j: Energy of the attempts that were lost, as far as it was measured; 0 without
            one, None where none of it was.
        uncertainty_own_j: Half-width of the 95 % interval of `energy_j` by what each reading has of
            its own, added up by squares; what is not known counts as 0.
        calibration: What all readings of its board may be wrong by, as a share of the energy: half of
            a 95 % interval; None if not known.
        time_s: Time in its epochs.
        reached: Whether an epoch reached the target; None without a target.
        to_target_j: Energy up to the first epoch that did; None where none did, or that is not known.
        board: What it was measured on; None if not known.
        estimated: Whether the energy of an epoch of it is an estimate.
    """

    trial_id: str
    setup: int
    batch_size: int | None
    effective_batch_size: int | None
    learning_rate: float | None
    status: TrialStatus
    stop_reason: StopReason | None
    epochs: int
    energy_j: float | None
    energy_per_epoch_j: float | None
    best_accuracy: float | None
    missing_epochs: int
    setup_energy_j: float | None
    between_energy_j: float | None
    wasted_energy_j: float | None
    uncertainty_own_j: float = 0.0
    calibration: float | None = None
    time_s: float = 0.0
    reached: bool | None = None
    to_target_j: float | None = None
    board: str | None = None
    estimated: bool = False

    @property
    def finished(self) -> bool:
        """Return whether it was trained to its end, so that its total is the energy of a training.

        Of a trial that a search stopped early the total is a lower bound; of one that diverged or
        ran out of memory it is what it took to fail.
        """
        return self.status is TrialStatus.FINISHED and self.stop_reason not in NOT_WHOLE

    @property
    def failed(self) -> bool:
        """Return whether it ended before, and not because a search had seen enough of it."""
        ended = self.status in (TrialStatus.FINISHED, TrialStatus.FAILED)
        return ended and not self.finished and self.stop_reason is not StopReason.STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupEnergy:
    """One setup over its repeats.

    Totals, epochs and accuracy are taken from the trials that were trained to their end
    (`TrialEnergy.finished`); the energy per epoch from all trials that have an epoch.

    Attributes:
        setup: Its number.
        batch_size: As asked for.
        effective_batch_size: The smaller of batch size and training samples; None if not known.
        learning_rate: As asked for.
        repeats: Number of trials that were started.
        finished: Number of them that were trained to their end.
        energy_j: Total energy of a training; None where no finished trial has one.
        energy_per_epoch_j: Mean over repeats of each repeat's mean over its epochs, so that every
            repeat weighs the same however long it was (paper, Table 2).
        best_accuracy: Best value of the study's objective; of a share, in [0, 1].
        epochs: Epochs until training stopped.
        setup_energy_j: Energy of a trial before its first epoch.
        between_energy_j: Energy of a trial between epochs.
        stop_reasons: Why its trials stopped, without repetition.
        parameters: What the setup has besides batch size and rate, for example `{"alpha": 0.5}`.
        uncertainty_own_j: Mean half-width of a total's interval by what its readings have of their own.
        calibration: Mean of what its boards may be wrong by, a share; None if not known.
        time_s: Time in the epochs of a training.
        to_target: Energy to the target, of those that missed it too; None without a target.
        boards: What each of the energies was measured on, in the order of `energy_j.values`; None
            where that is not known.
        failed: Number of trials that failed: diverged, out of memory, or with an error.
        cost: Energy of all trials for each that succeeded; None where none failed, or where the
            energy of one is not known.
        estimated: Whether an energy of it is an estimate.
        shared_accuracy: Best values of all setups that learn alike; None where no other does.
    """

    setup: int
    batch_size: int | None
    effective_batch_size: int | None
    learning_rate: float | None
    repeats: int
    finished: int
    energy_j: Spread | None
    energy_per_epoch_j: Spread | None
    best_accuracy: Spread | None
    epochs: Spread | None
    setup_energy_j: Spread | None
    between_energy_j: Spread | None
    stop_reasons: tuple[StopReason, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    uncertainty_own_j: float = 0.0
    calibration: float | None = None
    time_s: Spread | None = None
    to_target: ToTarget | None = None
    boards: tuple[str | None, ...] = ()
    failed: int = 0
    cost: CostOfSuccess | None = None
    estimated: bool = False
    shared_accuracy: Spread | None = None

    @property
    def total_j(self) -> float | None:
        """Energy of a training: the mean, or where some failed what a success costs with them."""
        if self.energy_j is not None and self.cost is not None and self.cost.cost_j is not None:
            return self.cost.cost_j
        return None if self.energy_j is None else self.energy_j.mean

    @property
    def failed_share(self) -> float:
        """Share of its trials that failed, of those that ended; 0 where none has ended."""
        ended = self.failed + self.finished
        return self.failed / ended if ended else 0.0

    @property
    def accuracy(self) -> float | None:
        """Mean best value of the objective in validation; of a share, in [0, 1]."""
        return None if self.best_accuracy is None else self.best_accuracy.mean

    @property
    def without_energy(self) -> int:
        """Finished repeats that have no total energy."""
        return self.finished - (0 if self.energy_j is None else self.energy_j.count)


def trial_energies(
    epochs: pd.DataFrame,
    trials: pd.DataFrame,
    *,
    target: float | None = None,
    objective: Objective = ACCURACY,
) -> tuple[TrialEnergy, ...]:
    """The energy of each trial, in the order of `trials`.

    Args:
        epochs: Columns of `EpochRecord`; every trial of it is in `trials`.
        trials: Columns of `TrialRecord`.
        target: Value of the objective for the energy to target.
        objective: The validation metric that decides.
    """
    kept = counted_epochs(epochs)
    grouped = kept.assign(
        missing=kept["epoch_energy_j"].isna(),
        own_squares=kept["uncertainty_own_j"] ** 2,
        calibrated_j=kept["epoch_energy_j"].where(kept["uncertainty_common_j"].notna()),
        estimated=kept["energy_method"] == EnergyMethod.ESTIMATED.value,
    ).groupby("trial_id", sort=False)
    sums = grouped.agg(
        counted=("epoch", "size"),
        sum_j=("epoch_energy_j", "sum"),
        mean_j=("epoch_energy_j", "mean"),
        best=("val_score", objective.mode),
        missing=("missing", "sum"),
        estimated=("estimated", "any"),
        time=("epoch_time_s", "sum"),
        own_squares=("own_squares", "sum"),
        common_j=("uncertainty_common_j", "sum"),
        calibrated_j=("calibrated_j", "sum"),
    )
    if target is not None:
        reached = _energies_to_target(kept, target, objective)
        sums = sums.join(reached).assign(reached=sums.index.isin(reached.index))
    joined = trials.join(sums, on="trial_id").to_dict("records")
    return tuple(_trial_energy({str(k): v for k, v in row.items()}) for row in joined)


def setup_energies(
    setups: Sequence[SetupFacts], trials: Sequence[TrialEnergy]
) -> tuple[SetupEnergy, ...]:
    """The energy of each setup, in the order of their numbers.

    Args:
        setups: What was asked for; a setup without a trial has None for every quantity.
        trials: Trials of these setups, and of setups that were found on the way.
    """
    by_setup: dict[int, list[TrialEnergy]] = {facts.setup: [] for facts in setups}
    for trial in trials:
        by_setup.setdefault(trial.setup, []).append(trial)
    asked = {facts.setup: facts for facts in setups}
    return tuple(
        _setup_energy(asked.get(number) or _facts(repeats[0]), repeats)
        for number, repeats in sorted(by_setup.items())
    )


def _energies_to_target(
    epochs: pd.DataFrame, target: float, objective: Objective
) -> "pd.Series[float]":
    """Energy of each trial that reached the target up to the epoch that did; NaN where not known."""
    columns = (epochs[name] for name in ("stage", "epoch", "val_score", "epoch_energy_j"))
    by_trial: dict[str, list[TrainedEpoch]] = {}
    for trial_id, stage, epoch, score, energy_j in zip(epochs["trial_id"], *columns, strict=True):
        row = TrainedEpoch(stage, epoch, known_number(score), known_number(energy_j))
        by_trial.setdefault(trial_id, []).append(row)
    found = {each: energy_to_target(rows, objective, target) for each, rows in by_trial.items()}
    reached = {each: energy_j for each, (is_reached, energy_j) in found.items() if is_reached}
    return pd.Series(reached, dtype=float, name="to_target_j")


def relative_to_worst(energies_j: Sequence[float | None]) -> tuple[float | None, ...]:
    """Each energy as a share of the largest (paper, Figure 3); None where it is None.

    All are None where the largest is 0: nothing can be a share of nothing.
    """
    worst = max((energy for energy in energies_j if energy is not None), default=0.0)
    return tuple(None if e is None or worst == 0 else e / worst for e in energies_j)


def _trial_energy(row: dict[str, Any]) -> TrialEnergy:
    epochs, missing = known_count(row["counted"]) or 0, known_count(row["missing"]) or 0
    calibrated_j = known_number(row["calibrated_j"])
    return TrialEnergy(
        trial_id=row["trial_id"],
        setup=int(row["setup"]),
        batch_size=known_count(row["batch_size"]),
        effective_batch_size=known_count(row["effective_batch_size"]),
        learning_rate=known_number(row["learning_rate"]),
        status=TrialStatus(row["status"]),
        stop_reason=StopReason(row["stop_reason"]) if row["stop_reason"] else None,
        epochs=epochs,
        energy_j=None if missing or not epochs else known_number(row["sum_j"]),
        energy_per_epoch_j=known_number(row["mean_j"]),
        best_accuracy=known_number(row["best"]),
        missing_epochs=missing,
        setup_energy_j=known_number(row["setup_energy_j"]),
        between_energy_j=known_number(row["between_energy_j"]),
        wasted_energy_j=known_number(row["wasted_energy_j"]),
        uncertainty_own_j=math.sqrt(known_number(row["own_squares"]) or 0.0),
        calibration=row["common_j"] / calibrated_j if calibrated_j else None,
        time_s=known_number(row["time"]) or 0.0,
        # NaN of a trial without an epoch, which has reached nothing.
        reached=known_number(row["reached"]) == 1 if "reached" in row else None,
        to_target_j=known_number(row.get("to_target_j")),
        # Where some are missing pandas has NaN for them.
        board=row["device_uuid"] if isinstance(row["device_uuid"], str) else None,
        estimated=known_number(row["estimated"]) == 1,
    )


def _setup_energy(facts: SetupFacts, repeats: Sequence[TrialEnergy]) -> SetupEnergy:
    ended = [trial for trial in repeats if trial.finished]
    effective = [t.effective_batch_size for t in repeats if t.effective_batch_size is not None]
    return SetupEnergy(
        setup=facts.setup,
        batch_size=facts.batch_size,
        effective_batch_size=min(effective, default=None),
        learning_rate=facts.learning_rate,
        parameters=facts.parameters,
        repeats=len(repeats),
        finished=len(ended),
        energy_j=Spread.of(trial.energy_j for trial in ended),
        energy_per_epoch_j=Spread.of(trial.energy_per_epoch_j for trial in repeats),
        best_accuracy=Spread.of(trial.best_accuracy for trial in ended),
        epochs=Spread.of(float(trial.epochs) for trial in ended),
        setup_energy_j=Spread.of(trial.setup_energy_j for trial in repeats),
        between_energy_j=Spread.of(trial.between_energy_j for trial in repeats),
        stop_reasons=tuple(dict.fromkeys(t.stop_reason for t in repeats if t.stop_reason)),
        calibration=known_mean(trial.calibration for trial in ended),
        uncertainty_own_j=statistics.fmean(t.uncertainty_own_j for t in ended) if ended else 0.0,
        time_s=Spread.of(trial.time_s for trial in ended),
        to_target=to_target(repeats),
        boards=tuple(trial.board for trial in ended if trial.energy_j is not None),
        failed=sum(trial.failed for trial in repeats),
        cost=cost_with_failures(repeats),
        estimated=any(trial.estimated for trial in repeats),
    )


def _facts(trial: TrialEnergy) -> SetupFacts:
    return SetupFacts(
        setup=trial.setup, batch_size=trial.batch_size, learning_rate=trial.learning_rate
    )
