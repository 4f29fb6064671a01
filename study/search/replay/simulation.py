"""Simulation of a search on recorded trainings: same proposals, decisions and budget, simulated clock."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from study.errors import OptionError
from study.record.files import J_PER_WH
from study.record.search.curves import TrialCurve
from study.record.search.goal import SearchGoal, values_of
from study.search.proposals import Proposal, Proposer
from study.search.replay.table import RecordedEpoch, RecordedTraining, ReplayTable
from study.search.space.space import Choice, Space
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import EarlyStopper, StopDecision
from study.search.stopping.halving import Rungs

MOST_KNOWN = 50
"""Number of proposals in a row without a new setup after which a table counts as exhausted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedTrial:
    """A trial of a replayed search.

    Attributes:
        choice: Setup of the trial.
        curve: Curve of the trial.
        decision: Reason for which the search ended it; None where it ended by itself.
        spent_j: Energy that the whole search had used when the trial ended, in joules.
        overhead_j: Energy of the trial outside the epochs in `curve`, in joules: set-up, and lost
            attempts.
    """

    choice: Choice
    curve: TrialCurve
    decision: StopDecision | None
    spent_j: float
    overhead_j: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedSearch:
    """Outcome of a replayed search.

    Attributes:
        trials: Trials in the order in which they ended.
        spent_j: Energy of all trials, in joules.
        duration_s: Simulated duration of the search, in seconds.
        not_run: Setups that were not run, because the budget or the number of trials was exhausted.
        snapped: Number of proposals that are not in the table and were replaced by its nearest setup. A
            setup that was trained before returns its known values at no cost.
        refused: Number of proposals for which the table has no suitable setup.
    """

    trials: tuple[ReplayedTrial, ...]
    spent_j: float
    duration_s: float
    not_run: tuple[Choice, ...]
    snapped: int = 0
    refused: int = 0


@dataclass(slots=True, kw_only=True)
class _Running:
    order: int
    proposal: Proposal
    choice: Choice
    recording: RecordedTraining
    curve: TrialCurve
    lost: int = 0

    @property
    def next_epoch(self) -> RecordedEpoch:
        """The epoch that is running: first those of lost attempts, then those that count."""
        recording = self.recording
        if self.lost < len(recording.lost):
            return recording.lost[self.lost]
        return recording.epochs[self.curve.epochs]

    @property
    def name(self) -> str:
        return str(self.order)


