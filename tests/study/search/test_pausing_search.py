"""A search that trains, pauses and goes on, without Ray: trials, attempts, and a kill at any moment."""

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
    """What a study leaves, and the trainings that write it: one at a time, a checkpoint each epoch.

    The meter fails in the epochs that are `unread`.
    """

    epochs: dict[str, list[EpochRecord]] = field(default_factory=dict)
    plans: dict[str, TrialPlan] = field(default_factory=dict)
    further: list[FurtherTrial] = field(default_factory=list)
    trained: list[tuple[str, int]] = field(default_factory=list)
    unread: Sequence[int] = ()

    @classmethod
    def as_killed(cls, rows: Sequence[EpochRecord], further: Sequence[FurtherTrial]) -> "Folder":
        """What lies there when a command was killed that had written so many rows."""
        folder = cls(further=list(further))
        for row in rows:
            of = folder.epochs.setdefault(row.trial_id, [])
            if of:  # whoever goes on reports it once more, as an epoch that it was not stopped at
                of[-1] = replace(of[-1], stop_reason=None)
            of.append(row)
        return folder

    @property
    def in_order(self) -> list[EpochRecord]:
        """All rows, as they were trained."""
        return [self.epochs[trial_id][number - 1] for trial_id, number in self.trained]

    def search(self, options: SearchOptions = OPTIONS) -> PausingSearch:
        """A command that takes up what lies here."""
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
        """Train what the search proposes, to its end or until it is killed after so many epochs."""
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
        """Records of the trials so far."""
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
def whole() -> Folder:
    """A search that nobody killed."""
    folder = Folder()
    folder.run(folder.search())
    return folder


def test_a_paused_trial_goes_on_as_a_further_attempt_from_where_it_was(expected: Folder) -> None:
    """Each of its epochs is trained once."""
    attempts = {name: {row.attempt for row in rows} for name, rows in expected.epochs.items()}
    assert any(len(each) > 1 for each in attempts.values())
    assert len(set(expected.trained)) == len(expected.trained)


def test_the_setup_that_is_best_with_every_seed_is_found() -> None:
    """With the probability that it is."""
    folder = Folder()
    search = folder.search()
    folder.run(search)

    assert folder.further
    assert search.answer is not None
    assert search.answer.setup in {2, 4}
    assert search.answer.repeats == len(folder.further)
    assert (search.answer.probability or 0.0) > 0.5


@pytest.mark.slow
def test_what_is_next_follows_from_the_rows_alone(expected: Folder) -> None:
    """After any epoch, whether or not what it decides was written, or repeats are noted without a row.

    Rows are written seconds after they come, a proposal at once.
    """
    rows, next_one = expected.in_order, [*(name for name, _ in expected.trained), None]
    stopped = {StopReason.STOPPED, StopReason.TARGET}

    for count, row in enumerate(rows, start=1):
        heard = replace(row, stop_reason=None) if row.stop_reason in stopped else row
        for last in (row, heard):
            plan = Folder.as_killed([*rows[: count - 1], last], expected.further).search().propose()
            assert (plan and plan.trial_id) == next_one[count], f"after {count} epochs"


def test_a_killed_search_says_why_its_last_epoch_ends_its_trial(expected: Folder) -> None:
    """The row gets the reason that nobody lived to write."""
    rows = expected.in_order
    count = next(place for place, row in enumerate(rows) if row.stop_reason is StopReason.TARGET)
    folder = Folder.as_killed([*rows[:count], replace(rows[count], stop_reason=None)], ())

    folder.search()

    assert folder.epochs[rows[count].trial_id][-1].stop_reason is StopReason.TARGET


@pytest.mark.parametrize("moment", [1, 9, 35, 60])
def test_a_search_that_is_killed_goes_on_as_it_would_have(moment: int, expected: Folder) -> None:
    """The same trainings in the same order, and no joule twice or lost.

    The 36th epoch is a repeat's first, which goes on with a paused trial.
    """
    killed = Folder()
    killed.run(killed.search(), killed_after=moment)

    killed.run(killed.search())

    assert killed.trained == expected.trained
    assert killed.search().budget.spent_j == pytest.approx(expected.search().budget.spent_j)


def test_three_kills_change_nothing(expected: Folder) -> None:
    """Each command takes up what the one before has left."""
    killed = Folder()

    for moment in (4, 11, 19):
        killed.run(killed.search(), killed_after=moment)
    killed.run(killed.search())

    assert killed.trained == expected.trained


def test_a_budget_ends_every_training_with_the_epoch_it_is_in() -> None:
    """And nothing is begun after it."""
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
def test_epochs_without_a_reading_are_booked_as_in_the_bill(unread: Sequence[int]) -> None:
    """With what is known of them: nothing; and none of them ends the search."""
    folder = Folder(unread=unread)
    search = folder.search()

    folder.run(search)

    known = sum(used_j(each, folder.epochs[each.trial_id]) for each in folder.trials())
    assert search.budget.spent_j == pytest.approx(known)


def test_decisions_take_an_epoch_without_a_reading_to_be_as_dear_as_the_others() -> None:
    """So that a search whose meter failed once trains what it would have trained."""
    expected, gap = Folder(), Folder(unread=[1])
    expected.run(expected.search())

    gap.run(gap.search())

    assert gap.trained == expected.trained


def test_where_no_epoch_has_a_reading_no_setup_is_named_the_cheapest() -> None:
    """What reached the target without one would look as if it had cost nothing."""
    folder = Folder(unread=range(1, 10))
    search = folder.search()

    folder.run(search)

    assert search.answer is None


def test_what_is_asked_for_is_tried_first() -> None:
    """--start batch_size=128."""
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


def test_trials_come_one_after_another_while_others_run() -> None:
    """On three slots three different setups are begun."""
    search = Folder().search()

    plans = list(itertools.islice(iter(search.propose, None), 3))

    assert len({plan.setup for plan in plans if plan}) == 3
    assert search.is_waiting


def recurring(runs: int) -> RecurringOptions:
    """A job of which so many runs are asked for."""
    return RecurringOptions(
        name="nightly",
        target=0.8,
        batch_sizes=OPTIONS.batch_sizes,
        learning_rates=(0.1,),
        runs=runs,
    )


@pytest.mark.parametrize("moment", [1, 9, 25])
def test_a_recurring_job_that_is_killed_remembers_what_it_has_trained(moment: int) -> None:
    """The memory is the study's rows: the next command goes on as the one before would have."""
    expected, killed = Folder(), Folder()
    expected.run(expected.search(recurring(8)))
    killed.run(killed.search(recurring(8)), killed_after=moment)

    killed.run(killed.search(recurring(8)))

    assert killed.trained[: len(expected.trained)] == expected.trained


def test_each_training_of_a_recurring_job_has_a_seed_of_its_own() -> None:
    """And stands in the manifest in the order in which it was begun."""
    folder = Folder()
    folder.run(folder.search(recurring(4)))
    folder.run(folder.search(recurring(2)))

    seeds = [each.seed for each in folder.further]
    reached = [name for name, rows in folder.epochs.items() if (rows[-1].val_score or 0) >= 0.8]
    assert seeds == list(range(len(seeds)))
    assert len(reached) == 6
