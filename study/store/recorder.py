"""Recorder of a study: keeps its rows in memory as they arrive, and writes its tables."""

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import final

from study.record.attempts import Place
from study.record.bookings import PowerRecord, WindowRecord
from study.record.files import EPOCHS_FILE, POWER_FILE, TRIALS_CSV_FILE, TRIALS_FILE, WINDOWS_FILE
from study.record.objective import Objective
from study.record.records import NO_MESSAGE, EpochRecord, TrialRecord, error_line
from study.record.vocabulary import EnergyScope, Paradigm, StopReason, TrialStatus
from study.store.checkpoint_files import CHECKPOINTS_FOLDER, attempts_with_checkpoint
from study.store.folder import StudyFolder
from study.store.parts import trial_and_rank
from study.store.setups import TrialPlan
from study.store.stage_order import chosen_stages
from study.store.trial_record import is_stopped, is_trained, total_j, trial_record
from trackers.node.ledger import INTERIM, TRIAL, BookedPower, BookedWindow, Booking

FLUSH_S = 10.0
"""Usual seconds between two flushes; longer if `FLUSH_SHARE` requires it."""

FLUSH_PAUSE_S = 1.0
"""Minimum seconds between a flush and the next one, which the end of a stage makes due at once."""

FLUSH_SHARE = 0.05
"""Maximum share of the driver's time that writing takes. Tables are rewritten whole, so a study with many
rows is written less often."""

Booked = tuple[Place, int, str]
"""Key of a window's row: place of the window, rank of the trial's process, and UUID of the device."""


