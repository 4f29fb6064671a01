"""Keeps a study's rows as they come, and writes its tables.

A trial's energy is made up of windows: one over each attempt, within it one over the set-up and one
for each epoch. What the attempt's window has beyond those is `between`. An attempt that was lost is
`wasted`, with all that was booked of it.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import final

from study.bookings import PowerRecord, WindowRecord
from study.records import (
    EPOCHS_FILE,
    LATENTS,
    POWER_FILE,
    TRIALS_CSV_FILE,
    TRIALS_FILE,
    WINDOWS_FILE,
    EnergyMethod,
    EnergyStatus,
    EpochRecord,
    Paradigm,
    Stage,
    StopReason,
    TrialRecord,
    TrialStatus,
)
from study.results import StudyFolder
from study.setups import TrialPlan
from study.stage_order import chosen_stages, still_to_train
from trackers.ledger import SETUP, TRIAL, BookedPower, BookedWindow, Booking

FLUSH_S = 10.0
"""What was reported is on storage at most so much later."""

FLUSH_PAUSE_S = 1.0
"""A stage that ends is written at once, but not sooner than this after the writing before."""

BROKEN_OFF = frozenset({StopReason.OUT_OF_MEMORY, StopReason.ERROR})
"""On the row of an epoch that did not get to its end."""

FLUSH_SHARE = 0.05
"""Most of the driver's time that writing takes: tables are written whole, so that a study with many
rows is written less often."""

_Place = tuple[int, str, int]
"""Attempt, stage and epoch: what each trial has one row of."""


@final
class Recorder:
    """All rows of a study: those of an earlier command, and those that come."""

    def __init__(
        self,
        folder: StudyFolder,
        *,
        study: str,
        paradigm: Paradigm,
        scenario: str,
        stages: Sequence[Stage],
        target_accuracy: float | None,
    ) -> None:
        """Record into `folder`; rows that lie there already are kept."""
        self._folder = folder
        self._study = study
        self._paradigm = paradigm
        self._scenario = scenario
        self._stages = stages
        self._target_accuracy = target_accuracy
        self._plans: dict[str, TrialPlan] = {}
        self._errors: dict[str, str] = {}
        self._power: list[PowerRecord] = []
        self._due_s = time.monotonic() + FLUSH_S
        self._rested_s = time.monotonic()
        # By trial, so that what concerns one trial does not look at the others.
        self._epochs: defaultdict[str, dict[_Place, EpochRecord]] = defaultdict(dict)
        self._windows: defaultdict[str, dict[_Place, WindowRecord]] = defaultdict(dict)
        for row in folder.read_rows(EPOCHS_FILE):
            self.add(EpochRecord.from_row(row))
        for row in folder.read_rows(WINDOWS_FILE):
            self._add_window(WindowRecord.from_row(row))

    def expect(self, plans: Iterable[TrialPlan]) -> list[TrialPlan]:
        """Take note of the study's trials, and tell which of them are still to be run.

        A trial that has ended before is not run again. One that was begun is, as a new attempt,
        and with the attempt that its plan has, if that is later.
        """
        remaining = []
        for plan in plans:
            epochs, windows = self._of(plan)
            rows = list(epochs.values())
            self._plans[plan.trial_id] = plan
            if _is_through(rows, chosen_stages(self._stages, plan.chosen)):
                continue
            begun = {attempt for attempt, _, _ in (*epochs, *windows)}
            again = plan.again(
                attempt=max(plan.attempt, max(begun, default=0) + 1),
                energy_before_j=_total_j(row.epoch_energy_j for row in rows),
            )
            self._plans[plan.trial_id] = again
            remaining.append(again)
        return remaining

    def add(self, record: EpochRecord) -> None:
        """Take an epoch's row; a later one for the same epoch takes its place."""
        self._epochs[record.trial_id][record.attempt, record.stage, record.epoch] = record
        if record.stop_reason is not None:
            self._due_s = min(self._due_s, self._rested_s)

    def add_error(self, trial_id: str, error: str) -> None:
        """Take note of what went wrong in a trial."""
        self._errors[trial_id] = error.strip().splitlines()[-1] if error.strip() else "no message"

    def add_booking(self, booking: Booking) -> None:
        """Take what a tracker has booked."""
        for booked in booking.windows:
            self._add_window(_window_record(booked))
        self._power += [_power_record(booking.hostname, sample) for sample in booking.power]

    def trials(self) -> list[TrialRecord]:
        """One record for each trial that was begun, in the order of setups and seeds."""
        begun = self._epochs.keys() | self._windows.keys() | self._errors.keys()
        plans = sorted(self._plans.values(), key=lambda plan: (plan.setup, plan.seed))
        return [self._trial(plan) for plan in plans if plan.trial_id in begun]

    def flush_due(self) -> bool:
        """Whether it is time to write what has come."""
        return time.monotonic() >= self._due_s

    def flush(self) -> None:
        """Write all tables."""
        start_s = time.monotonic()
        # Also where the storage is away:
        self._rested_s = self._due_s = start_s + FLUSH_S
        trials = [trial.to_row() for trial in self.trials()]
        epochs = [row.to_row() for rows in self._epochs.values() for row in rows.values()]
        windows = [row.to_row() for rows in self._windows.values() for row in rows.values()]
        self._folder.write_rows(EPOCHS_FILE, EpochRecord, epochs)
        self._folder.write_rows(WINDOWS_FILE, WindowRecord, windows)
        self._folder.write_rows(TRIALS_FILE, TrialRecord, trials)
        self._folder.write_csv(TRIALS_CSV_FILE, TrialRecord, trials)
        if self._power:
            # Parts, because the power log grows with time and not with results.
            part = f"{POWER_FILE}/part-{time.time_ns()}.parquet"
            self._folder.write_rows(part, PowerRecord, [row.to_row() for row in self._power])
            self._power.clear()
        now_s = time.monotonic()
        rest_s = (now_s - start_s) / FLUSH_SHARE
        self._rested_s = now_s + max(FLUSH_PAUSE_S, rest_s)
        self._due_s = now_s + max(FLUSH_S, rest_s)

    def _add_window(self, window: WindowRecord) -> None:
        self._windows[window.trial_id][window.attempt, window.stage, window.epoch] = window

    def _of(
        self, plan: TrialPlan
    ) -> tuple[Mapping[_Place, EpochRecord], Mapping[_Place, WindowRecord]]:
        """Epochs and windows of a trial, of all attempts; looking makes no entry."""
        return self._epochs.get(plan.trial_id, {}), self._windows.get(plan.trial_id, {})

    def _trial(self, plan: TrialPlan) -> TrialRecord:
        epochs, windows = self._of(plan)
        return trial_record(
            plan,
            epochs=list(epochs.values()),
            windows=list(windows.values()),
            error=self._errors.get(plan.trial_id),
            study=self._study,
            paradigm=self._paradigm,
            scenario=self._scenario,
            stages=chosen_stages(self._stages, plan.chosen),
            target_accuracy=self._target_accuracy,
        )


