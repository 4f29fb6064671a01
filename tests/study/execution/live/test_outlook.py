"""What the forecast of a study is made from: its trials' rows, by stage, as they come."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from study.execution.live.outlook import SHARE, Outlook
from study.forecast.study_forecast import study_forecast
from study.record.objective import ACCURACY
from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from study.store.setups import TrialPlan, grid, trial_plans
from tests.study.execution.live.screens import overhead_of
from tests.study.rows import STAGE, epoch, plan
from trackers.clock import ManualClock

PLANS = trial_plans(grid((64, 256), (0.1, 0.01)), (0, 1), shuffle_seed=0)
STAGES = ("encoder", "classifier")


def outlook(
    rows: Sequence[EpochRecord],
    *,
    stages: Sequence[str] = STAGES,
    begin: Callable[[Callable[[], None]], object] = lambda work: work(),
) -> Outlook:
    """A forecast of eight trials with a patience of 3 and at most 10 epochs."""
    return Outlook(
        plans=lambda: PLANS,
        stages=lambda _: stages,
        epochs_of=lambda trial_id: [row for row in rows if row.trial_id == trial_id],
        objective=ACCURACY,
        max_epochs=10,
        patience=3,
        now_s=ManualClock().now_s,
        begin=begin,
    )


def timed(
    epochs_of: Callable[[str], Sequence[EpochRecord]],
    now_s: Sequence[float],
    *,
    plans: Sequence[TrialPlan],
) -> Outlook:
    """A forecast of one stage at a time that the test keeps in `now_s[0]`."""
    return Outlook(
        plans=lambda: plans,
        stages=lambda _: (STAGE,),
        epochs_of=epochs_of,
        objective=ACCURACY,
        max_epochs=10,
        patience=1,
        now_s=lambda: now_s[0],
        begin=lambda work: work(),
    )


def trained(
    plan: TrialPlan, stage: str, *scores: float, stop: StopReason | None
) -> list[EpochRecord]:
    """The rows of a stage: an epoch for each score, of 2 J each."""
    last = len(scores)
    return [
        epoch(n, 2.0, score, of=plan, stage=stage, stop=stop if n == last else None)
        for n, score in enumerate(scores, start=1)
    ]


def test_each_stage_of_a_trial_is_a_training() -> None:
    """Those that have ended come first; what has not begun is there, too."""
    rows = trained(PLANS[0], "encoder", 0.1, 0.2, stop=StopReason.PATIENCE)

    runs = outlook(rows).runs()

    assert len(runs) == len(PLANS) * len(STAGES)
    assert (runs[0].trial, runs[0].stage, runs[0].epochs) == (PLANS[0].trial_id, "encoder", 2)
    assert runs[0].has_ended
    assert not runs[0].is_cut
    assert sum(run.epochs for run in runs[1:]) == 0


def test_a_training_that_did_not_end_by_itself_would_have_gone_on() -> None:
    """At the limit of epochs, or where the study ended it."""
    rows = trained(PLANS[0], "encoder", 0.1, 0.2, stop=StopReason.STOPPED)

    assert outlook(rows).runs()[0].is_cut


def test_early_stopping_says_how_many_epochs_there_will_be_at_least() -> None:
    """The best epoch was the second of three: with a patience of 3 it cannot end before the fifth."""
    rows = trained(PLANS[0], "encoder", 0.1, 0.3, 0.2, stop=None)

    [run] = [run for run in outlook(rows).runs() if run.epochs]

    assert (run.fewest, run.energy_j, run.time_s) == (5, 6.0, 6.0)


def test_epochs_that_an_attempt_trained_anew_count_once() -> None:
    """As they do in the trial's row."""
    again = TrialPlan(**{**PLANS[0].to_config(), "attempt": 2})
    rows = [
        *trained(PLANS[0], "encoder", 0.1, 0.2, stop=None),
        epoch(2, 2.0, 0.2, of=again, stage="encoder"),
    ]

    [run] = [run for run in outlook(rows).runs() if run.epochs]

    assert run.epochs == 2


