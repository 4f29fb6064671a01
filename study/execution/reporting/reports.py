"""Reports of a trial's rows to the driver: one row each, or several in one report.

Each report costs milliseconds in Tune's driver, whatever its size, and the trial would wait for it. If nothing
is decided after single epochs, as in a plain grid, rows are collected for a limited time and reported
together, from another thread, so that training does not wait for a slow driver.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, final

from ray import tune
from ray.air.constants import TRAINING_ITERATION
from ray.tune.constants import RAY_TUNE_CALLBACKS_ENV_VAR

NODE = "ray_node"
"""Key of a report that holds Ray's identifier of the trial's node."""

REPORTED_AT = "reported_at"
"""Key of a row that holds the wall time at which the trial had it, in seconds since 1970."""

COLLECT_S = 1.0
"""Seconds for which a trial collects rows into one report, when few trials run."""

REPORTS_HZ = 10.0
"""Maximum reports per second of all trials together: each takes milliseconds of the driver's time."""

REPORT_WAIT_S = 0.005
"""Seconds that a trial waits for a report to return: if it is told to stop then, it can keep its state."""

_EARLIER = "earlier_rows"
"""Key of a report that holds the rows before its last one."""


_log = logging.getLogger(__name__)


@final
class Reports:
    """Sends the rows of one trial to the driver; a context manager that flushes the rest at its end."""

    def __init__(
        self,
        node: str,
        *,
        every_s: float,
        keep: Callable[[Mapping[str, Any]], None],
        report: Callable[[dict[str, Any]], None] = tune.report,
    ) -> None:
        """Report each row at once, or, with `every_s` above 0, several rows together.

        Args:
            node: Ray's identifier of this node.
            every_s: Longest time in seconds that a row waits to be reported together with others; the
                trial's first row and the last row of each stage do not wait. 0 to report each row at once.
            keep: Called with each row at once, in case its report is lost.
            report: Sends a report, and returns when the driver has received it.
        """
        self._node = node
        self._every_s = every_s
        self._keep = keep
        self._report = report
        self._rows: list[dict[str, Any]] = []
        self._count = 0
        self._due_s = 0.0
        self._is_stopped = False
        self._delayed: threading.Timer | None = None
        # `_reporting` allows one report at a time; `_lock` guards the waiting rows.
        self._reporting = threading.Lock()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin with no rows waiting."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for a report in progress, then report the rows that are left."""
        with self._reporting:
            if not self._is_stopped:
                self._send()

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Take the row of an epoch, and report it now or later.

        Raises:
            SystemExit: Tune has told the trial to stop, as `tune.report` does.
        """
        self._keep(row)
        if self._is_stopped:
            raise SystemExit(0)
        with self._lock:
            self._count += 1
            numbered = {TRAINING_ITERATION: self._count, REPORTED_AT: time.time()}
            self._rows.append({**row, **numbered, NODE: self._node})
        is_due = row["stop_reason"] is not None or time.monotonic() >= self._due_s
        if not self._every_s:
            self._send()
        elif is_due and not self._reporting.locked():
            self._send_in_thread(after_s=0.0).join(REPORT_WAIT_S)
            if self._is_stopped:
                raise SystemExit(0)
        elif self._delayed is None:
            # Report later by timer: the next epoch may take longer than this row may wait, or the driver
            # may still be busy with the previous report.
            self._delayed = self._send_in_thread(after_s=self._every_s)

    def _send_in_thread(self, *, after_s: float) -> threading.Timer:
        """Report from another thread after `after_s` seconds, while the trial continues to train."""
        sending = threading.Timer(after_s, self._send_or_stop)
        sending.daemon = True
        sending.start()
        return sending

    def _send_or_stop(self) -> None:
        with self._reporting:
            try:
                self._send()
            except SystemExit:  # `__call__` passes this on to the trial's own thread
                self._is_stopped = True
            except Exception as error:  # noqa: BLE001 - its rows go with the next report
                _log.warning("a report did not reach the driver: %s", error)

    def _send(self) -> None:
        delayed, self._delayed = self._delayed, None
        if delayed is not None:
            delayed.cancel()
        with self._lock:
            rows, self._rows = self._rows, []
        if rows:
            self._due_s = time.monotonic() + self._every_s
            *earlier, last = rows
            try:
                self._report({**last, _EARLIER: earlier} if earlier else last)
            except Exception:
                with self._lock:
                    self._rows[:0] = rows
                raise


def collect_s(
    trials: int, *, decides_by_epoch: bool, environment: Mapping[str, str] = os.environ
) -> float:
    """Return for how many seconds a trial may collect rows into one report.

    Args:
        trials: Number of trials that run at the same time.
        decides_by_epoch: Whether decisions are made after single epochs.
        environment: Environment variables; if they name Tune callbacks of the user's, rows are not
            collected, because such callbacks expect each epoch at once.

    Returns:
        The time in seconds; 0 to report each row at once.
    """
    if decides_by_epoch or environment.get(RAY_TUNE_CALLBACKS_ENV_VAR):
        return 0.0
    return max(COLLECT_S, trials / REPORTS_HZ)


def results_of(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one result for each row of a report, as if each row had been reported by itself.

    Args:
        result: The report, as Tune passes it on; its earlier rows are removed from it.
    """
    for row in result.pop(_EARLIER, ()):
        yield {**result, **row}
    yield result
