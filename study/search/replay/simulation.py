"""A search on recorded trainings: the same proposals, decisions and budget, on a simulated clock."""

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
"""Proposals without a new setup, one after another, after which a table counts as searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedTrial:
    """A trial of a replayed search.

    Attributes:
        choice: Its setup.
        curve: How it went.
        decision: What of the search ended it; None where it ended itself.
        spent_j: Energy of the whole search when it ended.
        overhead_j: What it used beside the epochs in `curve`: set-up, and attempts that were lost.
    """

    choice: Choice
    curve: TrialCurve
    decision: StopDecision | None
    spent_j: float
    overhead_j: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedSearch:
    """The trials of a replayed search, and what they used.

    Attributes:
        trials: In the order in which they ended.
        spent_j: Energy of all of them.
        duration_s: Simulated time.
        not_run: Setups that were not run, because the budget or the number of trials ended.
        snapped: Proposals that lay beside the table and were given its nearest setup. One that was
            trained before has its values again, and costs nothing.
        refused: Proposals for which the table has no setup.
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
        """The one that is under way: of a lost attempt first, then of the last."""
        recording = self.recording
        if self.lost < len(recording.lost):
            return recording.lost[self.lost]
        return recording.epochs[self.curve.epochs]

    @property
    def name(self) -> str:
        return str(self.order)


@final
class Simulation:
    """One search on a table."""

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
            table: The recorded trainings.
            proposer: Says what to try.
            stopper: Says who goes on.
            budget: The one that `stopper` books on.
            goal: What the search is after.
            target: Value of the objective to reach; None where there is none.
            seed: Decides which of a setup's recorded seeds a trial gets.
            gpus: How many trials run at the same time.
            trials: At most so many trials; None for all setups.
            first_rung_j: Energy to the first rung, which a trial must be able to get to.
            space: What `proposer` proposes from; None for the table's own. Its axes are the
                table's.
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
        """Run it to its end, or until a trial that has ended is `enough`.

        Raises:
            OptionError: The budget does not suffice for the cheapest epoch.
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
        """Begin trials on all free GPUs."""
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
        """The next proposal for which the table has a setup that was not trained yet."""
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
        """The nearest setup of the table; None where it has none there."""
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
        """Book the epoch that has ended; whether its trial has ended with it."""
        curve, epoch = running.curve, running.next_epoch
        energy_j = epoch.energy_j or 0.0
        if not curve.epochs and not running.lost:
            # What a trial needs to set itself up is known when its first epoch has come.
            self._budget.overhead(running.name, running.recording.known_setup_j)
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
        self._budget.overhead(running.name, running.recording.known_setup_j)
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
                overhead_j=running.recording.known_setup_j
                + sum(each.energy_j or 0.0 for each in running.recording.lost[: running.lost]),
            )
        )


def first_rung(rungs: Rungs, table: ReplayTable) -> float:
    """Two epochs; as energy, two of the cheapest, so that no setup is judged on less."""
    return 2.0 if rungs is Rungs.EPOCHS else 2.0 * table.cheapest_epoch_j


def check_budget(budget: Budget, table: ReplayTable) -> None:
    """Refuse a budget that does not suffice for the cheapest epoch.

    Raises:
        OptionError: It does not.
    """
    cheapest_j = table.cheapest_epoch_j
    if budget.limit_j < cheapest_j:
        message = (
            f"--energy-budget-wh is {budget.limit_j / J_PER_WH:g}; the cheapest epoch of "
            f"{table.name} needs {cheapest_j / J_PER_WH:g}. Give more."
        )
        raise OptionError(message)