def test_all_stages_of_a_trial_make_up_its_forecast() -> None:
    """Of a study of two stages, of which the first trials have ended."""
    rows = [
        row
        for plan in PLANS[:4]
        for stage in STAGES
        for row in trained(plan, stage, *[0.1, 0.2, 0.3, 0.2, 0.2, 0.2], stop=StopReason.PATIENCE)
    ]
    forecast = outlook(rows)

    forecast.renew()

    assert forecast.latest is not None
    total = forecast.latest.total_j
    of_one = forecast.latest.of_trial(PLANS[0].trial_id)
    assert total is not None
    assert of_one is not None
    assert float(of_one.max()) == 24.0
    assert 4 * 24.0 < float(total.mean()) < 12 * 24.0


def test_what_a_trial_uses_outside_its_epochs_is_known_when_it_has_ended() -> None:
    """Set-up, pauses and tests; of one that runs, what its lost attempts have used, and of all whether their process is new."""
    rows = [
        *trained(PLANS[0], STAGE, 0.1, 0.2, stop=StopReason.PATIENCE),
        *trained(PLANS[1], STAGE, 0.1, stop=None),
    ]
    booked: dict[str, float | None] = dict.fromkeys((PLANS[0].trial_id, PLANS[1].trial_id))
    parts = Outlook(
        plans=lambda: PLANS[:3],
        stages=lambda _: (STAGE,),
        epochs_of=lambda trial_id: [row for row in rows if row.trial_id == trial_id],
        trial_of=lambda trial_id: overhead_of(rows, trial_id, booked[trial_id], lost_j=3.0),
        objective=ACCURACY,
        max_epochs=10,
        patience=3,
    )

    parts.begin(PLANS[0].trial_id, in_new_process=True)

    before = parts.overheads(parts.runs())
    booked.update(dict.fromkeys(booked, 7.0))  # trackers book it later than it ends
    after = parts.overheads(parts.runs())

    assert [(each.energy_j, each.lost_j) for each in before] == [
        (None, 3.0),
        (None, 3.0),
        (None, 0.0),
    ]
    assert [each.in_new_process for each in after] == [True, False, False]
    assert [(each.energy_j, each.lost_j) for each in after] == [
        (7.0, 3.0),
        (None, 3.0),
        (None, 0.0),
    ]


def test_of_trials_of_an_earlier_command_nobody_knows_which_process_was_new() -> None:
    """What they used is known, and says nothing of those to come."""
    rows = trained(PLANS[0], STAGE, 0.1, 0.2, stop=StopReason.PATIENCE)
    parts = Outlook(
        plans=lambda: PLANS[:2],
        stages=lambda _: (STAGE,),
        epochs_of=lambda trial_id: [row for row in rows if row.trial_id == trial_id],
        trial_of=lambda trial_id: overhead_of(rows, trial_id, 7.0),
        objective=ACCURACY,
        max_epochs=10,
        patience=3,
    )

    found = parts.overheads(parts.runs())

    assert [(each.energy_j, each.in_new_process) for each in found] == [(7.0, None), (None, False)]


def test_a_forecast_is_not_begun_while_another_is_computed() -> None:
    """However many epochs come meanwhile."""
    waiting: list[Callable[[], None]] = []
    busy = outlook(trained(PLANS[0], "encoder", 0.1, stop=None), begin=waiting.append)

    busy.renew()
    busy.renew()
    waiting[0]()
    busy.renew()

    assert len(waiting) == 2


