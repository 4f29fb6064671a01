"""The trials of a study that goes on where repeats tell most, or has a budget. Knows nothing of Ray.

First every setup with every seed, as in a grid. When those have ended, one training after another
of the setup that tells most about which to use (`study.repeats.deciding`), each as soon as a slot is
free, until what was asked for is reached. An energy budget ends either.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

from study.inference.choice import Aim, Preference, probability_text
from study.record.files import J_PER_WH
from study.record.manifest import FurtherTrial, Manifest
from study.record.trial_energy import used_j
from study.record.vocabulary import NOT_WHOLE, EnergyMethod, ranked_stage
from study.repeats.deciding import Decision, TrainingResult, decide
from study.repeats.leader_text import leader_text
from study.repeats.options import POINTS, ComparisonOptions
from study.repeats.spending import Spending
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, trial_plan, trial_plans
from study.store.trial_record import stage_rows, total_j


@final
class FurtherRepeats:
    """Choice of the next training, and of the moment at which there are enough.

    Attributes:
        remaining: Trials that are known and have not ended.
        further: Those beyond the first repeats, in the order in which they were begun.
        ending: Why there will be no more; None as long as there may be.
        spending: What was used, against the budget.
    """

    def __init__(
        self,
        options: ComparisonOptions,
        manifest: Manifest,
        recorder: Recorder,
        *,
        begun: Sequence[FurtherTrial] = (),
    ) -> None:
        """Go on with what an earlier command began.

        Args:
            options: Of the command.
            manifest: Of the study.
            recorder: Has the results.
            begun: What was trained beyond the first repeats in earlier commands.
        """
        self.further = list(begun)
        self.ending: str | None = None
        self.spending = Spending(options.budget_j, recorder)
        self._has_cut = False
        self._options = options
        self._objective = manifest.objective
        self._stage = ranked_stage(manifest.paradigm, manifest.stages) or manifest.stages[0]
        self._aim = Aim(
            tolerance=options.tolerance / POINTS, price=Preference(options.prefer).price
        )
        self._recorder = recorder
        self._setups = {each.setup: each for each in manifest.setups}
        first = trial_plans(manifest.setups, manifest.seeds, shuffle_seed=options.seed)
        self._first = frozenset(plan.trial_id for plan in first)
        self._plans = {
            plan.trial_id: plan
            for plan in (*first, *(trial_plan(self._setups[b.setup], b.seed) for b in begun))
        }
        self._running: set[str] = set()
        self._say: Callable[[str], None] = lambda _: None
        self._said: Decision | None = None
        # How much was known when it was first sure; an earlier command's last training confirms.
        self._sure_with: int | None = -1 if begun else None
        self._lost_first = False
        self.remaining: list[TrialPlan] = []
        self._queue: list[TrialPlan] = []
        self._begin(
            recorder.expect(self._plans.values(), retry_failed=options.retry_failed, paused=True)
        )
        if not self.remaining:
            self._next()

    @property
    def expected(self) -> int:
        """Trials that are known, and those that are to come as far as their number is known."""
        if self.is_cut_short:
            return len(self._recorder.trials())
        if self.ending is not None:
            return len(self._plans)
        left = max(0, self._most - len(self.further))
        return len(self._plans) + (left if self._options.sure is None else min(left, 1))

    @property
    def is_cut_short(self) -> bool:
        """Return whether the budget has ended the study before all were trained to their ends."""
        return self._has_cut or bool(self.spending.stopped)

    @property
    def is_waiting(self) -> bool:
        """Return whether what comes next depends on trials that still run."""
        return bool(self._running) and self.ending is None and not self._lost_first

    def begin_run(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],
        restarts: int,
    ) -> None:
        """Propose anew, in one run of Tune; see `study.execution.trial_source.TrialSource.parts`.

        Args:
            slots: Most further trials at the same time.
            collect: Brings what trackers have booked to the recorder.
            note: Writes down what is begun.
            say: Tells the user.
            restarts: How many runs may come after this one.
        """
        self._slots, self._restarts = slots, restarts
        self._collect, self._note, self._say = collect, note, say

    def propose(self) -> TrialPlan | None:
        """The next trial; None when there is no more, or not before another ends (`is_waiting`)."""
        if self._queue:
            return self._next_planned()
        first_run = bool(self._running & self._first)
        if self.ending is not None or self._lost_first or first_run:
            return None
        if len(self._running) >= self._slots:
            return None
        self._collect()
        decision = self._next()
        return None if decision is None else self._go_on(decision)

    def end(self, trial_id: str, result: Mapping[str, Any], *, lost: bool) -> None:  # noqa: ARG002 - its rows say it
        """A trial has ended, or its process was lost."""
        self._running.discard(trial_id)
        self.spending.end(trial_id)
        if lost and self._restarts and not self._recorder.is_through(self._plans[trial_id]):
            self._lost_first |= trial_id in self._first

    def run_again(self, lost: Iterable[TrialPlan]) -> None:
        """Take trials back whose processes were lost; the next run begins with them."""
        self._begin(self._recorder.expect(lost))

    def _next_planned(self) -> TrialPlan | None:
        """The next of those that are known; None where the budget does not last for it."""
        has_budget = not math.isinf(self.spending.limit_j)
        if has_budget and len(self._running) >= self._slots:
            return None  # decided as late as possible
        self._collect()
        if self.spending.has_room:
            return self._started(self._queue.pop(0))
        if not self._running:  # what still runs may need less than is expected of it
            self._has_cut = True
            self.ending = "the energy budget is used"
            self.remaining, self._queue = [], []
        return None

    def _started(self, plan: TrialPlan) -> TrialPlan:
        self._running.add(plan.trial_id)
        self.spending.begin(plan.trial_id)
        return plan

    def _begin(self, plans: list[TrialPlan]) -> None:
        self.remaining = plans
        self._queue = list(plans)
        self._running.clear()
        self._lost_first = False

    @property
    def _most(self) -> int:
        if not self._options.goes_on:
            return 0
        return self._options.most_further(len(self._setups))

    def _next(self) -> Decision | None:
        """Choose what to repeat; None if nothing, or not before another ends. Sets `ending`."""
        if not self._options.goes_on:
            self.ending = "every setup has its repeats"
            return None
        if len(self.further) >= self._most:
            asked = self._options.more_repeats is not None
            most = "as asked for" if asked else "as many as the first; --more-repeats takes more"
            self._end(f"there were {self._most}, {most}")
            return None
        trainings = self._trainings()
        decision = decide(
            trainings,
            self._still_running(),
            self._aim,
            {number: each.chosen for number, each in self._setups.items()},
            objective=self._objective,
        )
        if decision is None:
            if not self._running:
                self._end("no setup has two results, so that no spread is known")
            return None
        if self._options.sure is not None and decision.right >= self._options.sure:
            return self._confirmed(decision, known=sum(map(len, trainings.values())))
        self._sure_with = None
        if not self._has_room(decision.repeat):
            if not self._running:  # what still runs may need less than is expected of it
                self._end_of_budget()
            return None
        return decision

    def _end_of_budget(self) -> None:
        self._end(f"{self._options.budget_j / J_PER_WH:g} Wh do not last for another")

    def _end(self, why: str) -> None:
        self.ending = why
        self._say(f"no further repeats: {why}")

    def _confirmed(self, decision: Decision, *, known: int) -> Decision | None:
        """Choose what to train once more, where the answer is sure enough; None once that is done.

        To end at the first moment of such a probability would pick moments of luck: the answer has
        to be as sure after another training (docs/how-far-the-advice-holds.md has the figures).
        """
        if self._sure_with is None:
            self._sure_with = known
        if self._running:
            return None
        if known == self._sure_with:
            if self._has_room(decision.repeat):
                return decision
            self._end_of_budget()
            return None
        self._end(
            f"setup {decision.answer} is right with a probability of {probability_text(decision.right)}"
        )
        return None

    def _go_on(self, decision: Decision) -> TrialPlan:
        """Begin another training of a setup, with a seed that no other of it had."""
        setup = decision.repeat
        earlier = sum(each.setup == setup for each in self.further)
        repeat = self._options.repeats + earlier
        seed = self._options.seed + repeat
        [plan] = self._recorder.expect([trial_plan(self._setups[setup], seed)])
        self._plans[plan.trial_id] = plan
        self._started(plan)
        self.further.append(FurtherTrial(setup=setup, seed=seed))
        self._note()
        self._say(leader_text(decision, repeat + 1, before=self._said))
        self._said = decision
        return plan

    def _trainings(self) -> dict[int, list[TrainingResult]]:
        """Trainings that have ended, by setup."""
        found: dict[int, list[TrainingResult]] = {setup: [] for setup in self._setups}
        for plan in self._plans.values():
            training = self._training(plan)
            if training is not None:
                found[plan.setup].append(training)
        return found

    def _training(self, plan: TrialPlan) -> TrainingResult | None:
        """Result of the stage that setups are ranked by; None before it has ended."""
        rows = stage_rows(self._recorder.epochs_of(plan.trial_id), self._stage)
        if not rows or rows[-1].stop_reason is None:
            return None
        best = self._objective.best(row.val_score for row in rows)
        return TrainingResult(
            energy_j=total_j(row.epoch_energy_j for row in rows),
            gain=None if best is None else self._objective.gain(best),
            is_whole=rows[-1].stop_reason not in NOT_WHOLE,
            board=None
            if any(row.energy_method is EnergyMethod.ESTIMATED for row in rows)
            else rows[-1].device_uuid,
        )

    def _still_running(self) -> Counter[int]:
        """Number of trainings of each setup that have not ended."""
        open_ = (self._plans[trial_id] for trial_id in self._running)
        return Counter(plan.setup for plan in open_ if self._training(plan) is None)

    def _has_room(self, setup: int) -> bool:
        """Return whether the budget lasts for one more of a setup, beside what runs."""
        used = [
            (each.setup, used_j(each, self._recorder.epochs_of(each.trial_id)))
            for each in self._recorder.trials()
            if each.trial_id not in self._running
        ]
        means = {
            number: sum(several) / len(several)
            for number in self._setups
            if (several := [each_j for setup, each_j in used if setup == number])
        }
        coming = [self._plans[trial_id].setup for trial_id in self._running]
        needed_j = sum(means.get(number, 0.0) for number in (*coming, setup))
        return sum(each_j for _, each_j in used) + needed_j <= self._options.budget_j
