"""A search that pauses and resumes trainings: turns decisions into trials and attempts. No Ray.

The decisions are made by `study.search.arms`. They depend only on the epochs of the trials, so that an
interrupted search recovers its state from its recorded rows and continues.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

from study.record.manifest import FurtherTrial, SearchAnswer
from study.record.objective import ACCURACY, Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.trial_energy import lost_j, overhead_j
from study.record.vocabulary import FAILURES, Stage, StopReason, TrialStatus
from study.search.arms.order import ArmOrder
from study.search.arms.policy import Policy
from study.search.arms.recurrences import Recurrences
from study.search.arms.scheduler import Scheduler
from study.search.arms.start import starting_arms
from study.search.arms.training import State, Training
from study.search.options import SearchOptions
from study.search.space.setup_registry import SetupRegistry
from study.search.space.space import Choice, Space
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import StopDecision
from study.store.setups import TrialPlan
from study.store.trial_record import counted_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Access to the recorded rows of a study, from earlier commands and this one.

    Attributes:
        trials: Returns the records of all trials.
        epochs_of: Returns the epochs of a trial by its identifier, of all attempts.
        amend: Replaces the row of an epoch by one that also says why its trial ended.
    """

    trials: Callable[[], Sequence[TrialRecord]]
    epochs_of: Callable[[str], Sequence[EpochRecord]]
    amend: Callable[[EpochRecord], object]


