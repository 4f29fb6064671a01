"""How rows of a trial come to the driver together."""

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
HELD: dict[str, Any] = {"stop_reason": None}
LAST: dict[str, Any] = {"stop_reason": StopReason.MAX_EPOCHS}


class Driver:
    """Takes reports, and remembers their rows by number."""

    def __init__(self) -> None:
        """Let the trial go on."""
        self.reports: list[list[int]] = []
        self.kept: list[Any] = []
        self.is_stopping = False
        self.failures = 0

    def take(self, report: dict[str, Any]) -> None:
        """Take one, or fail to, or end the trial."""
        if self.failures:
            self.failures -= 1
            message = "nobody there"
            raise RuntimeError(message)
        self.reports.append([each["training_iteration"] for each in results_of(report)])
        if self.is_stopping:
            raise SystemExit(0)

    def reports_of(self, every_s: float) -> Reports:
        """The rows of a trial that come here."""
        return Reports("n", every_s=every_s, keep=self.kept.append, report=self.take)


def test_rows_that_somebody_hears_come_one_by_one() -> None:
    """A search decides by each."""
    driver = Driver()

    with driver.reports_of(0.0) as reports:
        for row in (HELD, HELD, LAST):
            reports(row)

    assert driver.reports == [[1], [2], [3]]


def test_other_rows_wait_for_the_end_of_their_stage() -> None:
    """The first waits for nobody: it shows that the trial trains."""
    driver = Driver()

    with driver.reports_of(LONG_S) as reports:
        for row in (HELD, HELD, HELD, LAST):
            reports(row)

    assert driver.reports == [[1], [2, 3, 4]]


def test_a_row_does_not_wait_for_a_long_epoch() -> None:
    """It is reported while the trial trains on."""
    driver = Driver()

    with driver.reports_of(0.01) as reports:
        reports(HELD)
        reports(HELD)
        waited_for(lambda: sum(map(len, driver.reports)) == 2, "the second row")

    assert [number for each in driver.reports for number in each] == [1, 2]


def test_rows_of_a_report_that_failed_are_in_the_next() -> None:
    """Where the folder is an object store they are nowhere else."""
    driver = Driver()
    driver.failures = 1

    with driver.reports_of(LONG_S) as reports:
        reports(HELD)
        waited_for(lambda: driver.failures == 0, "the report that fails")
        for row in (HELD, LAST):
            reports(row)

    assert [number for each in driver.reports for number in each] == [1, 2, 3]


def test_a_trial_that_is_stopped_meanwhile_ends_at_its_next_row() -> None:
    """The report that was told so was not the training's own."""
    driver = Driver()

    with driver.reports_of(0.01) as reports:
        reports(HELD)
        driver.is_stopping = True
        reports(HELD)
        with pytest.raises(SystemExit):
            waited_for(lambda: reports(HELD), "the end")

    assert [1] in driver.reports


def test_each_row_is_kept_before_it_is_reported() -> None:
    """Whatever becomes of the trial, and of its driver."""
    driver = Driver()

    with driver.reports_of(LONG_S) as reports:
        reports(HELD)
        reports(HELD)
        kept, heard = list(driver.kept), list(driver.reports)

    assert kept == [HELD, HELD]
    assert heard == [[1]]
    assert driver.reports == [[1], [2]]


def test_a_report_is_as_many_results_as_it_has_rows() -> None:
    """Each with what is its own, and what Tune says of the report."""
    told: list[dict[str, Any]] = []
    with Reports("n", every_s=LONG_S, keep=lambda _: None, report=told.append) as reports:
        for value in (1, 2, 3):
            reports({"value": value, "stop_reason": LAST["stop_reason"] if value == 3 else None})

    *earlier, last = results_of({**told[-1], "pid": 7})

    assert [each["value"] for each in (*earlier, last)] == [2, 3]
    assert all(each["pid"] == 7 and each[NODE] == "n" for each in (*earlier, last))
    assert list(results_of(last)) == [last]


@pytest.mark.parametrize("trials", [1, 16, 512, 5_000])
def test_the_driver_gets_only_so_many_reports_a_second(trials: int) -> None:
    """However many trials there are, and where there are few they come soon."""
    assert trials / collect_s(trials, decides_by_epoch=False, environment={}) <= REPORTS_HZ
    assert collect_s(1, decides_by_epoch=False, environment={}) == COLLECT_S


def test_who_listens_hears_each_epoch_at_once() -> None:
    """A search, a budget, and callbacks of the user's own."""
    assert collect_s(512, decides_by_epoch=True, environment={}) == 0.0
    assert (
        collect_s(512, decides_by_epoch=False, environment={"RAY_TUNE_CALLBACKS": "mine.Mine"})
        == 0.0
    )


def test_a_trial_does_not_wait_for_a_busy_driver() -> None:
    """What came meanwhile is reported when the driver is free, at the trial's end at the latest."""
    is_free = threading.Event()
    reports_taken: list[list[int]] = []

    def take(report: dict[str, Any]) -> None:
        is_free.wait(PATIENCE_S)
        reports_taken.append([each["training_iteration"] for each in results_of(report)])

    with Reports("n", every_s=0.01, keep=lambda _: None, report=take) as reports:
        for row in (HELD, HELD, LAST):
            reports(row)  # would not come back
        assert reports_taken == []
        is_free.set()

    assert [number for each in reports_taken for number in each] == [1, 2, 3]
