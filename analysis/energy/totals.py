"""Energy of trials and setups, computed from the rows of their epochs, in joules and seconds.

For each trial the last attempt counts, together with the epochs of earlier attempts that it continued
from; the other energy of earlier attempts is `wasted_energy_j`. A sum with a missing part is None,
since a total without it would look like a saving. Energy before the first epoch (`setup_energy_j`)
and between epochs (`between_energy_j`) is kept apart from the energy of the epochs, as in the paper.
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
    """Energy and outcome of one trial: its epochs that count, and the energy used outside them.

    Attributes:
        trial_id: Identifier of the trial.
        setup: Number of its setup.
        batch_size: Requested batch size; None if the setup has none.
        effective_batch_size: The smaller of batch size and number of training samples; None if unknown.
        learning_rate: Requested learning rate; None if the setup has none.
        status: Status of the trial.
        stop_reason: Why its last stage ended; None if it has not.
        epochs: Number of epochs that count, over all stages.
        energy_j: Sum over these epochs; None without epochs, or if one of them has no energy.
        energy_per_epoch_j: Mean over the epochs that have an energy; None if none has.
        best_accuracy: Best value of the study's objective in any epoch; in [0, 1] if it is a share;
            None if no epoch has one.
        missing_epochs: Number of epochs without an energy.
        setup_energy_j: Energy before the first epoch; None if unknown.
        between_energy_j: Energy between epochs; None if unknown.
        wasted_energy_j: Energy of lost attempts, as far as it was measured; 0 if there was none, None
            if nothing was measured.
        uncertainty_own_j: Half-width of the 95 % interval of `energy_j` from the independent errors of
            the readings, added in quadrature; unknown ones count as 0.
        calibration: Systematic error that all readings of its board share, as a fraction of the
            energy: half-width of a 95 % interval; None if unknown.
        time_s: Time spent in its epochs.
        reached: Whether an epoch reached the target; None without a target.
        to_target_j: Energy up to and including the first epoch that reached the target; None if none
            did or the energy is unknown.
        board: UUIDs of the devices that it was measured on; None if unknown.
        estimated: Whether the energy of any of its epochs is an estimate.
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

        The total of a trial that a search stopped early is only a lower bound, and that of a trial
        that diverged or ran out of memory is the energy that the failure took.
        """
        return self.status is TrialStatus.FINISHED and self.stop_reason not in NOT_WHOLE

    @property
    def failed(self) -> bool:
        """Return whether it ended before completion, other than by a search's early stopping."""
        ended = self.status in (TrialStatus.FINISHED, TrialStatus.FAILED)
        return ended and not self.finished and self.stop_reason is not StopReason.STOPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupEnergy:
    """Energy and accuracy of one setup over its repeats.

    Totals, epochs and accuracy are taken from the trials that were trained to their end
    (`TrialEnergy.finished`); the energy per epoch from all trials that have an epoch with an energy.
    A `Spread` is None where no such trial has a value.

    Attributes:
        setup: Number of the setup.
        batch_size: Requested batch size; None if the setup has none.
        effective_batch_size: The smaller of batch size and number of training samples; None if unknown.
        learning_rate: Requested learning rate; None if the setup has none.
        repeats: Number of trials that were started.
        finished: Number of trials that were trained to their end.
        energy_j: Energy of a training's epochs.
        energy_per_epoch_j: Mean over repeats of each repeat's mean over its epochs, so that every
            repeat has the same weight regardless of its length (paper, Table 2).
        best_accuracy: Best value of the study's objective; in [0, 1] if it is a share.
        epochs: Number of epochs until training stopped.
        setup_energy_j: Energy of a trial before its first epoch.
        between_energy_j: Energy of a trial between epochs.
        stop_reasons: Distinct reasons why its trials stopped.
        parameters: Parameters besides batch size and learning rate, for example `{"alpha": 0.5}`.
        uncertainty_own_j: Mean over finished trials of `TrialEnergy.uncertainty_own_j`.
        calibration: Mean over finished trials of `TrialEnergy.calibration`; None if unknown.
        time_s: Time spent in the epochs of a training.
        to_target: Energy to the target, including trainings that missed it; None without a target.
        boards: Board that each energy was measured on, in the order of `energy_j.values`; None for one
            that is unknown.
        failed: Number of trials that failed: diverged, ran out of memory or raised an error.
        cost: Energy of all trials per successful one; None if no trial failed or an energy is unknown.
        estimated: Whether any of its energies is an estimate.
        shared_accuracy: Best values of all setups that differ from this one in cost alone, one for
            each seed; None if there are no others.
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
        """Mean energy of a training; if some failed, the energy of all per successful one."""
        if self.energy_j is not None and self.cost is not None and self.cost.cost_j is not None:
            return self.cost.cost_j
        return None if self.energy_j is None else self.energy_j.mean

    @property
    def failed_share(self) -> float:
        """Share of failed trials among those that finished or failed; 0 if there are none."""
        ended = self.failed + self.finished
        return self.failed / ended if ended else 0.0

    @property
    def accuracy(self) -> float | None:
        """Mean over repeats of the best validation value of the objective; in [0, 1] if it is a share."""
        return None if self.best_accuracy is None else self.best_accuracy.mean

    @property
    def without_energy(self) -> int:
        """Number of finished repeats that have no total energy."""
        return self.finished - (0 if self.energy_j is None else self.energy_j.count)


def trial_energies(
    epochs: pd.DataFrame,
    trials: pd.DataFrame,
    *,
    target: float | None = None,
    objective: Objective = ACCURACY,
) -> tuple[TrialEnergy, ...]:
    """Compute the energy of each trial, in the order of `trials`.

    Args:
        epochs: Rows with the columns of `EpochRecord`; all their trials must be in `trials`.
        trials: Rows with the columns of `TrialRecord`.
        target: Value of the objective for the energy to target; None if there is none.
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
    """Combine trials into the energy of each setup, ordered by setup number.

    Args:
        setups: Setups of the manifest; one without a trial has None for every measured quantity.
        trials: Trials of these setups, and of further setups that a search proposed.
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
    """Return the energy to target of each trial that reached the target; NaN where it is unknown."""
    columns = (epochs[name] for name in ("stage", "epoch", "val_score", "epoch_energy_j"))
    by_trial: dict[str, list[TrainedEpoch]] = {}
    for trial_id, stage, epoch, score, energy_j in zip(epochs["trial_id"], *columns, strict=True):
        row = TrainedEpoch(stage, epoch, known_number(score), known_number(energy_j))
        by_trial.setdefault(trial_id, []).append(row)
    found = {each: energy_to_target(rows, objective, target) for each, rows in by_trial.items()}
    reached = {each: energy_j for each, (is_reached, energy_j) in found.items() if is_reached}
    return pd.Series(reached, dtype=float, name="to_target_j")


def relative_to_worst(energies_j: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return each energy as a share of the largest (paper, Figure 3); None where it is None.

    All are None if the largest is 0.
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
        # NaN for a trial without an epoch, which has not reached the target.
        reached=known_number(row["reached"]) == 1 if "reached" in row else None,
        to_target_j=known_number(row.get("to_target_j")),
        # A missing one may be NaN instead of None.
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
