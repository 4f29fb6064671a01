"""When a forecast is made."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from study.execution.live.outlook import SHARE, Outlook
from study.forecast.study_forecast import study_forecast
from study.record.objective import ACCURACY
from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from tests.study.rows import STAGE, epoch, plan


def test_epochs_within_a_pass_are_parts_of_the_limit_and_of_patience() -> None:
    """With four validations a pass, 2 passes are 8 epochs, and a patience of 1 pass is 4 of them."""
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
            *(replace(ended, trial=str(n), epochs=7, measured=7, energy_j=7.0) for n in range(4)),
            replace(under_way, epochs=0, measured=0, fewest=1, chosen=ended.chosen),
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
        return [epoch(1)]

    outlook = Outlook(
        plans=lambda: [plan()],
        stages=lambda _: (STAGE,),
        epochs_of=epochs_of,
        objective=ACCURACY,
        max_epochs=10,
        patience=1,
        now_s=lambda: now_s[0],
        begin=lambda work: work(),
    )

    for _ in range(3):
        outlook.renew()
    now_s[0] += 1.0 / SHARE
    outlook.renew()

    assert looked == [0.0, 1.0 + 1.0 / SHARE]