def trial_record(
    plan: TrialPlan,
    *,
    epochs: list[EpochRecord],
    windows: list[WindowRecord],
    error: str | None,
    study: str,
    paradigm: Paradigm,
    scenario: str,
    stages: Sequence[Stage],
    target_accuracy: float | None,
) -> TrialRecord:
    """What a trial came to.

    Args:
        plan: The trial, with its last attempt.
        epochs: Its epochs, of all attempts.
        windows: Its booked windows, of all attempts.
        error: Last line of what went wrong; None if nothing did.
        study: Name of the study.
        paradigm: What the study compares.
        scenario: Name of the scenario.
        stages: What the trial trains.
        target_accuracy: Accuracy for `energy_to_target_j`.
    """
    attempts = {row.attempt for row in epochs} | {row.attempt for row in windows}
    attempt = max(attempts, default=plan.attempt)
    rows = _in_order([row for row in epochs if row.attempt == attempt])
    last = rows[-1] if rows else None
    best = max(
        (row for row in rows if row.val_accuracy is not None),
        key=lambda row: (row.val_accuracy or 0.0, -row.epoch),
        default=None,
    )
    whole_j = {row.stage: row.energy_j for row in windows if row.attempt == attempt}
    energy_j = _total_j(row.epoch_energy_j for row in rows)
    return TrialRecord(
        study=study,
        trial_id=plan.trial_id,
        status=_status(rows, stages, error),
        stop_reason=last.stop_reason if last else None,
        error=error,
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
        epochs=sum(row.stop_reason not in BROKEN_OFF for row in rows),
        best_val_accuracy=best.val_accuracy if best else None,
        best_epoch=best.epoch if best else None,
        time_s=sum(row.epoch_time_s for row in rows),
        energy_j=energy_j if rows else None,
        setup_energy_j=whole_j.get(SETUP),
        between_energy_j=_between_j(whole_j.get(TRIAL), whole_j.get(SETUP), energy_j),
        wasted_energy_j=sum(_attempt_j(each, epochs, windows) for each in attempts - {attempt}),
        missing_epochs=sum(row.energy_status is EnergyStatus.MISSING for row in rows),
        degraded_epochs=sum(row.energy_status is EnergyStatus.DEGRADED for row in rows),
        energy_method=next((row.energy_method for row in rows if row.energy_method), None),
        # Of several stages only a frozen classifier's has the one before it in its price.
        energy_to_target_j=_energy_to_target_j(rows, target_accuracy)
        if len(stages) == 1 or paradigm is Paradigm.SEARCH
        else None,
        parameters=plan.parameters,
    )


