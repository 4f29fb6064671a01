"""A search that trains: proposals become trials, epochs become verdicts. Knows nothing of Ray."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from study.budget import Budget
from study.courses import Course
from study.halving import Halving, Rungs
from study.objectives import Objective, values_of
from study.proposals import Proposal, Proposer
from study.records import J_PER_WH, EpochRecord, StopReason, TrialRecord
from study.search_options import SearchOptions
from study.search_space import Choice, Space
from study.setups import TrialPlan
from study.verdicts import Judge, Verdict

EARLY = {Verdict.TARGET: StopReason.TARGET}


@dataclass(slots=True, kw_only=True)
class _Running:
    proposal: Proposal
    course: Course
    last_epoch: int = 0


@final
class LiveSearch:
    """One search, from its first trial of this command to its last.

    Attributes:
        budget: What it may use, and what it has used.
        said: What a user must know of it, a sentence each.
    """

    def __init__(
        self,
        options: SearchOptions,
        *,
        space: Space,
        proposer: Proposer,
        plans: Sequence[TrialPlan],
        trials: Callable[[], Sequence[TrialRecord]],
    ) -> None:
        """Search with `options`.

        Args:
            options: Of the command.
            space: Its axes.
            proposer: Says what to try.
            plans: The trials that may be run, one for each setup that has not ended.
            trials: What all trials came to so far, those of earlier commands included.
        """
        self.budget = Budget(options.budget_j)
        self.said: list[str] = []
        self._options = options
        self._objective = Objective(options.objective)
        self._proposer = proposer
        self._plans = {choice_of(plan, space, options): plan for plan in plans}
        self._trials = trials
        self._not_begun = {plan.trial_id for plan in plans}
        self._overhead_booked_j = 0.0
        self._running: dict[str, _Running] = {}
        self._begun = 0
        rungs = options.rungs
        wh = options.first_rung_wh if rungs is Rungs.ENERGY else None
        halving = None
        if rungs is not None:
            halving = Halving(rungs=rungs, first=None if wh is None else wh * J_PER_WH)
        self._judge = Judge(
            objective=self._objective,
            budget=self.budget,
            halving=halving,
            capping=not options.no_cap,
        )

    def earlier(self) -> None:
        """Take the trials of earlier commands into account: what they cost, and the best.

        Those that may be run again are not counted as trials; what they used is overhead.
        """
        for record in self._trials():
            if record.trial_id in self._not_begun:
                continue
            self._begun += 1
            self.budget.book(record.energy_j or 0.0)
            if record.energy_to_target_j is not None:
                self._judge.know(record.energy_to_target_j)

    def propose(self) -> TrialPlan | None:
        """The next trial; None when no more is to be begun."""
        self._book_overhead()
        if self._options.trials is not None and self._begun >= self._options.trials:
            return None
        rung_j = self._options.first_rung_wh or 0.0
        name = f"begun-{self._begun}"
        if not self.budget.start(name, first_rung_j=rung_j * J_PER_WH):
            return None
        proposal = self._proposer.next()
        while proposal is not None and proposal.choice not in self._plans:
            self._proposer.tell(proposal, None, facts={"refused": "has ended before"})
            proposal = self._proposer.next()
        self.budget.end(name)
        if proposal is None:
            return None
        plan = self._plans[proposal.choice]
        self._not_begun.discard(plan.trial_id)
        self.budget.start(plan.trial_id, first_rung_j=rung_j * J_PER_WH)
        self._running[plan.trial_id] = _Running(
            proposal=proposal, course=Course(target=self._options.target_accuracy)
        )
        self._begun += 1
        return plan

    def epoch(self, record: EpochRecord) -> StopReason | None:
        """Take an epoch; why its trial is to end with it, or None."""
        running = self._running.get(record.trial_id)
        if running is None or record.epoch <= running.last_epoch:
            return None  # Tune tells the last epoch once more when a trial has ended by itself
        running.last_epoch = record.epoch
        energy_j = record.epoch_energy_j
        running.course.add(
            accuracy=record.val_accuracy, energy_j=energy_j, time_s=record.epoch_time_s
        )
        if energy_j is not None and energy_j > self.budget.limit_j:
            self.said.append(
                f"--energy-budget-wh {self.budget.limit_j / J_PER_WH:g} is less than one epoch of "
                f"{record.trial_id} ({energy_j / J_PER_WH:.3g} Wh)."
            )
        verdict = self._judge.after_epoch(
            record.trial_id, running.course, last_epoch_j=energy_j or 0.0
        )
        if verdict is None or record.stop_reason is not None:
            return None
        running.course.stopped = verdict is not Verdict.TARGET
        return EARLY.get(verdict, StopReason.STOPPED)

    def end(self, trial_id: str, *, failed: bool) -> None:
        """A trial has ended: tell Optuna. One without an accuracy or an energy has no values."""
        running = self._running.pop(trial_id, None)
        if running is None:
            return
        self.budget.end(trial_id)
        course = running.course
        values = None
        if not failed and course.best_accuracy is not None:
            values = values_of(self._objective, course, max_epochs=self._options.max_epochs)
        if values is None and not course.stopped:
            self.said.append(
                f"{trial_id} has no "
                f"{'accuracy' if course.best_accuracy is None else 'energy'}: Optuna was told that "
                "it failed."
            )
        facts = {"trial_id": trial_id, "stopped": course.stopped, "energy_wh": _wh(course)}
        try:
            self._proposer.tell(
                running.proposal, values, pruned=course.stopped and not failed, facts=facts
            )
        except Exception as error:  # noqa: BLE001 - Optuna's own; the rows have the result
            logging.getLogger(__name__).warning("Optuna could not be told: %s", error)

    def bill_j(self, trials: Sequence[TrialRecord]) -> float:
        """Joules of the whole search, as far as they are known."""
        return sum(each.energy_j or 0.0 for each in trials) + overhead_of(trials)

    def _book_overhead(self) -> None:
        trials = self._trials()
        lost_j = sum(t.energy_j or 0.0 for t in trials if t.trial_id in self._not_begun)
        now_j = overhead_of(trials) + lost_j
        self.budget.book(max(0.0, now_j - self._overhead_booked_j))
        self._overhead_booked_j = max(now_j, self._overhead_booked_j)


def choice_of(plan: TrialPlan, space: Space, options: SearchOptions) -> Choice:
    """A trial's setup as a choice of the space."""
    named: Mapping[str, int | float | str | bool] = {
        "batch_size": plan.batch_size,
        "learning_rate": plan.learning_rate,
        "optimizer": options.optimizer,
        **plan.chosen,
    }
    return tuple(named[axis.name] for axis in space.axes)


def overhead_of(trials: Sequence[TrialRecord]) -> float:
    """Joules of trials beside the epochs of their last attempts, as far as they are known."""
    return sum(
        (each.setup_energy_j or 0.0) + (each.between_energy_j or 0.0) + each.wasted_energy_j
        for each in trials
    )


def _wh(course: Course) -> float | None:
    return None if course.energy_j is None else course.energy_j / J_PER_WH
