"""Environment variables that a study sets, and their restoration, because a notebook continues afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_OUTPUT_BYTES = 20_000_000
"""Size at which the log of a local Ray process is rotated; one older file is kept beside it."""

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_ROTATION_MAX_BYTES": str(LONGEST_OUTPUT_BYTES),
    "RAY_ROTATION_BACKUP_COUNT": "1",
}
"""Environment variables that turn off Ray's own tables, statistics and events, its handling of Ctrl-C, and its
loggers of trials. In their place come `study.execution.live.progress`, `study.execution.interrupts`, and
`study.execution.reporting` with `study.execution.live.tensorboard`."""


@contextmanager
def kept_environment(*names: str) -> Iterator[None]:
    """Restore environment variables to their present values at the end of the context."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
