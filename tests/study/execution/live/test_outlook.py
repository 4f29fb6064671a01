"""When a forecast is made."""

from collections.abc import Sequence

from study.execution.live.outlook import SHARE, Outlook
from study.record.objective import ACCURACY
from study.record.records import EpochRecord
from tests.study.rows import STAGE, epoch, plan


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
