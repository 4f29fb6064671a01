"""The way of a trial's rows to the driver: each by itself, or several in one report.

A report costs the driver milliseconds of Tune's, whatever is in it, and the trial would wait for it. Where nobody
listens epoch by epoch, as in a plain grid, a row waits for the next ones, at most for as long as was said; and
the trial goes on when the driver takes its time.
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
"""Key of a report under which it tells Ray's name of its machine."""

REPORTED_AT = "reported_at"
"""Key of the wall time at which a trial had a row, in seconds since 1970."""

TOGETHER_S = 1.0
"""Rows of a trial wait for each other for so long, where few trials run."""

REPORTS_HZ = 10.0
"""Most reports a second of all trials together: each takes milliseconds of the driver's time."""

PATIENCE_S = 0.005
"""A trial waits so long for a report, to be told that it is to end: it then keeps its state."""

_EARLIER = "earlier_rows"
"""Key of a report under which it has the rows before its own."""


_log = logging.getLogger(__name__)


@final
class Reports:
    """The rows of one trial; a context, at whose end no report is under way."""

    def __init__(
        self,
        node: str,
        *,
        every_s: float,
        keep: Callable[[Mapping[str, Any]], None],
        report: Callable[[dict[str, Any]], None] = tune.report,
    ) -> None:
        """Report each row at once, or with `every_s` above 0 at most so often.

        Args:
            node: Ray's name of this machine.
            every_s: The first row and the last one of a stage wait for nobody; others at most so long.
            keep: Takes each row at once, for who may never get the report.
            report: Takes a report, and returns when the driver has it.
        """
        self._node = node
        self._every_s = every_s
        self._keep = keep
        self._report = report
        self._rows: list[dict[str, Any]] = []
        self._count = 0
        self._due_s = 0.0
        self._is_stopped = False
        self._late: threading.Timer | None = None
        # One report at a time; and one hand at the rows that wait.
        self._reporting = threading.Lock()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Begin without a row."""
        return self

    def __exit__(self, *_: object) -> None:
        """Report what is left, after a report that is under way."""
        with self._reporting:
            if not self._is_stopped:
                self._send()

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Take a row of an epoch.

        Raises:
            SystemExit: The trial is to end; as `tune.report` does.
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
            self._send_beside(after_s=0.0).join(PATIENCE_S)
            if self._is_stopped:
                raise SystemExit(0)
        elif self._late is None:
            # An epoch may take longer than a row is to wait, or the driver is busy with the one before.
            self._late = self._send_beside(after_s=self._every_s)

    def _send_beside(self, *, after_s: float) -> threading.Timer:
        """Report from another thread, while the trial trains on."""
        sending = threading.Timer(after_s, self._send_or_stop)
        sending.daemon = True
        sending.start()
        return sending

    def _send_or_stop(self) -> None:
        with self._reporting:
            try:
                self._send()
            except SystemExit:  # the trial's own thread is to end, at its next row at the latest
                self._is_stopped = True
            except Exception as error:  # noqa: BLE001 - the next report has its rows too
                _log.warning("a report did not come to the driver: %s", error)

    def _send(self) -> None:
        late, self._late = self._late, None
        if late is not None:
            late.cancel()
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


def together_s(
    trials: int, *, is_heard: bool, environment: Mapping[str, str] = os.environ
) -> float:
    """Return for how long the rows of a trial may wait for each other.

    Args:
        trials: That run at the same time.
        is_heard: Whether somebody decides by single epochs.
        environment: Callbacks may be named there that are not ours; they hear each epoch.
    """
    if is_heard or environment.get(RAY_TUNE_CALLBACKS_ENV_VAR):
        return 0.0
    return max(TOGETHER_S, trials / REPORTS_HZ)


def results_of(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a report's results, one for each of its rows, as if each had come by itself.

    Args:
        result: As Tune has it; its rows but the last are taken out of it.
    """
    for row in result.pop(_EARLIER, ()):
        yield {**result, **row}
    yield result