def test_epochs_within_a_pass_are_parts_of_the_limit_and_of_patience() -> None:
    """With four validations a pass, 2 passes are 8 epochs, and a patience of 1 pass is 4 of them."""
    rows = {
        each.trial_id: [epoch(n, 1.0, 0.5 if n == 3 else 0.1, of=each) for n in range(1, 4)]
        for each in (plan(1), plan(2))
    }
    rows[plan(1).trial_id][-1] = epoch(3, 1.0, 0.5, of=plan(1), stop=StopReason.PATIENCE)
    parts = Outlook(
        plans=lambda: [plan(1), plan(2)],
        stages=lambda _: (STAGE,),
        epochs_of=rows.__getitem__,
        objective=ACCURACY,
        max_epochs=2,
        patience=1,
        validations=lambda _: 4,
    )

    ended, under_way = parts.runs()
    forecast = study_forecast(
        [
            *(replace(ended, trial=str(n), epochs=7, energies_j=(1.0,) * 7) for n in range(4)),
            replace(under_way, epochs=0, energies_j=(), fewest=1, chosen=ended.chosen),
        ],
        max_epochs=2,
    )

    assert (under_way.fewest, under_way.validations) == (7, 4)
    assert forecast is not None
    assert float(np.median(forecast.energies_j[:, -1])) > 4.0


def test_going_through_the_rows_counts_as_time_of_the_forecast() -> None:
    """It is the driver's, also where there is nothing to forecast yet, or too much."""
    now_s, looked = [0.0], []

    def epochs_of(_: str) -> Sequence[EpochRecord]:
        looked.append(now_s[0])
        now_s[0] += 1.0
        return [epoch(1, of=PLANS[0])]

    made = timed(epochs_of, now_s, plans=PLANS[:1])

    for _ in range(3):
        made.renew()
    now_s[0] += 1.0 / SHARE
    made.renew()

    assert looked == [0.0, 1.0 + 1.0 / SHARE]


def test_what_the_first_forecast_loads_keeps_no_second_one_waiting() -> None:
    """It loads a library; only the second one's time says when the third may follow."""
    now_s, looked = [0.0], []

    def epochs_of(trial_id: str) -> Sequence[EpochRecord]:
        if trial_id == PLANS[0].trial_id:
            looked.append(now_s[0])
            now_s[0] += 1.0
        of = next(each for each in PLANS if each.trial_id == trial_id)
        return [epoch(1, of=of, stop=None if of is PLANS[-1] else StopReason.PATIENCE)]

    made = timed(epochs_of, now_s, plans=PLANS)

    for _ in range(3):
        made.renew()

    assert made.latest is not None
    assert looked == [0.0, 1.0]


def test_who_ran_beside_others_may_cost_something_else_alone() -> None:
    """The last of a study that had two at a time is less sure than that of one that had one."""
    now_s = [0.0]
    ended = [row for each in PLANS[:-1] for row in rows_to_the_end(each)]
    last = [epoch(1, 2.0, 0.1, of=PLANS[-1])]
    rows: list[EpochRecord] = []
    widths = []
    for beside in ([], [epoch(1, 2.0, 0.1, of=PLANS[0])]):
        made = timed(
            lambda trial_id: [row for row in rows if row.trial_id == trial_id], now_s, plans=PLANS
        )
        rows[:] = [*beside, *last]
        made.renew()
        now_s[0] += 100.0
        rows[:] = [*ended, *last]
        made.renew()
        assert made.latest is not None
        assert made.latest.total_j is not None
        widths.append(float(np.ptp(made.latest.total_j)))

    assert widths[1] > widths[0]


def rows_to_the_end(each: TrialPlan) -> list[EpochRecord]:
    """The rows of a trial that has ended."""
    return trained(each, STAGE, 0.1, 0.2, 0.3, stop=StopReason.PATIENCE)


def test_nothing_is_forecast_of_a_study_that_is_over() -> None:
    """The last line of a small study waits for no library that draws."""
    rows = [
        row
        for each in PLANS
        for stage in STAGES
        for row in trained(each, stage, 0.1, stop=StopReason.PATIENCE)
    ]
    waiting: list[Callable[[], None]] = []
    over, not_over = outlook(rows, begin=waiting.append), outlook(rows[:-1], begin=waiting.append)

    over.renew()
    assert not waiting
    not_over.renew()
    assert len(waiting) == 1