@final
class Simulation:
    """Simulation of one search on a table, whose trials are trained or stopped once."""

    def __init__(
        self,
        table: ReplayTable,
        *,
        proposer: Proposer,
        stopper: EarlyStopper,
        budget: Budget,
        goal: SearchGoal,
        target: float | None,
        seed: int = 0,
        gpus: int = 1,
        trials: int | None = None,
        first_rung_j: float = 0.0,
        space: Space | None = None,
    ) -> None:
        """Prepare a search.

        Args:
            table: Table of recorded trainings.
            proposer: Proposes the setups to try.
            stopper: Decides which trials continue.
            budget: Budget, the same object that `stopper` books on.
            goal: Goal of the search.
            target: Target value of the objective; None without a target.
            seed: Seed that decides which of a setup's recorded trainings a trial gets.
            gpus: Number of trials that run at the same time.
            trials: Maximum number of trials; None for all setups.
            first_rung_j: Energy to the first rung, in joules, which the budget must allow a new trial.
            space: Space that `proposer` proposes from, with the same axes as the table; None for the
                table's own space.
        """
        self._space = table.space if space is None else space
        self._known: dict[Choice, tuple[tuple[float, ...] | None, bool]] = {}
        self._snapped = 0
        self._refused = 0
        self._table = table
        self._proposer = proposer
        self._stopper = stopper
        self._budget = budget
        self._goal = goal
        self._target = target
        self._recordings = table.draw(seed)
        self._gpus = gpus
        self._trials = trials
        self._first_rung_j = first_rung_j
        self._queue: list[tuple[float, int, _Running]] = []
        self._ended: list[ReplayedTrial] = []
        self._begun = 0
        self._now_s = 0.0

    def run(self, *, enough: Callable[[ReplayedTrial], bool] = lambda _: False) -> ReplayedSearch:
        """Run the search to its end.

        Args:
            enough: Called with each trial that ends; the search ends where it returns True.

        Raises:
            OptionError: The budget is less than the cheapest epoch.
        """
        check_budget(self._budget, self._table)
        self._fill()
        while self._queue:
            self._now_s, _, running = heapq.heappop(self._queue)
            if not self._step(running):
                self._schedule(running)
                continue
            if enough(self._ended[-1]):
                break
            self._fill()
        tried = {trial.choice for trial in self._ended}
        return ReplayedSearch(
            trials=tuple(self._ended),
            spent_j=self._budget.spent_j,
            duration_s=self._now_s,
            not_run=tuple(choice for choice in self._table.recordings if choice not in tried),
            snapped=self._snapped,
            refused=self._refused,
        )

    def _fill(self) -> None:
        """Start trials on all free GPUs."""
        while len(self._queue) < self._gpus:
            if self._trials is not None and self._begun >= self._trials:
                return
            if not self._budget.has_room(first_rung_j=self._first_rung_j):
                return
            found = self._recorded()
            if found is None:
                return
            proposal, choice = found
            self._budget.start(str(self._begun), first_rung_j=self._first_rung_j)
            running = _Running(
                order=self._begun,
                proposal=proposal,
                choice=choice,
                recording=self._recordings[choice],
                curve=TrialCurve(objective=self._table.objective, target=self._target),
            )
            self._begun += 1
            self._schedule(running)

    def _recorded(self) -> tuple[Proposal, Choice] | None:
        """Return the next proposal with its setup in the table, which was not trained yet; None without one."""
        for _ in range(MOST_KNOWN):
            proposal = self._proposer.next()
            if proposal is None:
                return None
            choice = self._on_table(proposal.choice)
            if choice is None:
                self._refused += 1
                self._proposer.tell(proposal, None, facts={"refused": "not in the table"})
                continue
            self._snapped += choice != proposal.choice
            if choice in self._known:
                values, pruned = self._known[choice]
                self._proposer.tell(proposal, values, pruned=pruned, facts={"known": str(choice)})
            elif any(running.choice == choice for _, _, running in self._queue):
                self._proposer.tell(proposal, None, facts={"refused": "runs already"})
            else:
                return proposal, choice
        return None

    def _on_table(self, choice: Choice) -> Choice | None:
        """Return the nearest setup of the table; None where it has none with the nearest values."""
        named, axes = self._space.named(choice), self._table.space.lists or ()
        try:
            found = tuple(axis.values[axis.nearest(named[axis.name])] for axis in axes)
        except OptionError:
            return None
        return found if found in self._table.recordings else None

    def _schedule(self, running: _Running) -> None:
        time_s = running.next_epoch.time_s
        heapq.heappush(self._queue, (self._now_s + time_s, running.order, running))

    def _step(self, running: _Running) -> bool:
        """Book the epoch that has just ended, and return whether its trial ends with it."""
        curve, epoch = running.curve, running.next_epoch
        energy_j = epoch.energy_j or 0.0
        if not curve.epochs and not running.lost:
            # The energy of a trial's set-up becomes known with its first epoch.
            self._budget.overhead(running.name, running.recording.known_overhead_j)
        if running.lost < len(running.recording.lost):
            running.lost += 1
            self._budget.epoch(running.name, energy_j)
            decision = StopDecision.BUDGET if self._budget.is_used_up else None
            is_last = False
        else:
            curve.add(score=epoch.score, energy_j=epoch.energy_j, time_s=epoch.time_s)
            decision = self._stopper.after_epoch(running.name, curve, last_epoch_j=energy_j)
            is_last = curve.epochs == len(running.recording)
        if decision is None and not is_last:
            return False
        curve.stopped = decision is not None and not is_last and decision is not StopDecision.TARGET
        self._end(running, decision if curve.stopped or decision is StopDecision.TARGET else None)
        return True

    def _end(self, running: _Running, decision: StopDecision | None) -> None:
        curve = running.curve
        self._budget.end(running.name)
        self._budget.overhead(running.name, running.recording.known_overhead_j)
        values = None
        if curve.epochs:
            values = values_of(self._goal, curve, max_epochs=self._table.longest)
        self._known[running.choice] = (values, curve.stopped)
        self._proposer.tell(running.proposal, values, pruned=curve.stopped)
        self._ended.append(
            ReplayedTrial(
                choice=running.choice,
                curve=curve,
                decision=decision,
                spent_j=self._budget.spent_j,
                overhead_j=running.recording.known_overhead_j
                + sum(each.energy_j or 0.0 for each in running.recording.lost[: running.lost]),
            )
        )


def first_rung(rungs: Rungs, table: ReplayTable) -> float:
    """Return the first rung: two epochs, or as energy twice the cheapest epoch of the table."""
    return 2.0 if rungs is Rungs.EPOCHS else 2.0 * table.cheapest_epoch_j


def check_budget(budget: Budget, table: ReplayTable) -> None:
    """Refuse a budget that is less than the cheapest epoch.

    Raises:
        OptionError: The budget is less than the cheapest epoch of the table.
    """
    cheapest_j = table.cheapest_epoch_j
    if budget.limit_j < cheapest_j:
        message = (
            f"--energy-budget-wh is {budget.limit_j / J_PER_WH:g}; the cheapest epoch of "
            f"{table.name} needs {cheapest_j / J_PER_WH:g}. Give more."
        )
        raise OptionError(message)
