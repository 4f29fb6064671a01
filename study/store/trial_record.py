"""Row of a trial, computed from its epochs and the trackers' bookings.

A trial's energy is made up of windows: one over each attempt, and within it one over the set-up and one
for each epoch. What the attempt's window has beyond those is `between`. All energy that was booked for a
lost attempt is `wasted`, except for the epochs that a later attempt continued from.
"""

from collections.abc import Iterable, Mapping, Sequence

from study.record.attempts import counted
from study.record.bookings import WindowRecord
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.trial_energy import TrainedEpoch, energy_to_target
from study.record.vocabulary import (
    CUTS_EPOCH,
    LATENTS,
    PROFILE,
    TEST,
    EnergyScope,
    EnergyStatus,
    Paradigm,
    StopReason,
    TrialStatus,
)
from study.store.bookings import ranking_j_of
from study.store.setups import TrialPlan
from study.store.stage_order import still_to_train
from trackers.node.ledger import INTERIM, SETUP, TRIAL


def trial_record(
    plan: TrialPlan,
    *,
    epochs: list[EpochRecord],
    windows: list[WindowRecord],
    error: str | None,
    study: str,
    paradigm: Paradigm,
    scenario: str,
    objective: Objective,
    stages: Sequence[str],
    target: float | None,
    energy_of: EnergyScope = EnergyScope.ACCELERATOR,
    stopped: bool = False,
) -> TrialRecord:
    """Return the row of a trial.

    Args:
        plan: The trial, with its last attempt.
        epochs: Its epochs, of all attempts.
        windows: Its booked windows, of all attempts.
        error: Last line of its error message; None if nothing went wrong.
        study: Name of the study.
        paradigm: Kind of comparison that the study makes.
        scenario: Name of the scenario.
        objective: Validation metric that decides.
        stages: Stages that the trial trains.
        target: Value of the objective for `energy_to_target_j`; None for no target.
        energy_of: Scope of the energy that ranks; set-up, pauses and waste are given in it, too.
        stopped: Whether it was stopped for good, even before its first epoch ended.
    """
    attempts = {row.attempt for row in epochs} | {row.attempt for row in windows}
    attempt = max(attempts, default=plan.attempt)
    rows = counted_rows(epochs)
    last = rows[-1] if rows else None
    best_score = objective.best(row.val_score for row in rows)
    reached = (row.epoch for row in rows if row.val_score == best_score)
    tested = next((row for row in reversed(rows) if row.test_metrics is not None), None)
    booked_j = {each: ranking_j_of(windows, energy_of, attempt=each) for each in attempts}
    whole_j = {stage: joules for (stage, _), joules in booked_j.get(attempt, {}).items()}
    energy_j = total_j(row.epoch_energy_j for row in rows)
    status = _status(rows, stages, error, since=plan.attempt)
    cut_off = StopReason.STOPPED if stopped and status is TrialStatus.RUNNING else None
    test_j = [j for (stage, _), j in booked_j.get(attempt, {}).items() if stage == TEST]
    own_j = total_j(row.epoch_energy_j for row in rows if row.attempt == attempt)
    return TrialRecord(
        study=study,
        trial_id=plan.trial_id,
        status=TrialStatus.FINISHED if cut_off else status,
        stop_reason=last.stop_reason if last else cut_off,
        error=error if status is TrialStatus.FAILED else None,
        attempts=attempt,
        paradigm=paradigm,
        scenario=scenario,
        setup=plan.setup,
        batch_size=plan.batch_size,
        effective_batch_size=last.effective_batch_size if last else None,
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        node=last.node if last else None,
        device_uuid=last.device_uuid if last else None,
        device_name=last.device_name if last else None,
        epochs=sum(row.stop_reason not in CUTS_EPOCH for row in rows),
        best_val_score=best_score,
        best_epoch=None if best_score is None else min(reached),
        time_s=sum(row.epoch_time_s for row in rows),
        energy_j=energy_j if rows else None,
        setup_energy_j=whole_j.get(SETUP),
        between_energy_j=_between_j(
            whole_j.get(TRIAL),
            whole_j.get(SETUP),
            own_j,
            test_j=sum(each or 0.0 for each in test_j),
        ),
        wasted_energy_j=_known_sum(
            _wasted_j(each, rows, epochs, booked_j.get(each, {})) for each in range(1, attempt)
        ),
        missing_epochs=sum(row.energy_status is EnergyStatus.MISSING for row in rows),
        degraded_epochs=sum(row.energy_status is EnergyStatus.DEGRADED for row in rows),
        energy_method=next((row.energy_method for row in rows if row.energy_method), None),
        # With several stages it is not clear which count towards the target, except in a search, where a
        # frozen classifier is charged for the encoder before it.
        energy_to_target_j=energy_to_target_j(rows, objective, target)
        if len(stages) == 1 or paradigm is Paradigm.SEARCH
        else None,
        parameters=plan.parameters,
        test_score=tested.test_score if tested else None,
        test_metrics=tested.test_metrics if tested else None,
        gpu_energy_j=_component_j(row.gpu_energy_j for row in rows),
        cpu_energy_j=_component_j(row.cpu_energy_j for row in rows),
        memory_energy_j=_component_j(row.memory_energy_j for row in rows),
        node_energy_j=_component_j(row.node_energy_j for row in rows),
        test_energy_j=_component_j(test_j),
    )


def _component_j(energies_j: Iterable[float | None]) -> float | None:
    """Return the sum of one component's energies; None if one is missing or there are none."""
    energies_j = list(energies_j)
    return total_j(energies_j) if energies_j else None


