"""Reports of a trial's rows to the driver, one or several at a time."""

import threading
from typing import Any

import pytest

from study.execution.reporting.reports import (
    COLLECT_S,
    NODE,
    REPORTS_HZ,
    Reports,
    collect_s,
    results_of,
)
from study.record.vocabulary import StopReason
from tests.waiting import PATIENCE_S, waited_for

LONG_S = 3600.0
ROW: dict[str, Any] = {"stop_reason": None}
LAST_ROW: dict[str, Any] = {"stop_reason": StopReason.MAX_EPOCHS}


class Driver:
    """A driver that records the numbers of the rows in each report."""

    def __init__(self) -> None:
        """Begin without reports, faults or a wish to stop."""
        self.reports: list[list[int]] = []
        self.kept: list[Any] = []
        self.is_stopping = False
        self.failures = 0

    def take(self, report: dict[str, Any]) -> None:
        """Receive a report, fail to receive it, or tell the trial to stop."""
        if self.failures:
            self.failures -= 1
            message = "nobody there"
            raise RuntimeError(message)
        self.reports.append([each["training_iteration"] for each in results_of(report)])
        if self.is_stopping:
            raise SystemExit(0)

    def reports_of(self, every_s: float) -> Reports:
        """Return the reports of a trial to this driver."""
        return Reports("n", every_s=every_s, keep=self.kept.append, report=self.take)


def test_rows_that_need_not_wait_are_reported_one_by_one() -> None:
    """A search decides after each row."""
    driver = Driver()

    with driver.reports_of(0.0) as reports:
        for row in (ROW, ROW, LAST_ROW):
            reports(row)

    assert driver.reports == [[1], [2], [3]]


def test_rows_that_may_wait_are_reported_at_the_end_of_their_stage() -> None:
    """The first row does not wait, as it shows that the trial is training."""
    driver = Driver()

    with driver.reports_of(LONG_S) as reports:
        for row in (ROW, ROW, ROW, LAST_ROW):
            reports(row)

    assert driver.reports == [[1], [2, 3, 4]]


def test_a_row_does_not_wait_for_a_long_epoch() -> None:
    """Once its waiting time is over, it is reported while the epoch runs."""
    driver = Driver()

    with driver.reports_of(0.01) as reports:
        reports(ROW)
        reports(ROW)
        waited_for(lambda: sum(map(len, driver.reports)) == 2, "the second row")

    assert [number for each in driver.reports for number in each] == [1, 2]


def test_rows_of_a_failed_report_are_in_the_next() -> None:
    """If the study's folder is an object store, they exist nowhere else."""
    driver = Driver()
    driver.failures = 1

    with driver.reports_of(LONG_S) as reports:
        reports(ROW)
        waited_for(lambda: driver.failures == 0, "the report that fails")
        for row in (ROW, LAST_ROW):
            reports(row)

    assert [number for each in driver.reports for number in each] == [1, 2, 3]


def test_a_trial_that_is_stopped_meanwhile_ends_at_its_next_row() -> None:
    """The reporting thread is told to stop, and the training's own thread at its next row."""
    driver = Driver()

    with driver.reports_of(0.01) as reports:
        reports(ROW)
        driver.is_stopping = True
        reports(ROW)
        with pytest.raises(SystemExit):
            waited_for(lambda: reports(ROW), "the end")

    assert [1] in driver.reports


def test_each_row_is_kept_before_it_is_reported() -> None:
    """It is therefore kept even if the trial or its driver is lost."""
    driver = Driver()

    with driver.reports_of(LONG_S) as reports:
        reports(ROW)
        reports(ROW)
        kept, received = list(driver.kept), list(driver.reports)

    assert kept == [ROW, ROW]
    assert received == [[1]]
    assert driver.reports == [[1], [2]]


def test_a_report_yields_one_result_for_each_row() -> None:
    """Each result has the values of its row, and what Tune adds to the report."""
    sent: list[dict[str, Any]] = []
    with Reports("n", every_s=LONG_S, keep=lambda _: None, report=sent.append) as reports:
        for value in (1, 2, 3):
            reports(
                {"value": value, "stop_reason": LAST_ROW["stop_reason"] if value == 3 else None}
            )

    *earlier, last = results_of({**sent[-1], "pid": 7})

    assert [each["value"] for each in (*earlier, last)] == [2, 3]
    assert all(each["pid"] == 7 and each[NODE] == "n" for each in (*earlier, last))
    assert list(results_of(last)) == [last]


@pytest.mark.parametrize("trials", [1, 16, 512, 5_000])
def test_reports_per_second_are_limited(trials: int) -> None:
    """The limit holds for any number of trials; if there are few, rows wait only briefly."""
    assert trials / collect_s(trials, decides_by_epoch=False, environment={}) <= REPORTS_HZ
    assert collect_s(1, decides_by_epoch=False, environment={}) == COLLECT_S


def test_each_epoch_is_reported_at_once_if_something_needs_it() -> None:
    """Rows do not wait if decisions follow each epoch, or the user has callbacks."""
    assert collect_s(512, decides_by_epoch=True, environment={}) == 0.0
    assert (
        collect_s(512, decides_by_epoch=False, environment={"RAY_TUNE_CALLBACKS": "mine.Mine"})
        == 0.0
    )


def test_a_trial_does_not_wait_for_a_busy_driver() -> None:
    """Its rows are reported when the driver is free, at the latest when the trial ends."""
    is_free = threading.Event()
    reports_taken: list[list[int]] = []

    def take(report: dict[str, Any]) -> None:
        is_free.wait(PATIENCE_S)
        reports_taken.append([each["training_iteration"] for each in results_of(report)])

    with Reports("n", every_s=0.01, keep=lambda _: None, report=take) as reports:
        for row in (ROW, ROW, LAST_ROW):
            reports(row)  # would block if it waited for the driver
        assert reports_taken == []
        is_free.set()

    assert [number for each in reports_taken for number in each] == [1, 2, 3]