def _energy_to_target_j(rows: list[EpochRecord], target: float | None) -> float | None:
    """Energy up to the first epoch that reached the target; None where none did."""
    for index, row in enumerate(rows, start=1):
        if target is not None and row.val_accuracy is not None and row.val_accuracy >= target:
            return _total_j(each.epoch_energy_j for each in rows[:index])
    return None


def _in_order(rows: list[EpochRecord]) -> list[EpochRecord]:
    """Rows of one attempt by stage, as they came, and within it by epoch."""
    stages = list(dict.fromkeys(row.stage for row in rows))
    return sorted(rows, key=lambda row: (stages.index(row.stage), row.epoch))


def _is_through(rows: Iterable[EpochRecord], stages: Sequence[Stage]) -> bool:
    """Whether an attempt of a trial has trained all it can, so that it need not be run again."""
    reasons: dict[int, dict[Stage, StopReason]] = {}
    for row in rows:
        if row.stop_reason is not None and row.stop_reason is not StopReason.ERROR:
            reasons.setdefault(row.attempt, {})[Stage(row.stage)] = row.stop_reason
    return any(
        StopReason.STOPPED in ended.values() or not still_to_train(stages, ended)
        for ended in reasons.values()
    )


def _status(rows: list[EpochRecord], stages: Sequence[Stage], error: str | None) -> TrialStatus:
    if error is not None or (rows and rows[-1].stop_reason is StopReason.ERROR):
        return TrialStatus.FAILED
    return TrialStatus.FINISHED if _is_through(rows, stages) else TrialStatus.RUNNING


def _total_j(energies_j: Iterable[float | None]) -> float | None:
    """Sum of energies; None as soon as one of them is missing."""
    total_j = 0.0
    for energy_j in energies_j:
        if energy_j is None:
            return None
        total_j += energy_j
    return total_j


def _between_j(
    trial_j: float | None, setup_j: float | None, epochs_j: float | None
) -> float | None:
    """What an attempt used outside its set-up and epochs; None where a part is missing."""
    if trial_j is None or setup_j is None or epochs_j is None:
        return None
    return max(0.0, trial_j - setup_j - epochs_j)


def _attempt_j(attempt: int, epochs: list[EpochRecord], windows: list[WindowRecord]) -> float:
    """What is known of a lost attempt's energy: its whole window, else the sum of its parts."""
    booked: Mapping[tuple[str, int], float | None] = {
        (row.stage, row.epoch): row.energy_j for row in windows if row.attempt == attempt
    }
    whole_j = booked.get((TRIAL, 0))
    if whole_j is not None:
        return whole_j
    reported = {
        (row.stage, row.epoch): row.epoch_energy_j for row in epochs if row.attempt == attempt
    }
    parts = {**reported, **booked, (LATENTS, 0): None}  # latents lie within an epoch
    return sum(energy_j for energy_j in parts.values() if energy_j is not None)


def _window_record(booked: BookedWindow) -> WindowRecord:
    reading = booked.reading
    return WindowRecord(
        trial_id=booked.key.trial_id,
        attempt=booked.key.attempt,
        stage=booked.key.stage,
        epoch=booked.key.epoch,
        device_uuid=reading.device_uuid,
        start_s=reading.start_s,
        duration_s=reading.duration_s,
        energy_j=reading.energy_j,
        energy_method=None if reading.method is None else EnergyMethod(reading.method.value),
        energy_status=EnergyStatus(reading.status.value),
        note=reading.note,
    )


def _power_record(hostname: str, sample: BookedPower) -> PowerRecord:
    key = sample.key
    return PowerRecord(
        node=hostname,
        device_uuid=sample.device_uuid,
        trial_id=None if key is None else key.trial_id,
        attempt=None if key is None else key.attempt,
        stage=None if key is None else "between" if key.stage == TRIAL else key.stage,
        epoch=None if key is None else key.epoch,
        unix_time_s=sample.unix_time_s,
        power_w=sample.power_w,
    )
