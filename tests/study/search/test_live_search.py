"""A search that trains, without Ray: proposals, decisions, and the energy it counts."""

from dataclasses import replace

import pytest

from study.record.objective import ACCURACY
from study.record.records import EpochRecord, TrialRecord
from study.record.search.goal import SearchGoal
from study.record.vocabulary import Paradigm, Stage, StopReason
from study.search.live_search import LiveSearch
from study.search.options import SearchOptions
from study.search.proposals import Proposer
from study.search.space.setup_registry import SetupRegistry
from study.store.setups import TrialPlan, grid, trial_plans
from study.store.trial_record import trial_record
from tests.study.rows import epoch

OPTIONS = SearchOptions(
    goal="energy-to-target",
    target=0.9,
    batch_sizes=(8, 16),
    learning_rates=(0.1,),
    energy_budget_wh=0.01,  # 36 J
    halving="none",
)


def epoch_of(
    plan: TrialPlan, number: int, energy_j: float | None, accuracy: float | None
) -> EpochRecord:
    """Return the row of a reported epoch."""
    return epoch(number, energy_j, accuracy, of=plan)


def plans_of(options: SearchOptions) -> list[TrialPlan]:
    """Return all trials of the space."""
    setups = grid(options.batch_sizes, options.learning_rates)
    return trial_plans(setups, options.seeds, shuffle_seed=0)


def live(
    options: SearchOptions = OPTIONS,
    *,
    earlier: tuple[TrialRecord, ...] = (),
    ended: tuple[TrialPlan, ...] = (),
    known: tuple[TrialRecord, ...] = (),
    epochs: tuple[EpochRecord, ...] = (),
) -> LiveSearch:
    """Return a search in the order of the grid; `ended` are trials of earlier commands."""
    space = options.searched()
    ids = frozenset(plan.trial_id for plan in ended)
    registry = SetupRegistry(
        space,
        grid(options.batch_sizes, options.learning_rates),
        fixed_values=options.fixed_values,
        expect=lambda plans: [plan for plan in plans if plan.trial_id not in ids],
    )
    return LiveSearch(
        options,
        registry=registry,
        proposer=Proposer(space, goal=SearchGoal(options.goal), sampler="grid", seed=options.seed),
        trials=lambda: earlier,
        epochs_of=lambda trial_id: [row for row in epochs if row.trial_id == trial_id],
        ended=ids,
        known=known,
    )


def record_of(plan: TrialPlan, *energies_j: float | None) -> TrialRecord:
    """Return the record of a trial whose only attempt was lost after these epochs."""
    return trial_record(
        plan,
        epochs=[epoch_of(plan, i, j, 0.5) for i, j in enumerate(energies_j, start=1)],
        windows=[],
        error=None,
        study="s",
        paradigm=Paradigm.SEARCH,
        scenario="s",
        objective=ACCURACY,
        stages=(Stage.ENCODER_CLASSIFIER,),
        target=0.9,
    )


def test_a_trial_ends_at_the_target_or_when_it_costs_more() -> None:
    """The first one reaches the target, the second has used as much energy without it."""
    search = live()
    first = search.propose()
    assert first is not None
    at_target = search.epoch(epoch_of(first, 1, 4.0, 0.95))
    search.end(first.trial_id, failed=False)
    second = search.propose()
    assert second is not None

    goes_on = search.epoch(epoch_of(second, 1, 1.0, 0.5))
    capped = search.epoch(epoch_of(second, 2, 3.0, 0.6))

    assert at_target is StopReason.TARGET
    assert goes_on is None
    assert capped is StopReason.STOPPED
    assert search.budget.spent_j == 8.0


def test_an_epoch_that_is_reported_twice_counts_once() -> None:
    """Tune reports the last one again when a trial has ended by itself."""
    search = live()
    plan = search.propose()
    assert plan is not None
    row = epoch_of(plan, 1, 4.0, 0.5)

    search.epoch(row)
    search.epoch(row)

    assert search.budget.spent_j == 4.0


