"""Energy of each stage of each trial, on which the comparisons of pretraining and multitask are based.

As in `analysis.energy.totals`, the epochs of a trial's last attempt and those that it continued from
count, and a sum with a missing part is None. A stage that diverged, ran out of memory, failed or
still runs is shown but not `complete`: its energy is not that of a training, and no comparison uses it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.energy.known import known_number
from analysis.energy.spread import Spread
from analysis.read.counted import counted_epochs
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY, Objective, metrics_of
from study.record.vocabulary import Stage, StopReason

_COMPLETE = frozenset({StopReason.PATIENCE, StopReason.MAX_EPOCHS})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStage:
    """One stage of one trial.

    Attributes:
        trial_id: Identifier of the trial.
        setup: Number of its setup.
        seed: Seed of weights and data order; the same seed in two setups marks the same repeat.
        stage: Name of the stage.
        epochs: Number of its epochs that count.
        energy_j: Sum over these epochs; None if one of them has no energy.
        energy_per_epoch_j: Mean over the epochs that have an energy; None if none has.
        time_s: Time spent in its epochs.
        accuracy: Best value of the objective; None for a stage without one (`encoder`).
        by_task: Objective of each task in the epoch of `accuracy`; empty outside multitask.
        missing_epochs: Number of epochs without an energy.
        stop_reason: Why the stage ended; None while it runs.
    """

    trial_id: str
    setup: int
    seed: int
    stage: str
    epochs: int
    energy_j: float | None
    energy_per_epoch_j: float | None
    time_s: float
    accuracy: float | None
    by_task: Mapping[str, float]
    missing_epochs: int
    stop_reason: StopReason | None

    @property
    def complete(self) -> bool:
        """Return whether the stage was trained to its end, so that its energy is that of a training."""
        return self.stop_reason in _COMPLETE


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupStage:
    """One stage of one setup over its repeats.

    Energy, epochs and accuracies are taken from the complete stages only; a `Spread` is None where
    none of them has a value.

    Attributes:
        setup: Number of the setup.
        batch_size: Requested batch size; None if the setup has none.
        learning_rate: Requested learning rate; None if the setup has none.
        parameters: Parameters besides these, for example `{"alpha": 0.5}`.
        stage: Name of the stage.
        repeats: Number of trials that have begun the stage.
        complete: Number of trials that have trained it to its end.
        energy_j: Energy of the stage.
        energy_per_epoch_j: Mean over repeats of each repeat's mean over its epochs.
        epochs: Number of epochs until the stage stopped.
        accuracy: Best value of the objective; in [0, 1] if it is a share.
        by_task: Objective of each task in the best epoch; empty outside multitask.
        stop_reasons: Distinct reasons why the stage ended.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    stage: str
    repeats: int
    complete: int
    energy_j: Spread | None
    energy_per_epoch_j: Spread | None
    epochs: Spread | None
    accuracy: Spread | None
    by_task: Mapping[str, Spread]
    stop_reasons: tuple[StopReason, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def trial_stages(epochs: pd.DataFrame, objective: Objective = ACCURACY) -> tuple[TrialStage, ...]:
    """Compute each stage that a trial has begun, ordered by setup, seed and the paper's order of stages.

    Args:
        epochs: Rows with the columns of `EpochRecord`.
        objective: The validation metric that decides.
    """
    kept = counted_epochs(epochs).sort_values("epoch", kind="stable")
    if kept.empty:
        return ()
    key = ["trial_id", "stage"]
    best = kept.dropna(subset=["val_score"])
    scores = best.groupby(key, sort=False)["val_score"]
    rows_of_best = scores.idxmax() if objective.mode == "max" else scores.idxmin()
    at_best = best.loc[rows_of_best].set_index(key)
    grouped = kept.assign(missing=kept["epoch_energy_j"].isna()).groupby(key, sort=False)
    sums = grouped.agg(
        setup=("setup", "first"),
        seed=("seed", "first"),
        counted=("epoch", "size"),
        sum_j=("epoch_energy_j", "sum"),
        mean_j=("epoch_energy_j", "mean"),
        time_s=("epoch_time_s", "sum"),
        missing=("missing", "sum"),
    )
    # pandas' `last` would skip missing values, but only the reason on the last row counts.
    last = kept.drop_duplicates(key, keep="last").set_index(key)["stop_reason"]
    heads = at_best[["val_score", "val_metrics"]]
    rows = sums.join(last).join(heads).reset_index().to_dict("records")
    order: dict[str, int] = {stage: number for number, stage in enumerate(Stage)}
    found = [_trial_stage({str(k): v for k, v in row.items()}, objective) for row in rows]
    return tuple(
        sorted(found, key=lambda each: (each.setup, each.seed, order.get(each.stage, len(order))))
    )


def setup_stages(
    setups: Sequence[SetupFacts], stages: Sequence[str], trials: Iterable[TrialStage]
) -> tuple[SetupStage, ...]:
    """Combine the trials into each stage of each setup, ordered by setup, then stage.

    Args:
        setups: Setups of the manifest.
        stages: Names of the study's stages, in order.
        trials: Stages of the trials; a stage that no trial has begun has None for every quantity.
    """
    found: dict[tuple[int, str], list[TrialStage]] = {}
    for trial in trials:
        found.setdefault((trial.setup, trial.stage), []).append(trial)
    return tuple(
        _setup_stage(facts, stage, found.get((facts.setup, stage), []))
        for facts in setups
        for stage in stages
    )


def energies_by_repeat(
    trials: Iterable[TrialStage],
) -> dict[int, dict[int, dict[str, float | None]]]:
    """Return the joules of stages by setup, seed and stage; None unless the stage is complete."""
    found: dict[int, dict[int, dict[str, float | None]]] = {}
    for each in trials:
        repeat = found.setdefault(each.setup, {}).setdefault(each.seed, {})
        repeat[each.stage] = each.energy_j if each.complete else None
    return found


def frames_of_stage(
    epochs: pd.DataFrame, trials: pd.DataFrame, stage: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the epochs of one stage, and the trials with that stage's stop reason.

    Trials and setups can then be analysed as if they had this stage alone.

    Args:
        epochs: Rows with the columns of `EpochRecord`.
        trials: Rows with the columns of `TrialRecord`.
        stage: Name of the stage.
    """
    epochs = counted_epochs(epochs)
    kept = epochs[epochs["stage"] == stage]
    last = kept.sort_values("epoch", kind="stable")
    reasons = last.drop_duplicates("trial_id", keep="last").set_index("trial_id")["stop_reason"]
    own = trials["trial_id"].map(reasons).astype("object")
    return kept, trials.assign(stop_reason=own.where(own.notna(), None))


def _trial_stage(row: Mapping[str, Any], objective: Objective) -> TrialStage:
    missing = int(row["missing"])
    metrics = metrics_of(row["val_metrics"] if isinstance(row["val_metrics"], str) else None)
    of_task = objective.of_task("")
    return TrialStage(
        trial_id=row["trial_id"],
        setup=int(row["setup"]),
        seed=int(row["seed"]),
        stage=row["stage"],
        epochs=int(row["counted"]),
        energy_j=None if missing else float(row["sum_j"]),
        energy_per_epoch_j=known_number(row["mean_j"]),
        time_s=float(row["time_s"]),
        accuracy=known_number(row["val_score"]),
        by_task={
            name.removesuffix(of_task): score
            for name, score in metrics.items()
            if name.endswith(of_task)
        },
        missing_epochs=missing,
        stop_reason=StopReason(row["stop_reason"]) if row["stop_reason"] else None,
    )


def _setup_stage(facts: SetupFacts, stage: str, repeats: Sequence[TrialStage]) -> SetupStage:
    ended = [each for each in repeats if each.complete]
    return SetupStage(
        setup=facts.setup,
        batch_size=facts.batch_size,
        learning_rate=facts.learning_rate,
        parameters=facts.parameters,
        stage=stage,
        repeats=len(repeats),
        complete=len(ended),
        energy_j=Spread.of(each.energy_j for each in ended),
        energy_per_epoch_j=Spread.of(each.energy_per_epoch_j for each in ended),
        epochs=Spread.of(float(each.epochs) for each in ended),
        accuracy=Spread.of(each.accuracy for each in ended),
        by_task=_over_repeats([each.by_task for each in ended]),
        stop_reasons=tuple(dict.fromkeys(e.stop_reason for e in repeats if e.stop_reason)),
    )


def _over_repeats(by_task: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    tasks = dict.fromkeys(task for each in by_task for task in each)
    found = {task: Spread.of(each.get(task) for each in by_task) for task in tasks}
    return {task: spread for task, spread in found.items() if spread is not None}
