"""Choice of trials for a study with adaptive repeats or an energy budget. Does not import Ray.

First comes every setup with every seed, as in a grid. When those have ended, further trainings follow, each
as soon as a slot is free and each of the setup that is most informative about which one to use
(`study.repeats.deciding`), until the requested probability or number is reached. An energy budget may end
either part.
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
    """Chooses the next training, and decides when there are enough.

    Attributes:
        remaining: Known trials that have not ended.
        further: Trials beyond the first repeats, in the order in which they were begun.
        end_reason: Why no further trials will follow; None while they may.
        spending: Energy used so far, against the budget.
    """

    def __init__(
        self,
        options: ComparisonOptions,
        manifest: Manifest,
        recorder: Recorder,
        *,
        begun: Sequence[FurtherTrial] = (),
    ) -> None:
        """Plan the trials, continuing what earlier commands began.

        Args:
            options: Options of the command.
            manifest: Manifest of the study.
            recorder: Recorder that holds the results.
            begun: Trials beyond the first repeats that earlier commands began.
        """
        self.further = list(begun)
        self.end_reason: str | None = None
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
        # Number of trainings when the answer first became sure, None if it is not; see `_confirmed`. When
        # resumed, the last training of the earlier command counts as the confirmation.
        self._first_sure_at: int | None = -1 if begun else None
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
        """Number of trials that are known, and of those to come as far as that is known."""
        if self.is_cut_short:
            return len(self._recorder.trials())
        if self.end_reason is not None:
            return len(self._plans)
        left = max(0, self._max_further - len(self.further))
        return len(self._plans) + (left if self._options.sure is None else min(left, 1))

    @property
    def is_cut_short(self) -> bool:
        """Return whether the budget has ended the study before all trials were trained to their ends."""
        return self._has_cut or bool(self.spending.stopped)

    @property
    def is_waiting(self) -> bool:
        """Return whether the next trial depends on trials that still run."""
        return bool(self._running) and self.end_reason is None and not self._lost_first

    def begin_run(
        self,
        *,
        slots: int,
        collect: Callable[[], None],
        note: Callable[[], None],
        say: Callable[[str], None],
        restarts: int,
    ) -> None:
        """Prepare to propose trials in one run of Tune; see `study.execution.trial_source.TrialSource.parts`.

        Args:
            slots: Maximum number of further trials at the same time.
            collect: Passes the trackers' bookings to the recorder.
            note: Writes further trials to the manifest.
            say: Prints a message to the user.
            restarts: Number of runs of Tune that may follow this one.
        """
        self._slots, self._restarts = slots, restarts
        self._collect, self._note, self._say = collect, note, say

    def propose(self) -> TrialPlan | None:
        """Return the next trial; None if there is none, or none until another ends (`is_waiting`)."""
        if self._queue:
            return self._next_planned()
        first_run = bool(self._running & self._first)
        if self.end_reason is not None or self._lost_first or first_run:
            return None
        if len(self._running) >= self._slots:
            return None
        self._collect()
        decision = self._next()
        return None if decision is None else self._begin_repeat(decision)

    def end(self, trial_id: str, result: Mapping[str, Any], *, lost: bool) -> None:  # noqa: ARG002 - its rows say it
        """Take note that a trial has ended, or that its process was lost."""
        self._running.discard(trial_id)
        self.spending.end(trial_id)
        if lost and self._restarts and not self._recorder.is_trained(self._plans[trial_id]):
            self._lost_first |= trial_id in self._first

    def run_again(self, lost: Iterable[TrialPlan]) -> None:
        """Take back trials whose processes were lost; the next run of Tune begins with them."""
        self._begin(self._recorder.expect(lost))

    def _next_planned(self) -> TrialPlan | None:
        """Return the next planned trial; None if the budget does not suffice for it, or may not."""
        has_budget = not math.isinf(self.spending.limit_j)
        if has_budget and len(self._running) >= self._slots:
            return None  # with a budget, decide only when a slot is free and more is known
        self._collect()
        if self.spending.has_room:
            return self._started(self._queue.pop(0))
        if not self._running:  # otherwise wait: running trials may need less than expected
            self._has_cut = True
            self.end_reason = "the energy budget is used up"
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
    def _max_further(self) -> int:
        if not self._options.adds_repeats:
            return 0
        return self._options.most_further(len(self._setups))

    def _next(self) -> Decision | None:
        """Choose the setup to repeat; None if there is none, or none until another trial ends.

        Sets `end_reason` if no further trials will follow.
        """
        if not self._options.adds_repeats:
            self.end_reason = "every setup has its repeats"
            return None
        if len(self.further) >= self._max_further:
            asked = self._options.more_repeats
            self._end(
                f"--more-repeats {asked} is reached"
                if asked is not None
                else f"{self._max_further} were added, as many as first trainings; --more-repeats sets another maximum"
            )
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
                self._end("no setup has two results, so the spread of repeats is not known")
            return None
        if self._options.sure is not None and decision.right >= self._options.sure:
            return self._confirmed(decision, known=sum(map(len, trainings.values())))
        self._first_sure_at = None
        if not self._has_room(decision.repeat):
            if not self._running:  # otherwise wait: running trials may need less than expected
                self._end_of_budget()
            return None
        return decision

    def _end_of_budget(self) -> None:
        self._end(
            f"the budget of {self._options.budget_j / J_PER_WH:g} Wh does not suffice for another training"
        )

    def _end(self, why: str) -> None:
        self.end_reason = why
        self._say(f"no further repeats: {why}")

    def _confirmed(self, decision: Decision, *, known: int) -> Decision | None:
        """Return the training that confirms an answer that is sure enough; None once it is confirmed.

        Stopping the first time that the probability is reached would favour lucky results, so the answer
        has to be as sure after another training (docs/how-far-the-advice-holds.md has the figures).
        """
        if self._first_sure_at is None:
            self._first_sure_at = known
        if self._running:
            return None
        if known == self._first_sure_at:
            if self._has_room(decision.repeat):
                return decision
            self._end_of_budget()
            return None
        self._end(
            f"setup {decision.answer} is right with a probability of {probability_text(decision.right)}"
        )
        return None

    def _begin_repeat(self, decision: Decision) -> TrialPlan:
        """Begin another training of a setup, with a seed that it has not had yet."""
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
        """Return the trainings that have ended, by setup."""
        found: dict[int, list[TrainingResult]] = {setup: [] for setup in self._setups}
        for plan in self._plans.values():
            training = self._training(plan)
            if training is not None:
                found[plan.setup].append(training)
        return found

    def _training(self, plan: TrialPlan) -> TrainingResult | None:
        """Return the result of the stage by which setups are ranked; None before it has ended."""
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
        """Return, by setup, the number of trainings whose ranked stage has not ended yet."""
        open_ = (self._plans[trial_id] for trial_id in self._running)
        return Counter(plan.setup for plan in open_ if self._training(plan) is None)

    def _has_room(self, setup: int) -> bool:
        """Return whether the budget suffices for another training of a setup, besides those that run."""
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
