"""Input of a study's forecast, from its trials' rows, and the times at which it is renewed."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

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


def outlook_of(
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


def timed_outlook_of(
    epochs_of: Callable[[str], Sequence[EpochRecord]],
    now_s: Sequence[float],
    *,
    plans: Sequence[TrialPlan],
) -> Outlook:
    """A forecast of trials of one stage; `now_s[0]` is the time."""
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
    """Those that have ended come first; those that have not begun are included."""
    rows = trained(PLANS[0], "encoder", 0.1, 0.2, stop=StopReason.PATIENCE)

    runs = outlook_of(rows).runs()

    assert len(runs) == len(PLANS) * len(STAGES)
    assert (runs[0].trial, runs[0].stage, runs[0].epochs) == (PLANS[0].trial_id, "encoder", 2)
    assert runs[0].has_ended
    assert not runs[0].is_cut
    assert sum(run.epochs for run in runs[1:]) == 0


@pytest.mark.parametrize("reason", [StopReason.STOPPED, StopReason.MAX_EPOCHS, StopReason.TARGET])
def test_a_training_that_did_not_end_by_patience_is_cut(reason: StopReason) -> None:
    """Its epochs are only a lower bound of what it would have had."""
    rows = trained(PLANS[0], "encoder", 0.1, 0.2, stop=reason)

    assert outlook_of(rows).runs()[0].is_cut


def test_patience_gives_the_fewest_epochs_of_a_training() -> None:
    """The best epoch was the second of three: with a patience of 3 it cannot end before the fifth."""
    rows = trained(PLANS[0], "encoder", 0.1, 0.3, 0.2, stop=None)

    [run] = [run for run in outlook_of(rows).runs() if run.epochs]

    assert (run.fewest, run.energy_j, run.time_s) == (5, 6.0, 6.0)


def test_epochs_that_were_trained_again_count_once() -> None:
    """They count once in the trial's row, too."""
    again = TrialPlan(**{**PLANS[0].to_config(), "attempt": 2})
    rows = [
        *trained(PLANS[0], "encoder", 0.1, 0.2, stop=None),
        epoch(2, 2.0, 0.2, of=again, stage="encoder"),
    ]

    [run] = [run for run in outlook_of(rows).runs() if run.epochs]

    assert run.epochs == 2


def test_all_stages_of_a_trial_make_up_its_forecast() -> None:
    """A trial's forecast is the sum over its two stages; half of the trials have ended."""
    rows = [
        row
        for plan in PLANS[:4]
        for stage in STAGES
        for row in trained(plan, stage, *[0.1, 0.2, 0.3, 0.2, 0.2, 0.2], stop=StopReason.PATIENCE)
    ]
    outlook = outlook_of(rows)

    outlook.renew()

    assert outlook.latest is not None
    total = outlook.latest.total_j
    of_one = outlook.latest.of_trial(PLANS[0].trial_id)
    assert total is not None
    assert of_one is not None
    assert float(of_one.max()) == 24.0
    assert 4 * 24.0 < float(total.mean()) < 12 * 24.0


def test_overhead_of_a_trial_is_known_once_it_has_ended() -> None:
    """Set-up, pauses and tests count once they are booked; lost attempts count while the trial runs, too."""
    rows = [
        *trained(PLANS[0], STAGE, 0.1, 0.2, stop=StopReason.PATIENCE),
        *trained(PLANS[1], STAGE, 0.1, stop=None),
    ]
    booked: dict[str, float | None] = dict.fromkeys((PLANS[0].trial_id, PLANS[1].trial_id))
    outlook = Outlook(
        plans=lambda: PLANS[:3],
        stages=lambda _: (STAGE,),
        epochs_of=lambda trial_id: [row for row in rows if row.trial_id == trial_id],
        trial_of=lambda trial_id: overhead_of(rows, trial_id, booked[trial_id], lost_j=3.0),
        objective=ACCURACY,
        max_epochs=10,
        patience=3,
    )

    outlook.begin(PLANS[0].trial_id, in_new_process=True)

    before = outlook.overheads(outlook.runs())
    booked.update(dict.fromkeys(booked, 7.0))  # trackers book it after the trial's end
    after = outlook.overheads(outlook.runs())

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


def test_trials_of_an_earlier_command_had_unknown_processes() -> None:
    """Their overhead is known, but not whether a new process was part of it."""
    rows = trained(PLANS[0], STAGE, 0.1, 0.2, stop=StopReason.PATIENCE)
    outlook = Outlook(
        plans=lambda: PLANS[:2],
        stages=lambda _: (STAGE,),
        epochs_of=lambda trial_id: [row for row in rows if row.trial_id == trial_id],
        trial_of=lambda trial_id: overhead_of(rows, trial_id, 7.0),
        objective=ACCURACY,
        max_epochs=10,
        patience=3,
    )

    found = outlook.overheads(outlook.runs())

    assert [(each.energy_j, each.in_new_process) for each in found] == [(7.0, None), (None, False)]