@final
class PausingSearch:
    """A search within one command, from its first trial to its last.

    Attributes:
        budget: Energy budget, with what has been used.
        notes: Sentences that the user needs to know about the search.
        objective: Validation metric that decides.
        further: The repeats, in the order in which they were started; one that resumes a paused trial
            has the search's own seed.
    """

    def __init__(
        self,
        options: SearchOptions,
        *,
        space: Space,
        registry: SetupRegistry,
        rows: Rows,
        known: Iterable[TrialRecord] = (),
        hints: Sequence[Choice] = (),
        begun: Sequence[FurtherTrial] = (),
        objective: Objective = ACCURACY,
    ) -> None:
        """Prepare the search.

        Args:
            options: Options of the command.
            space: Search space, whose setups are listed.
            registry: Registry of the setups and their trials.
            rows: Recorded rows of the study.
            known: Trials of earlier studies.
            hints: Setups of earlier studies to try first.
            begun: Repeats that earlier commands started.
            objective: Validation metric that decides.

        Raises:
            OptionError: `--start` names a value or setup that is not in the space.
        """
        self.objective = objective
        self.budget = Budget(options.budget_j)
        self.notes: list[str] = []
        self.further = list(begun)
        self._options = options
        self._registry = registry
        self._rows = rows
        self._running: dict[str, Training] = {}
        self._decided: dict[str, StopDecision] = {}
        self._seen: dict[str, set[tuple[str, int]]] = {}
        self._left: list[Training] = []
        lists = space.lists or ()
        arms = [space.choice(space.indices(number)) for number in range(int(space.size))]
        start = (*starting_arms(options.start, lists, arms), *hints)
        order = ArmOrder(lists, arms, seed=options.seed, start=start)
        self._scheduler: Scheduler | Recurrences = (
            Scheduler(
                arms=arms,
                order=order,
                budget=self.budget,
                target=options.target or 0.0,
                objective=objective,
                policy=Policy.of(sure=options.sure, confirm=options.confirm, trials=options.trials),
            )
            if options.recurring_runs is None
            else Recurrences(
                arms=arms,
                order=order,
                budget=self.budget,
                target=options.target or 0.0,
                runs=options.recurring_runs,
                seed=options.seed,
                objective=objective,
            )
        )
        for record in known:
            self._know(record)

    def earlier(self) -> None:
        """Recover the state of the trials of earlier commands: their energy and progress.

        The recorded epochs decide what comes next, not the state that was noted, because a command may
        have been killed between a proposal and its first epoch, or between an epoch and its consequence.
        """
        records = self._rows.trials()
        known = {(record.setup, record.seed): record for record in records}
        self.further = [each for each in self.further if self._is_begun(each, known)]
        for record in sorted(records, key=self._begun_as):
            self._take(record)
        for (
            name,
            training,
        ) in self._running.items():  # only once all are known, since decisions depend on the others
            self._judge(name, training)
        self._running.clear()

    @property
    def scheduler(self) -> Scheduler | Recurrences:
        """The scheduler that holds the trainings of this search and decides about them."""
        return self._scheduler

    def power_limit_w(self, setup: int) -> float | None:
        """Return the power limit in watts at which the trainings of a setup ended; None without one.

        Args:
            setup: Number of the setup.
        """
        rows = [
            row
            for trial in self._rows.trials()
            if trial.setup == setup
            for row in self._rows.epochs_of(trial.trial_id)
        ]
        return rows[-1].power_limit_w if rows else None

    def named(self, arm: Choice) -> str:
        """Return names and values of an arm's axes as text."""
        return ", ".join(f"{name} {value}" for name, value in self._registry.named(arm).items())

    @property
    def is_waiting(self) -> bool:
        """Return whether the next proposal depends on trials that still run."""
        return bool(self._running)

    @property
    def answer(self) -> SearchAnswer | None:
        """The setup to use, by the same rule that decides which trainings are repeated.

        None until a training has reached the target.
        """
        found = self._scheduler.answer()
        if found is None:
            return None
        arm, _ = found
        sure = self._scheduler.answer_probabilities()
        return SearchAnswer(
            setup=self._registry.setup(arm).setup,
            probability=None if sure is None else sure.right_by_arm.get(arm),
            repeats=len(self.further),
        )

    def propose(self) -> TrialPlan | None:
        """Return the next trial; None if there is none, or none before another ends (`is_waiting`)."""
        self.book_overhead()
        if not self.budget.has_room(first_rung_j=0.0):
            return None
        if self._left:
            training: Training | None = self._left.pop(0)
        else:
            training = self._scheduler.next()
        if training is None:
            return None
        training.state = State.RUNNING
        plan = self._registry.plan_or_resume(training.arm, self._options.seed + training.seed)
        if plan is None:
            training.state = State.ENDED  # it failed in an earlier command
            return self.propose()
        known = {(each.setup, each.seed) for each in self.further}
        if training.repeat_number and (plan.setup, plan.seed) not in known:
            repeat = FurtherTrial(setup=plan.setup, seed=plan.seed, attempt=plan.attempt)
            self.further.append(repeat)
        self.budget.start(plan.trial_id, first_rung_j=0.0)
        self._running[plan.trial_id] = training
        return plan

    def epoch(self, record: EpochRecord) -> StopReason | None:
        """Take in an epoch, and return why its trial is to end with it; None to continue."""
        training = self._running.get(record.trial_id)
        seen = self._seen.setdefault(record.trial_id, set())
        if training is None or (record.stage, record.epoch) in seen:
            return (
                None  # reported a second time by a resumed attempt, or by Tune at the trial's end
            )
        seen.add((record.stage, record.epoch))
        training.failed = record.stop_reason in FAILURES
        self._add(training, record)
        decision = self._scheduler.after_epoch(training)
        has_ended = record.stop_reason is not None and record.stage != Stage.ENCODER
        if decision is None or has_ended:
            return None
        self._decided[record.trial_id] = decision
        return _reason_of(decision)

    def is_before_first_epoch(self, trial_id: str) -> bool:
        """Return whether a trial has not reported an epoch yet."""
        training = self._running.get(trial_id)
        return training is not None and not training.gains

    def end(self, trial_id: str, *, failed: bool) -> None:
        """Take in the end of a trial, which is paused where the search stopped it before the target."""
        training = self._running.pop(trial_id, None)
        decision = self._decided.pop(trial_id, None)
        if training is None:
            return
        self.budget.end(trial_id)
        is_paused = decision not in (None, StopDecision.TARGET) and not failed
        training.state = State.PAUSED if is_paused else State.ENDED
        training.failed |= failed

    def book_overhead(self) -> None:
        """Charge to the budget what trackers have booked for set-up, pauses, tests and lost attempts."""
        for trial in self._rows.trials():
            self.budget.overhead(trial.trial_id, overhead_j(trial), lost_j=lost_j(trial))

    def _is_begun(self, repeat: FurtherTrial, known: Mapping[tuple[int, int], TrialRecord]) -> bool:
        """Return whether a noted repeat has an epoch or has failed, so that it is not proposed again."""
        record = known.get((repeat.setup, repeat.seed))
        if record is None or record.status is TrialStatus.FAILED:
            return record is not None
        rows = self._rows.epochs_of(record.trial_id)
        return any(row.attempt >= repeat.attempt for row in rows)

    def _begun_as(self, record: TrialRecord) -> int:
        """Return the position of a trial among the repeats, from 1; 0 where it is not a repeat."""
        places = enumerate(self.further, start=1)
        of = (record.setup, record.seed)
        return next((place for place, each in places if (each.setup, each.seed) == of), 0)

    def _take(self, record: TrialRecord) -> None:
        """Recover a trial of an earlier command; one that was still running is put into `_running`."""
        arm, is_failed = self._registry.choice(record), record.status is TrialStatus.FAILED
        rows = counted_rows(self._rows.epochs_of(record.trial_id))
        if not is_failed and rows and rows[-1].stop_reason is StopReason.ERROR:
            rows.pop()  # --retry-failed runs this epoch again
        if arm not in self._scheduler.trainings or not (rows or is_failed):
            return
        seed = record.seed - self._options.seed
        training = self._scheduler.take(arm, seed=seed, repeat_number=self._begun_as(record))
        for row in rows:
            self._seen.setdefault(record.trial_id, set()).add((row.stage, row.epoch))
            self._add(training, row)
        self.budget.end(record.trial_id)
        training.failed = is_failed or rows[-1].stop_reason in FAILURES
        training.state = State.ENDED if is_failed else _state_of(rows[-1].stop_reason)
        if training.state is State.RUNNING:
            self._running[record.trial_id] = training

    def _judge(self, name: str, training: Training) -> None:
        """Continue a trial that was running, unless its last epoch, which was not acted upon, ends it."""
        decision = self._scheduler.after_epoch(training)
        if decision is None:
            self._left.append(training)
        else:
            last = counted_rows(self._rows.epochs_of(name))[-1]
            self._rows.amend(replace(last, stop_reason=_reason_of(decision)))
        is_reached = decision is StopDecision.TARGET
        training.state = State.ENDED if is_reached else State.PAUSED

    def _add(self, training: Training, record: EpochRecord) -> None:
        """Add an epoch to a training, and book its energy as far as known (`study.record.trial_energy`)."""
        self.budget.epoch(record.trial_id, record.epoch_energy_j or 0.0)
        training.add({(): record.epoch_energy_j}, record.val_score)

    def _know(self, record: TrialRecord) -> None:
        """Add a trial of an earlier study as a training that has ended, with or without the target."""
        arm = self._registry.choice(record)
        if arm not in self._scheduler.trainings or not record.energy_j:
            return
        training = self._scheduler.take(arm, seed=record.seed - self._options.seed)
        reached_j = record.energy_to_target_j
        training.add({(): reached_j or record.energy_j}, record.best_val_score)
        training.state = State.ENDED


def _reason_of(decision: StopDecision) -> StopReason:
    return StopReason.TARGET if decision is StopDecision.TARGET else StopReason.STOPPED


def _state_of(reason: StopReason | None) -> State:
    """Return the state of a trial whose last row has this reason."""
    if reason is None:
        return State.RUNNING
    return State.PAUSED if reason is StopReason.STOPPED else State.ENDED