@final
class Recorder:
    """Holds all rows of a study, those of earlier commands and new ones.

    Attributes:
        energy_of: Scope of the energy that ranks; may be set later, once the machines are known.
    """

    def __init__(
        self,
        folder: StudyFolder,
        *,
        study: str,
        paradigm: Paradigm,
        scenario: str,
        stages: Sequence[str],
        objective: Objective,
        target: float | None,
        energy_of: EnergyScope = EnergyScope.ACCELERATOR,
    ) -> None:
        """Load the rows that `folder` holds already, and record into it.

        Args:
            folder: Folder of the study.
            study: Name of the study.
            paradigm: Kind of comparison that the study makes.
            scenario: Name of the scenario.
            stages: Stages that the study trains.
            objective: Validation metric that decides.
            target: Value of the objective for `energy_to_target_j`; None for no target.
            energy_of: Scope of the energy that ranks.
        """
        self.energy_of = energy_of
        self._folder = folder
        self._study = study
        self._paradigm = paradigm
        self._scenario = scenario
        self._stages = stages
        self._objective = objective
        self._target = target
        self._plans: dict[str, TrialPlan] = {}
        rows = folder.read_rows(TRIALS_FILE)
        self._errors: dict[str, str] = {
            row["trial_id"]: row["error"] or NO_MESSAGE
            for row in rows
            if row["status"] == TrialStatus.FAILED
        }
        self._stopped: set[str] = {
            row["trial_id"]
            for row in rows
            if row["stop_reason"] == StopReason.STOPPED and not row["epochs"]
        }
        # Attempts known only by their checkpoints, from a driver that was killed before writing rows.
        self._left = attempts_with_checkpoint(folder.names(CHECKPOINTS_FOLDER))
        self._power: list[PowerRecord] = []
        self._due_s = time.monotonic() + FLUSH_S
        self._earliest_flush_s = time.monotonic()
        # Indexed by trial, so that work on one trial does not scan the others.
        self._epochs: defaultdict[str, dict[Place, EpochRecord]] = defaultdict(dict)
        self._windows: defaultdict[str, dict[Booked, WindowRecord]] = defaultdict(dict)
        for row in folder.each_row(EPOCHS_FILE):
            self.add(EpochRecord.from_row(row))
        for row in folder.each_row(WINDOWS_FILE):
            self._add_window(WindowRecord.from_row(row))

    def expect(
        self, plans: Iterable[TrialPlan], *, retry_failed: bool = False, paused: bool = False
    ) -> list[TrialPlan]:
        """Register trials of the study, and return those that are still to be run.

        A trial that was begun but has not ended is returned with the number of its next attempt (that
        of its plan, if higher) and the energy that its earlier attempts used.

        Args:
            plans: The trials.
            retry_failed: Also return trials that failed.
            paused: Also return trials that their study stopped, to be continued.
        """
        remaining = []
        for plan in plans:
            epochs, windows = self._of(plan)
            rows = list(epochs.values())
            self._plans[plan.trial_id] = plan
            if self.is_trained(plan) and not (paused and is_stopped(rows)):
                continue
            was_stopped = plan.trial_id in self._stopped and not paused
            if not retry_failed and (plan.trial_id in self._errors or was_stopped):
                continue
            self._errors.pop(plan.trial_id, None)
            self._stopped.discard(plan.trial_id)
            begun = {attempt for attempt, _, _ in (*epochs, *(place for place, _, _ in windows))}
            begun.update(self._left.get(plan.trial_id, ()))
            again = plan.again(
                attempt=max(plan.attempt, max(begun, default=0) + 1),
                # The row of an epoch that was never begun lacks an energy, but the epoch used none.
                energy_before_j=total_j(row.epoch_energy_j for row in rows if row.epoch_time_s > 0),
            )
            self._plans[plan.trial_id] = again
            remaining.append(again)
        return remaining

    def is_trained(self, plan: TrialPlan) -> bool:
        """Return whether a trial needs no more training; see `study.store.trial_record.is_trained`."""
        rows, _ = self._of(plan)
        return is_trained(rows.values(), chosen_stages(self._stages, plan.chosen))

    def epochs_of(self, trial_id: str) -> list[EpochRecord]:
        """Return the rows of a trial's epochs, of all attempts."""
        return list(self._epochs.get(trial_id, {}).values())

    def add(self, record: EpochRecord) -> None:
        """Add an epoch's row; it replaces an earlier row of the same epoch."""
        if record.study != self._study:  # the study has been renamed since
            record = replace(record, study=self._study)
        self._epochs[record.trial_id][record.attempt, record.stage, record.epoch] = record
        if record.stop_reason is not None:
            self._due_s = min(self._due_s, self._earliest_flush_s)

    def add_missing(self, records: Iterable[EpochRecord]) -> list[EpochRecord]:
        """Add rows that were kept elsewhere, if there is no row of their epoch yet; return those added."""
        new = []
        for each in records:
            if (each.attempt, each.stage, each.epoch) not in self._epochs.get(each.trial_id, {}):
                self.add(each)
                new.append(each)
        return new

    def add_error(self, trial_id: str, error: str) -> None:
        """Record the error of a trial; only its last line is kept."""
        self._errors[trial_id] = error_line(error)

    def add_stopped(self, trial_id: str) -> None:
        """Take note that a trial was stopped for good before its first epoch ended."""
        self._stopped.add(trial_id)

    def rename(self, present: Mapping[str, str]) -> None:
        """Move all rows of trials to the new identifiers under which the trials continue.

        Args:
            present: New identifier of each trial, by its old one.
        """
        for trial_id, now in present.items():
            self._epochs[now] = {
                place: replace(row, trial_id=now)
                for place, row in self._epochs.pop(trial_id, {}).items()
            }
            self._windows[now] = {
                booked: replace(row, trial_id=now)
                for booked, row in self._windows.pop(trial_id, {}).items()
            }
            if trial_id in self._errors:
                self._errors[now] = self._errors.pop(trial_id)
            if trial_id in self._stopped:
                self._stopped.remove(trial_id)
                self._stopped.add(now)
        parts = self._folder.names(POWER_FILE) if present else ()
        for part in (
            each for each in parts if not each.startswith(".")
        ):  # such a file is incomplete
            self._folder.replace_words(f"{POWER_FILE}/{part}", "trial_id", present)

    def clear_error(self, trial_id: str) -> None:
        """Remove a trial's error: the machine was at fault, and the trial is rerun elsewhere."""
        self._errors.pop(trial_id, None)

    def add_booking(self, booking: Booking) -> None:
        """Add the windows and power samples that a tracker has booked."""
        for booked in booking.windows:
            for row in _window_records(booked):
                self._add_window(row)
            if booked.key.stage == TRIAL:
                self._forget_interim(*trial_and_rank(booked.key.trial_id), booked.key.attempt)
        self._power += [_power_record(booking.hostname, sample) for sample in booking.power]

    def trial(self, trial_id: str) -> TrialRecord | None:
        """Return the row of a trial so far; None if the trial is not part of this study."""
        plan = self._plans.get(trial_id)
        return None if plan is None else self._trial(plan)

    def trials(self) -> list[TrialRecord]:
        """Return one row for each trial that was begun, ordered by setup and seed."""
        begun = self._epochs.keys() | self._windows.keys() | self._errors.keys() | self._stopped
        plans = sorted(self._plans.values(), key=lambda plan: (plan.setup, plan.seed))
        return [self._trial(plan) for plan in plans if plan.trial_id in begun]

    @property
    def first_epoch_j(self) -> float | None:
        """Energy of the first epoch that has one, in joules; it decides the unit (`study.record.files`)."""
        rows = (row for rows in self._epochs.values() for row in rows.values())
        return next((r.epoch_energy_j for r in rows if r.epoch_energy_j is not None), None)

    def devices(self) -> set[str]:
        """Return the names of the devices that trials trained on, as far as they are known."""
        rows = (row for rows in self._epochs.values() for row in rows.values())
        return {row.device_name for row in rows if row.device_name}

    def flush_due(self) -> bool:
        """Return whether a flush is due."""
        return time.monotonic() >= self._due_s

    def flush(self) -> None:
        """Write all tables into the study's folder."""
        start_s = time.monotonic()
        # Set before writing, so that a flush that fails is not tried again at once.
        self._earliest_flush_s = self._due_s = start_s + FLUSH_S
        self.write_into(self._folder)
        self._power.clear()
        now_s = time.monotonic()
        rest_s = (now_s - start_s) / FLUSH_SHARE
        self._earliest_flush_s = now_s + max(FLUSH_PAUSE_S, rest_s)
        self._due_s = now_s + max(FLUSH_S, rest_s)

    def write_into(self, folder: StudyFolder) -> None:
        """Write all tables into a folder, and the power samples since the last `flush`."""
        trials = self.trials()
        epochs = (row.to_row() for rows in self._epochs.values() for row in rows.values())
        windows = (row.to_row() for rows in self._windows.values() for row in rows.values())
        folder.write_rows(EPOCHS_FILE, EpochRecord, epochs)
        folder.write_rows(WINDOWS_FILE, WindowRecord, windows)
        folder.write_rows(TRIALS_FILE, TrialRecord, (trial.to_row() for trial in trials))
        folder.write_csv(TRIALS_CSV_FILE, TrialRecord, (trial.to_row() for trial in trials))
        if self._power:
            # In parts, because the power log keeps growing and would be costly to rewrite whole.
            part = f"{POWER_FILE}/part-{time.time_ns()}.parquet"
            folder.write_rows(part, PowerRecord, (row.to_row() for row in self._power))

    def _add_window(self, window: WindowRecord) -> None:
        place = (window.attempt, window.stage, window.epoch)
        self._windows[window.trial_id][place, window.worker or 0, window.device_uuid] = window

    def _forget_interim(self, trial_id: str, worker: int, attempt: int) -> None:
        """Remove the interim readings of an attempt whose window has been closed."""
        windows = self._windows[trial_id]
        for booked in list(windows):
            place, by, _ = booked
            if (*place[:2], by) == (attempt, INTERIM, worker):
                del windows[booked]

    def _of(
        self, plan: TrialPlan
    ) -> tuple[Mapping[Place, EpochRecord], Mapping[Booked, WindowRecord]]:
        """Return epochs and windows of a trial, of all attempts, without creating entries."""
        return self._epochs.get(plan.trial_id, {}), self._windows.get(plan.trial_id, {})

    def _trial(self, plan: TrialPlan) -> TrialRecord:
        epochs, windows = self._of(plan)
        return trial_record(
            plan,
            epochs=list(epochs.values()),
            windows=list(windows.values()),
            error=self._errors.get(plan.trial_id),
            stopped=plan.trial_id in self._stopped,
            study=self._study,
            paradigm=self._paradigm,
            scenario=self._scenario,
            stages=chosen_stages(self._stages, plan.chosen),
            objective=self._objective,
            target=self._target,
            energy_of=self.energy_of,
        )


