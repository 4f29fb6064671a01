"""A search that trains each trial once: turns proposals into trials, and epochs into decisions. No Ray."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

from study.record.files import J_PER_WH
from study.record.objective import ACCURACY, Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.search.curves import TrialCurve, curve_of_trial
from study.record.search.goal import SearchGoal, most_epochs, values_of
from study.record.trial_energy import epochs_j, lost_j, overhead_j
from study.record.vocabulary import FAILURES, Stage, StopReason
from study.search.confirming import leaders
from study.search.options import SearchOptions
from study.search.proposals import Proposal, Proposer
from study.search.space.setup_registry import SetupRegistry
from study.search.space.space import Choice
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import EarlyStopper, StopDecision
from study.search.stopping.halving import Halving, Rungs
from study.store.setups import TrialPlan

EARLY = {StopDecision.TARGET: StopReason.TARGET}


@dataclass(slots=True, kw_only=True)
class _Running:
    """A running trial; its proposal is None where it repeats a setup."""

    choice: Choice
    proposal: Proposal | None
    curve: TrialCurve
    seen: set[tuple[str, int]] = field(default_factory=set)


@final
class LiveSearch:
    """A search within one command, from its first trial to its last.

    Attributes:
        budget: Energy budget, with what has been used.
        notes: Sentences that the user needs to know about the search.
        objective: Validation metric that decides.
    """

    def __init__(
        self,
        options: SearchOptions,
        *,
        registry: SetupRegistry,
        proposer: Proposer,
        trials: Callable[[], Sequence[TrialRecord]],
        epochs_of: Callable[[str], Sequence[EpochRecord]],
        ended: frozenset[str] = frozenset(),
        known: Iterable[TrialRecord] = (),
        objective: Objective = ACCURACY,
    ) -> None:
        """Prepare the search.

        Args:
            options: Options of the command.
            registry: Registry of the setups and their trials.
            proposer: Proposes the setups to try.
            trials: Returns the records of all trials so far, those of earlier commands included.
            epochs_of: Returns the epochs of a trial by its identifier, of all attempts.
            ended: Identifiers of the trials that ended in earlier commands.
            known: Trials of earlier studies.
            objective: Validation metric that decides.
        """
        self.objective = objective
        self.budget = Budget(options.budget_j)
        self.notes: list[str] = []
        self._options = options
        self._goal = SearchGoal(options.goal)
        self._registry = registry
        self._proposer = proposer
        self._trials = trials
        self._epochs_of = epochs_of
        self._ended = ended
        self._running: dict[str, _Running] = {}
        self._here: set[str] = set()
        self._begun = 0
        self._repeats: list[tuple[Choice, int]] | None = None
        self._curves: defaultdict[Choice, list[TrialCurve]] = defaultdict(list)
        self._seeds: defaultdict[Choice, set[int]] = defaultdict(set)
        self._halving = _halving_of(options)
        self._stopper = EarlyStopper(
            goal=self._goal,
            budget=self.budget,
            halving=self._halving,
            capping=not options.no_cap,
        )
        for record in known:
            self._learn(record)

    def earlier(self) -> None:
        """Take the trials of earlier commands into account: their energy and their results.

        Trials that may be run again do not count as trials; their energy is booked as overhead.
        """
        for record in self._trials():
            if record.trial_id not in self._ended:
                continue
            self._begun += record.seed == self._options.seed
            self.budget.book(epochs_j(record, self._epochs_of(record.trial_id)))
            self._learn(record)

    @property
    def is_waiting(self) -> bool:
        """Return whether the next proposal depends on trials that still run."""
        leaders_are_open = self._repeats is None and self._options.confirm > 0
        return bool(self._running) and (leaders_are_open or not self._has_room)

    def propose(self) -> TrialPlan | None:
        """Return the next trial; None if there is none, or none before another ends (`is_waiting`)."""
        self.book_overhead()
        if self._repeats is None:
            plan = self._next_setup()
            if plan is not None or self._running:
                return plan
            self._repeats = self._to_repeat()
        while self._repeats and self._has_room:
            choice, seed = self._repeats.pop(0)
            plan = self._registry.plan(choice, seed)
            if plan is not None:
                return self._begin(plan, choice, None)
        return None

    def epoch(self, record: EpochRecord) -> StopReason | None:
        """Take in an epoch, and return why its trial is to end with it; None to continue."""
        running = self._running.get(record.trial_id)
        if running is None or (record.stage, record.epoch) in running.seen:
            return None  # Tune reports the last epoch a second time when a trial ends by itself
        running.seen.add((record.stage, record.epoch))
        energy_j = record.epoch_energy_j
        running.curve.failed = record.stop_reason in FAILURES
        running.curve.add(score=record.val_score, energy_j=energy_j, time_s=record.epoch_time_s)
        if energy_j is not None and energy_j > self.budget.limit_j:
            self.notes.append(
                f"--energy-budget-wh {self.budget.limit_j / J_PER_WH:g} is less than one epoch of "
                f"{record.trial_id} ({energy_j / J_PER_WH:.3g} Wh)."
            )
        judged = (
            self._stopper.after_repeat if running.proposal is None else self._stopper.after_epoch
        )
        decision = judged(record.trial_id, running.curve, last_epoch_j=energy_j or 0.0)
        # A trial that has ended by itself cannot be stopped; one whose encoder stage has ended can.
        has_ended = record.stop_reason is not None and record.stage != Stage.ENCODER
        if decision is None or has_ended:
            return None
        running.curve.stopped = decision is not StopDecision.TARGET
        return EARLY.get(decision, StopReason.STOPPED)

    def is_before_first_epoch(self, trial_id: str) -> bool:
        """Return whether a trial has not reported an epoch yet."""
        running = self._running.get(trial_id)
        return running is not None and not running.curve.epochs

    def end(self, trial_id: str, *, failed: bool) -> None:
        """Take in the end of a trial, and tell Optuna its values; without score or energy it has none."""
        running = self._running.pop(trial_id, None)
        if running is None:
            return
        self.budget.end(trial_id)
        curve = running.curve
        if not failed:
            self._curves[running.choice].append(curve)
        if running.proposal is None:
            return
        values = None
        most = most_epochs(vars(self._options))
        if not failed and curve.best_score is not None:
            values = values_of(self._goal, curve, max_epochs=most)
        if values is None and not curve.stopped:
            lack = self.objective.name if curve.best_score is None else "energy"
            why = "failed, and" if failed else f"has no {lack}, so it"
            self.notes.append(f"{trial_id} {why} counts as failed in Optuna's study.")
        facts = {"trial_id": trial_id, "stopped": curve.stopped, "energy_wh": _wh(curve)}
        facts |= self._registry.named(
            running.choice
        )  # Optuna's own parameters are only the ranks of listed numbers
        try:
            self._proposer.tell(
                running.proposal, values, pruned=curve.stopped and not failed, facts=facts
            )
        except Exception as error:  # noqa: BLE001 - any error of Optuna's; our rows have the result
            logging.getLogger(__name__).warning(
                "a trial's end is missing in Optuna's study: %s", error
            )

    def book_overhead(self) -> None:
        """Charge to the budget what trackers have booked for set-up, pauses, tests and lost attempts."""
        for trial in self._trials():
            in_vain_j = lost_j(trial)
            if trial.trial_id not in self._ended and trial.trial_id not in self._here:
                # It is run again, so the epochs that it trained so far are lost.
                in_vain_j += epochs_j(trial, self._epochs_of(trial.trial_id))
            self.budget.overhead(trial.trial_id, overhead_j(trial), lost_j=in_vain_j)

    def _next_setup(self) -> TrialPlan | None:
        """Return the trial of a setup that has not been tried; None if there is none or no room for it."""
        if self._options.trials is not None and self._begun >= self._options.trials:
            return None
        if not self._has_room:
            return None
        while (proposal := self._proposer.next()) is not None:
            plan = self._registry.plan(proposal.choice, self._options.seed)
            if plan is not None:
                self._begun += 1
                return self._begin(plan, proposal.choice, proposal)
            self._proposer.tell(proposal, None, facts={"refused": "has ended before"})
        return None

    def _begin(self, plan: TrialPlan, choice: Choice, proposal: Proposal | None) -> TrialPlan:
        self.budget.start(plan.trial_id, first_rung_j=self._first_rung_j)
        self._here.add(plan.trial_id)
        curve = TrialCurve(objective=self.objective, target=self._options.target)
        self._running[plan.trial_id] = _Running(choice=choice, proposal=proposal, curve=curve)
        return plan

    def _to_repeat(self) -> list[tuple[Choice, int]]:
        """Return the setups and seeds to train again, seed by seed, the best setup first."""
        best = leaders(self._goal, self._curves)
        return [
            (choice, seed)
            for seed in self._options.seeds[1:]
            for choice in best
            if seed not in self._seeds[choice]
        ]

    def _learn(self, record: TrialRecord) -> None:
        choice = self._registry.choice(record)
        curve = curve_of_trial(record, target=self._options.target, objective=self.objective)
        self._curves[choice].append(curve)
        self._seeds[choice].add(record.seed)
        if record.energy_to_target_j is not None:
            self._stopper.know(record.energy_to_target_j)

    @property
    def _has_room(self) -> bool:
        return self.budget.has_room(first_rung_j=self._first_rung_j)

    @property
    def _first_rung_j(self) -> float:
        """Energy that a trial needs to reach its first rung, as far as known; 0 where unknown."""
        if self._halving is None or self._halving.first is None:
            return 0.0
        by_energy = self._options.rungs is Rungs.ENERGY
        return self._halving.first * (1.0 if by_energy else self.budget.max_epoch_j)


def _halving_of(options: SearchOptions) -> Halving | None:
    if options.rungs is None:
        return None
    wh = options.first_rung_wh if options.rungs is Rungs.ENERGY else None
    return Halving(rungs=options.rungs, first=None if wh is None else wh * J_PER_WH)


def _wh(curve: TrialCurve) -> float | None:
    return None if curve.energy_j is None else curve.energy_j / J_PER_WH