def test_a_forecast_is_not_begun_while_another_is_computed() -> None:
    """This holds for any number of epochs that end meanwhile."""
    waiting: list[Callable[[], None]] = []
    outlook = outlook_of(trained(PLANS[0], "encoder", 0.1, stop=None), begin=waiting.append)

    outlook.renew()
    outlook.renew()
    waiting[0]()
    outlook.renew()

    assert len(waiting) == 2


def test_limit_and_patience_are_in_passes_and_not_in_validations() -> None:
    """With 4 validations per pass, 2 passes are 8 epochs, and a patience of 1 pass is 4 epochs."""
    rows = {
        each.trial_id: [epoch(n, 1.0, 0.5 if n == 3 else 0.1, of=each) for n in range(1, 4)]
        for each in (plan(1), plan(2))
    }
    rows[plan(1).trial_id][-1] = epoch(3, 1.0, 0.5, of=plan(1), stop=StopReason.PATIENCE)
    outlook = Outlook(
        plans=lambda: [plan(1), plan(2)],
        stages=lambda _: (STAGE,),
        epochs_of=rows.__getitem__,
        objective=ACCURACY,
        max_epochs=2,
        patience=1,
        validations=lambda _: 4,
    )

    ended, under_way = outlook.runs()
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


def test_reading_rows_counts_as_time_of_the_forecast() -> None:
    """It takes the driver's time, even if there is nothing to forecast yet."""
    now_s, read_at_s = [0.0], []

    def epochs_of(_: str) -> Sequence[EpochRecord]:
        read_at_s.append(now_s[0])
        now_s[0] += 1.0
        return [epoch(1, of=PLANS[0])]

    outlook = timed_outlook_of(epochs_of, now_s, plans=PLANS[:1])

    for _ in range(3):
        outlook.renew()
    now_s[0] += 1.0 / SHARE
    outlook.renew()

    assert read_at_s == [0.0, 1.0 + 1.0 / SHARE]


def test_the_first_forecast_does_not_delay_the_second() -> None:
    """The first one loads a library; only the time of later ones delays the next."""
    now_s, read_at_s = [0.0], []

    def epochs_of(trial_id: str) -> Sequence[EpochRecord]:
        if trial_id == PLANS[0].trial_id:
            read_at_s.append(now_s[0])
            now_s[0] += 1.0
        of = next(each for each in PLANS if each.trial_id == trial_id)
        return [epoch(1, of=of, stop=None if of is PLANS[-1] else StopReason.PATIENCE)]

    outlook = timed_outlook_of(epochs_of, now_s, plans=PLANS)

    for _ in range(3):
        outlook.renew()

    assert outlook.latest is not None
    assert read_at_s == [0.0, 1.0]


def test_the_last_of_concurrent_trials_is_less_certain() -> None:
    """A trial that had neighbours may cost more or less once it runs alone."""
    now_s = [0.0]
    ended = [row for each in PLANS[:-1] for row in rows_to_the_end(each)]
    last = [epoch(1, 2.0, 0.1, of=PLANS[-1])]
    rows: list[EpochRecord] = []
    widths = []
    for others in ([], [epoch(1, 2.0, 0.1, of=PLANS[0])]):
        outlook = timed_outlook_of(
            lambda trial_id: [row for row in rows if row.trial_id == trial_id], now_s, plans=PLANS
        )
        rows[:] = [*others, *last]
        outlook.renew()
        now_s[0] += 100.0
        rows[:] = [*ended, *last]
        outlook.renew()
        assert outlook.latest is not None
        assert outlook.latest.total_j is not None
        widths.append(float(np.ptp(outlook.latest.total_j)))

    assert widths[1] > widths[0]


def rows_to_the_end(each: TrialPlan) -> list[EpochRecord]:
    """The rows of a trial that has ended."""
    return trained(each, STAGE, 0.1, 0.2, 0.3, stop=StopReason.PATIENCE)


def test_a_completed_study_is_not_forecast() -> None:
    """The last line of a small study does not wait for a library to load."""
    rows = [
        row
        for each in PLANS
        for stage in STAGES
        for row in trained(each, stage, 0.1, stop=StopReason.PATIENCE)
    ]
    waiting: list[Callable[[], None]] = []
    completed, running = (
        outlook_of(rows, begin=waiting.append),
        outlook_of(rows[:-1], begin=waiting.append),
    )

    completed.renew()
    assert not waiting
    running.renew()
    assert len(waiting) == 1