def test_no_trial_begins_after_the_budget_is_used_up() -> None:
    """The trial that used it up ends with its current epoch."""
    search = live()
    plan = search.propose()
    assert plan is not None

    reason = search.epoch(epoch_of(plan, 1, 36.0, 0.5))
    search.end(plan.trial_id, failed=False)

    assert reason is StopReason.STOPPED
    assert search.propose() is None


def test_an_epoch_costlier_than_the_budget_is_reported() -> None:
    """The message has both energies."""
    search = live()
    plan = search.propose()
    assert plan is not None

    search.epoch(epoch_of(plan, 1, 72.0, 0.5))

    assert search.notes == [
        "--energy-budget-wh 0.01 is less than one epoch of setup01-seed0 (0.02 Wh)."
    ]


@pytest.mark.parametrize(
    ("score", "energy_j", "failed", "message"),
    [
        (None, 1.0, False, "has no accuracy, so it counts as failed"),
        (0.5, None, False, "has no energy, so it counts as failed"),
        (0.5, 1.0, True, "failed, and counts as failed"),
    ],
)
def test_a_trial_without_values_counts_as_failed(
    *, score: float | None, energy_j: float | None, failed: bool, message: str
) -> None:
    """It does not stay `running` in Optuna's study, and a message has the reason."""
    search = live()
    plan = search.propose()
    assert plan is not None
    search.epoch(epoch_of(plan, 1, energy_j, score))

    search.end(plan.trial_id, failed=failed)

    assert search.notes == [f"{plan.trial_id} {message} in Optuna's study."]


def test_the_energy_of_a_lost_attempt_counts_once() -> None:
    """Before the trial is run again it counts as overhead, afterwards as wasted energy."""
    plan = plans_of(OPTIONS)[0]
    lost = record_of(plan, 5.0, 5.0)
    search = live(earlier=(lost,))
    search.earlier()

    search.propose()

    assert search.budget.spent_j == 10.0
    wasted = replace(lost, attempts=2, energy_j=None, wasted_energy_j=10.0)
    again = live(earlier=(wasted,))
    again.earlier()
    again.propose()
    assert again.budget.spent_j == 10.0


def test_all_known_energy_of_a_trial_uses_the_budget() -> None:
    """This includes its test, and the known epochs of a trial with a missing one."""
    first, second = plans_of(OPTIONS)
    ended = replace(record_of(first, 5.0, None), test_energy_j=2.0)
    lost = record_of(second, 3.0, None)
    rows = [epoch_of(first, 1, 5.0, 0.5), epoch_of(first, 2, None, 0.5)]
    rows += [epoch_of(second, 1, 3.0, 0.5), epoch_of(second, 2, None, 0.5)]
    search = live(earlier=(ended, lost), ended=(first,), epochs=tuple(rows))
    search.earlier()

    search.propose()

    assert search.budget.spent_j == 5.0 + 2.0 + 3.0


def test_a_trial_of_an_earlier_command_is_counted_and_not_run_again() -> None:
    """Its energy counts towards the budget."""
    first, second = plans_of(OPTIONS)
    search = live(earlier=(record_of(first, 5.0),), ended=(first,))
    search.earlier()

    plan = search.propose()

    assert plan == second
    assert search.budget.spent_j == 5.0


@pytest.mark.parametrize(("trials", "begun_before"), [(1, 0), (1, 1), (2, 1)])
def test_a_trial_that_has_ended_counts_against_trials(trials: int, begun_before: int) -> None:
    """`--trials` limits the trials of all commands together; repeats with further seeds do not count."""
    first, second = plans_of(OPTIONS)
    repeat = replace(first, trial_id="setup01-seed1", seed=1)
    ended = (repeat, first)[: 1 + begun_before]
    search = live(
        replace(OPTIONS, trials=trials),
        earlier=tuple(record_of(each, 5.0) for each in ended),
        ended=ended,
    )
    search.earlier()

    plans = [search.propose() for _ in range(2)]

    assert [plan for plan in plans if plan is not None] == [first, second][begun_before:trials]