def stage_rows(epochs: Iterable[EpochRecord], stage: str) -> list[EpochRecord]:
    """Return the epochs of one stage that count as part of the training, in order.

    Args:
        epochs: Epochs of one trial, of all attempts and stages.
        stage: Name of the stage.
    """
    return [row for row in counted_rows(epochs) if row.stage == stage]


def counted_rows(epochs: Iterable[EpochRecord]) -> list[EpochRecord]:
    """Return the epochs that count as part of the training, by stage in order of training, then by epoch.

    Epochs that a later attempt trained again are left out.

    Args:
        epochs: All epochs of one trial, of all attempts.
    """
    epochs = list(epochs)
    kept = counted((row.attempt, row.stage, row.epoch) for row in epochs)
    rows = [row for row in epochs if (row.attempt, row.stage, row.epoch) in kept]
    stages = list(dict.fromkeys(row.stage for row in rows))
    return sorted(rows, key=lambda row: (stages.index(row.stage), row.epoch))


def is_trained(epochs: Iterable[EpochRecord], stages: Sequence[str]) -> bool:
    """Return whether a trial has trained all it can, so that it need not be run again.

    This is also true of a trial that its study has stopped.

    Args:
        epochs: Its epochs, of all attempts.
        stages: Stages that it trains.
    """
    # Only the last row of a stage counts: a later attempt may have continued after a stop.
    last = {row.stage: row for row in counted_rows(epochs)}
    ended = {
        stage: row.stop_reason
        for stage, row in last.items()
        if row.stop_reason is not None and row.stop_reason is not StopReason.ERROR
    }
    return StopReason.STOPPED in ended.values() or not still_to_train(stages, ended)


def is_stopped(epochs: Iterable[EpochRecord]) -> bool:
    """Return whether a trial was stopped by its study, so that it could be continued.

    Args:
        epochs: Its epochs, of all attempts.
    """
    rows = counted_rows(epochs)
    return bool(rows) and rows[-1].stop_reason is StopReason.STOPPED


def _status(
    rows: list[EpochRecord], stages: Sequence[str], error: str | None, *, since: int
) -> TrialStatus:
    """Return the status of a trial; a failure before the attempt `since` is disregarded, as it is being rerun.

    A trial whose process was lost after all its training is finished nevertheless.
    """
    if is_trained(rows, stages):
        return TrialStatus.FINISHED
    failed = rows and rows[-1].stop_reason is StopReason.ERROR and rows[-1].attempt >= since
    return TrialStatus.FAILED if error is not None or failed else TrialStatus.RUNNING


def total_j(energies_j: Iterable[float | None]) -> float | None:
    """Return the sum of energies; None if any of them is missing."""
    total_j = 0.0
    for energy_j in energies_j:
        if energy_j is None:
            return None
        total_j += energy_j
    return total_j


def energy_to_target_j(
    rows: list[EpochRecord], objective: Objective, target: float | None
) -> float | None:
    """Return the energy up to and including the first epoch that reached the target; None if none did.

    Args:
        rows: The epochs that count, in order.
        objective: Validation metric that decides.
        target: Value of the objective to reach; None for no target.
    """
    epochs = (TrainedEpoch(row.stage, row.epoch, row.val_score, row.epoch_energy_j) for row in rows)
    _, energy_j = energy_to_target(epochs, objective, target)
    return energy_j


def _between_j(
    trial_j: float | None, setup_j: float | None, epochs_j: float | None, *, test_j: float
) -> float | None:
    """Return the energy of an attempt outside its set-up, epochs and tests; None if a part is missing."""
    if trial_j is None or setup_j is None or epochs_j is None:
        return None
    return max(0.0, trial_j - setup_j - epochs_j - test_j)


def _wasted_j(
    attempt: int,
    counted: list[EpochRecord],
    epochs: list[EpochRecord],
    booked_j: Mapping[tuple[str, int], float | None],
) -> float | None:
    """Return the energy of a lost attempt, less the epochs that a later one continued from; None if unknown."""
    used_j = _attempt_j(attempt, epochs, booked_j)
    if used_j is None:
        return None
    kept = (row.epoch_energy_j or 0.0 for row in counted if row.attempt == attempt)
    return max(0.0, used_j - sum(kept))


def _attempt_j(
    attempt: int, epochs: list[EpochRecord], booked_j: Mapping[tuple[str, int], float | None]
) -> float | None:
    """Return the known energy of a lost attempt; None if nothing was read.

    This is the energy of its whole window, if that was booked; otherwise the sum of its parts or the last
    interim reading of the window, whichever is larger.
    """
    whole_j = booked_j.get((TRIAL, 0))
    if whole_j is not None:
        return whole_j
    reported = {
        (row.stage, row.epoch): row.epoch_energy_j for row in epochs if row.attempt == attempt
    }
    so_far_j = booked_j.get((INTERIM, 0))
    # Latents and profiles are part of an epoch; the interim reading (`INTERIM`) includes everything.
    within = {LATENTS, PROFILE, INTERIM}
    parts = {**reported, **{place: j for place, j in booked_j.items() if place[0] not in within}}
    known_j = [energy_j for energy_j in parts.values() if energy_j is not None]
    if not known_j:
        return so_far_j
    return max(so_far_j or 0.0, sum(known_j))


def _known_sum(energies_j: Iterable[float | None]) -> float | None:
    """Return the sum of the known energies; 0 for no energies, None if there are some and none is known."""
    energies_j = list(energies_j)
    known_j = [each for each in energies_j if each is not None]
    return sum(known_j) if known_j or not energies_j else None