def _window_records(booked: BookedWindow) -> Iterator[WindowRecord]:
    """Yield a row for each device on the bill of a window."""
    trial_id, worker = trial_and_rank(booked.key.trial_id)
    readings = (booked.reading, *booked.others)
    for reading, device in itertools.zip_longest(readings, booked.devices):
        yield WindowRecord(
            trial_id=trial_id,
            attempt=booked.key.attempt,
            stage=booked.key.stage,
            epoch=booked.key.epoch,
            device_uuid=reading.device_uuid,
            start_s=reading.start_s,
            duration_s=reading.duration_s,
            energy_j=reading.energy_j,
            energy_method=reading.method,
            energy_status=reading.status,
            note=reading.note,
            component=None if device is None else device.component.value,
            part_of=None if device is None else device.part_of,
            worker=worker,
        )


def _power_record(hostname: str, sample: BookedPower) -> PowerRecord:
    key = sample.key
    return PowerRecord(
        node=hostname,
        device_uuid=sample.device_uuid,
        trial_id=None if key is None else trial_and_rank(key.trial_id)[0],
        attempt=None if key is None else key.attempt,
        stage=None if key is None else "between" if key.stage == TRIAL else key.stage,
        epoch=None if key is None else key.epoch,
        unix_time_s=sample.unix_time_s,
        power_w=sample.power_w,
    )