def test_the_leading_setups_are_trained_again() -> None:
    """They get the next seeds once all other trials have ended, and end only at the target."""
    search = live(replace(OPTIONS, confirm=2, energy_budget_wh=1.0))
    first, second = search.propose(), search.propose()
    assert first is not None
    assert second is not None

    early = search.propose()
    waited = search.is_waiting
    for plan, energy_j in ((first, 4.0), (second, 2.0)):
        search.epoch(epoch_of(plan, 1, energy_j, 0.95))
        search.end(plan.trial_id, failed=False)
    again = [search.propose() for _ in range(5)]

    assert early is None
    assert waited
    assert [(plan.setup, plan.seed) for plan in again if plan is not None] == [
        (2, 1),
        (1, 1),
        (2, 2),
        (1, 2),
    ]
    assert again[-1] is None
    assert not search.is_waiting
    repeat = again[0]
    assert repeat is not None
    assert search.epoch(epoch_of(repeat, 1, 50.0, 0.5)) is None
    assert search.epoch(epoch_of(repeat, 2, 50.0, 0.95)) is StopReason.TARGET


def test_repeats_stop_with_the_budget() -> None:
    """No setup is trained again if the rest of the budget is too small."""
    search = live(replace(OPTIONS, confirm=3))
    plans = [search.propose(), search.propose()]
    for plan in plans:
        assert plan is not None
        search.epoch(epoch_of(plan, 1, 15.0, 0.95))
        search.end(plan.trial_id, failed=False)

    assert search.propose() is None
    assert not search.is_waiting


def test_a_search_waits_for_room_in_its_budget() -> None:
    """Energy that is reserved for a running trial may become free when it ends."""
    search = live(replace(OPTIONS, halving="energy", first_rung_wh=0.006))
    first = search.propose()
    assert first is not None

    none_yet = search.propose()
    waited = search.is_waiting
    search.epoch(epoch_of(first, 1, 4.0, 0.95))
    search.end(first.trial_id, failed=False)

    assert none_yet is None
    assert waited
    assert search.propose() is not None


def test_trials_have_to_beat_an_earlier_study() -> None:
    """A trial that cannot need less energy to the target is stopped with its first epoch."""
    plan = plans_of(OPTIONS)[0]
    known = replace(record_of(plan, 5.0), study="grid", energy_to_target_j=5.0)
    search = live(known=(known,))
    first = search.propose()
    assert first is not None

    reason = search.epoch(epoch_of(first, 1, 4.0, 0.5))

    assert reason is StopReason.STOPPED


def test_a_trial_whose_encoder_has_ended_can_be_stopped() -> None:
    """Only the end of the last stage is the end of the trial."""
    search = live()
    first = search.propose()
    assert first is not None
    ended = StopReason.PATIENCE

    encoder = search.epoch(epoch(1, 40.0, None, of=first, stop=ended, stage=Stage.ENCODER.value))
    classifier = search.epoch(epoch(1, 40.0, 0.5, of=first, stop=ended))

    assert encoder is StopReason.STOPPED
    assert classifier is None


def test_set_up_energy_is_expected_of_running_trials() -> None:
    """Two trials run and the set-up of one is known, so the other is expected to need as much."""
    first, second = plans_of(OPTIONS)
    known = replace(record_of(first), setup_energy_j=10.0, energy_j=None)
    search = live(earlier=(known,))
    assert search.propose() == first
    assert search.propose() == second

    search.book_overhead()

    assert search.budget.spent_j == 10.0
    assert search.budget.expected_j == 20.0


def test_no_trial_begins_that_cannot_reach_its_first_rung() -> None:
    """The rung is at twice the first epoch's energy, 20 J, and only 16 J are left."""
    search = live(replace(OPTIONS, halving="energy"))
    first = search.propose()
    assert first is not None
    search.epoch(epoch_of(first, 1, 10.0, 0.5))
    search.epoch(epoch_of(first, 2, 10.0, 0.95))
    search.end(first.trial_id, failed=False)

    assert search.budget.limit_j - search.budget.spent_j == 16.0
    assert search.propose() is None
