"""A search that pauses and resumes trainings, without Ray: trials, attempts, and kills at any moment."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from study.record.manifest import FurtherTrial
from study.record.objective import ACCURACY
from study.record.records import EpochRecord, TrialRecord
from study.record.trial_energy import used_j
from study.record.vocabulary import Paradigm, Stage, StopReason
from study.search.options import SearchOptions
from study.search.pausing_search import PausingSearch, Rows
from study.search.recurring.options import RecurringOptions
from study.search.space.setup_registry import SetupRegistry
from study.store.setups import TrialPlan, grid
from study.store.trial_record import is_stopped, is_trained, trial_record
from tests.study.rows import epoch

OPTIONS = SearchOptions(
    goal="energy-to-target",
    target=0.8,
    batch_sizes=(8, 16, 32, 64, 128),
    learning_rates=(0.1,),
    sure=0.9,
)
CURVES: Mapping[int, Sequence[Sequence[float]]] = {
    8: [[0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2]],
    16: [[0.1, 0.2, 0.3, 0.5, 0.7, 0.82, 0.85], [0.1, 0.3, 0.5, 0.7, 0.81, 0.85]],
    32: [[0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.75, 0.81]],
    64: [[0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.82, 0.85], [0.2, 0.4, 0.6, 0.8, 0.85]],
    128: [[0.3, 0.31, 0.32, 0.33, 0.34, 0.35]],
}
SETUPS = grid(OPTIONS.batch_sizes, OPTIONS.learning_rates)


@dataclass
class Folder:
    """A study's folder and its trainings, one at a time, with a checkpoint after each epoch.

    Epochs in `unread` have no energy.
    """

    epochs: dict[str, list[EpochRecord]] = field(default_factory=dict)
    plans: dict[str, TrialPlan] = field(default_factory=dict)
    further: list[FurtherTrial] = field(default_factory=list)
    trained: list[tuple[str, int]] = field(default_factory=list)
    unread: Sequence[int] = ()

    @classmethod
    def as_killed(cls, rows: Sequence[EpochRecord], further: Sequence[FurtherTrial]) -> "Folder":
        """Create the folder of a command that was killed after it had written these rows."""
        folder = cls(further=list(further))
        for row in rows:
            earlier = folder.epochs.setdefault(row.trial_id, [])
            if earlier:  # a resumed trial reports its last epoch again, without its stop reason
                earlier[-1] = replace(earlier[-1], stop_reason=None)
            earlier.append(row)
        return folder

    @property
    def in_order(self) -> list[EpochRecord]:
        """All rows, in the order in which they were trained."""
        return [self.epochs[trial_id][number - 1] for trial_id, number in self.trained]

    def search(self, options: SearchOptions = OPTIONS) -> PausingSearch:
        """Start a command that resumes from this folder."""
        space = options.searched()
        search = PausingSearch(
            options,
            space=space,
            registry=SetupRegistry(
                space, SETUPS, fixed_values=options.fixed_values, expect=self._expect
            ),
            rows=Rows(
                trials=self.trials,
                epochs_of=lambda name: self.epochs.get(name, []),
                amend=lambda row: self.epochs[row.trial_id].__setitem__(-1, row),
            ),
            begun=self.further,
        )
        search.earlier()
        return search

    def run(self, search: PausingSearch, *, killed_after: int | None = None) -> None:
        """Train what the search proposes, to the end or until it is killed after `killed_after` epochs."""
        while (plan := search.propose()) is not None:
            self.further = list(search.further)
            if not self._train(plan, search, killed_after):
                return

    def _train(self, plan: TrialPlan, search: PausingSearch, killed_after: int | None) -> bool:
        rows = self.epochs.setdefault(plan.trial_id, [])
        curves = CURVES[plan.batch_size_and_rate[0]]
        curve = curves[plan.seed % len(curves)]
        for number in range(len(rows) + 1, len(curve) + 1):
            if len(self.trained) == killed_after:
                return False
            stop = StopReason.MAX_EPOCHS if number == len(curve) else None
            energy_j = None if number in self.unread else 1.0 + plan.seed / 10
            row = epoch(number, energy_j, curve[number - 1], of=plan, stop=stop)
            rows.append(row)
            self.trained.append((plan.trial_id, number))
            reason = search.epoch(row)
            if reason is not None:
                rows[-1] = replace(row, stop_reason=reason)
                break
        search.end(plan.trial_id, failed=False)
        return True

    def _expect(self, plans: Sequence[TrialPlan], *, paused: bool = False) -> list[TrialPlan]:
        found = []
        for plan in plans:
            rows = self.epochs.get(plan.trial_id, [])
            if is_trained(rows, [Stage.ENCODER_CLASSIFIER]) and not (paused and is_stopped(rows)):
                continue
            begun = max((row.attempt for row in rows), default=0)
            again = plan.again(attempt=begun + 1, energy_before_j=0.0)
            self.plans[plan.trial_id] = again
            found.append(again)
        return found

    def trials(self) -> list[TrialRecord]:
        """Return the records of all trials so far."""
        return [
            trial_record(
                self.plans.get(rows[0].trial_id) or _plan_of(rows[0]),
                epochs=rows,
                windows=[],
                error=None,
                study="s",
                paradigm=Paradigm.SEARCH,
                scenario="s",
                objective=ACCURACY,
                stages=(Stage.ENCODER_CLASSIFIER,),
                target=OPTIONS.target,
            )
            for rows in self.epochs.values()
            if rows
        ]


def _plan_of(row: EpochRecord) -> TrialPlan:
    return TrialPlan(
        trial_id=row.trial_id,
        attempt=row.attempt,
        setup=row.setup,
        batch_size=row.batch_size,
        learning_rate=row.learning_rate,
        seed=row.seed,
    )


@pytest.fixture(scope="module", name="expected")
def uninterrupted() -> Folder:
    """Return the folder of a search that was not killed."""
    folder = Folder()
    folder.run(folder.search())
    return folder


def test_a_paused_trial_resumes_as_a_further_attempt(expected: Folder) -> None:
    """No epoch is trained twice."""
    attempts = {name: {row.attempt for row in rows} for name, rows in expected.epochs.items()}
    assert any(len(each) > 1 for each in attempts.values())
    assert len(set(expected.trained)) == len(expected.trained)


def test_the_setup_that_is_best_with_every_seed_is_found() -> None:
    """The answer has a probability of being right."""
    folder = Folder()
    search = folder.search()
    folder.run(search)

    assert folder.further
    assert search.answer is not None
    assert search.answer.setup in {2, 4}
    assert search.answer.repeats == len(folder.further)
    assert (search.answer.probability or 0.0) > 0.5


@pytest.mark.slow
def test_the_next_trial_follows_from_the_rows_alone(expected: Folder) -> None:
    """It is the same after any epoch, even if that epoch's stop reason was not written yet.

    Proposals are written at once, rows only seconds after they come.
    """
    rows, next_one = expected.in_order, [*(name for name, _ in expected.trained), None]
    stopped = {StopReason.STOPPED, StopReason.TARGET}

    for count, row in enumerate(rows, start=1):
        undecided = replace(row, stop_reason=None) if row.stop_reason in stopped else row
        for last in (row, undecided):
            plan = Folder.as_killed([*rows[: count - 1], last], expected.further).search().propose()
            assert (plan and plan.trial_id) == next_one[count], f"after {count} epochs"


def test_a_killed_search_gets_the_stop_reason_of_its_last_epoch(expected: Folder) -> None:
    """The next command adds the reason that the killed one could not write."""
    rows = expected.in_order
    count = next(place for place, row in enumerate(rows) if row.stop_reason is StopReason.TARGET)
    folder = Folder.as_killed([*rows[:count], replace(rows[count], stop_reason=None)], ())

    folder.search()

    assert folder.epochs[rows[count].trial_id][-1].stop_reason is StopReason.TARGET


@pytest.mark.parametrize("moment", [1, 9, 35, 60])
def test_a_killed_search_resumes_as_if_it_had_not_been_killed(
    moment: int, expected: Folder
) -> None:
    """It trains the same epochs in the same order, and counts each joule once.

    The 36th epoch is the first of a repeat that resumes a paused trial.
    """
    killed = Folder()
    killed.run(killed.search(), killed_after=moment)

    killed.run(killed.search())

    assert killed.trained == expected.trained
    assert killed.search().budget.spent_j == pytest.approx(expected.search().budget.spent_j)


def test_three_kills_change_nothing(expected: Folder) -> None:
    """Each command resumes from what the one before has left."""
    killed = Folder()

    for moment in (4, 11, 19):
        killed.run(killed.search(), killed_after=moment)
    killed.run(killed.search())

    assert killed.trained == expected.trained


def test_a_budget_ends_each_training_with_its_current_epoch() -> None:
    """Nothing is begun after that."""
    options = SearchOptions(
        goal="energy-to-target",
        target=0.8,
        batch_sizes=OPTIONS.batch_sizes,
        learning_rates=(0.1,),
        energy_budget_wh=5.5 / 3600,
    )
    folder = Folder()
    search = folder.search(options)

    folder.run(search)

    assert 5.5 - 1.0 <= search.budget.spent_j < 5.5 + 1.0
    assert search.propose() is None


@pytest.mark.parametrize("unread", [[3], [1], [1, 2], range(1, 10)])
def test_epochs_without_a_reading_use_no_budget(unread: Sequence[int]) -> None:
    """As on the bill, they add no energy, and none of them ends the search."""
    folder = Folder(unread=unread)
    search = folder.search()

    folder.run(search)

    known = sum(used_j(each, folder.epochs[each.trial_id]) for each in folder.trials())
    assert search.budget.spent_j == pytest.approx(known)


def test_decisions_assume_a_typical_cost_for_unread_epochs() -> None:
    """A search whose meter failed in some epochs trains what it would have trained."""
    expected, gap = Folder(), Folder(unread=[1])
    expected.run(expected.search())

    gap.run(gap.search())

    assert gap.trained == expected.trained


def test_without_any_reading_there_is_no_cheapest_setup() -> None:
    """Otherwise, a setup without readings would look as if it cost nothing."""
    folder = Folder(unread=range(1, 10))
    search = folder.search()

    folder.run(search)

    assert search.answer is None


def test_a_requested_setup_is_tried_first() -> None:
    """--start batch_size=128 requests it."""
    options = SearchOptions(
        goal="energy-to-target",
        target=0.8,
        batch_sizes=OPTIONS.batch_sizes,
        learning_rates=(0.1,),
        start=("batch_size=128",),
    )
    plan = Folder().search(options).propose()

    assert plan is not None
    assert plan.batch_size == 128


def test_running_trials_do_not_delay_the_next() -> None:
    """On three slots, three different setups are begun."""
    search = Folder().search()

    plans = list(itertools.islice(iter(search.propose, None), 3))

    assert len({plan.setup for plan in plans if plan}) == 3
    assert search.is_waiting


def recurring(runs: int) -> RecurringOptions:
    """Return options of a recurring job with a number of runs."""
    return RecurringOptions(
        name="nightly",
        target=0.8,
        batch_sizes=OPTIONS.batch_sizes,
        learning_rates=(0.1,),
        runs=runs,
    )


@pytest.mark.parametrize("moment", [1, 9, 25])
def test_a_killed_recurring_job_remembers_its_trainings(moment: int) -> None:
    """The next command reads them from the study's rows and continues as the killed one would have."""
    expected, killed = Folder(), Folder()
    expected.run(expected.search(recurring(8)))
    killed.run(killed.search(recurring(8)), killed_after=moment)

    killed.run(killed.search(recurring(8)))

    assert killed.trained[: len(expected.trained)] == expected.trained


def test_each_training_of_a_recurring_job_has_a_seed_of_its_own() -> None:
    """The manifest lists them in the order in which they were begun."""
    folder = Folder()
    folder.run(folder.search(recurring(4)))
    folder.run(folder.search(recurring(2)))

    seeds = [each.seed for each in folder.further]
    reached = [name for name, rows in folder.epochs.items() if (rows[-1].val_score or 0) >= 0.8]
    assert seeds == list(range(len(seeds)))
    assert len(reached) == 6
