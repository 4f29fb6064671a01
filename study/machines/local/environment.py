"""Process settings that a study changes, restored at its end, because a notebook goes on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_OUTPUT_BYTES = 20_000_000
"""A process of a local Ray keeps so much of what it prints, and as much again of what it printed before."""

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_ROTATION_MAX_BYTES": str(LONGEST_OUTPUT_BYTES),
    "RAY_ROTATION_BACKUP_COUNT": "1",
}
"""Ray's own tables, statistics and events off: what a user sees comes from `study.execution.live.progress`. And
its way with Ctrl-C, for that of `study.execution.interrupts`, and its files of trials, for those of
`study.execution.reporting` and `study.execution.live.tensorboard`."""


@contextmanager
def kept_environment(*names: str) -> Iterator[None]:
    """Let variables of the environment be changed, and put them back at the end."""
    before = {name: os.environ.get(name) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
