"""Guard process that remembers boards' original power limits, and restores them if the tracker dies.

    tracker --stdin--> guard        {"keep": UUID}       before the tracker sets another limit
            <-stdout--              {"limit_w": W}       the original limit, which is now remembered
            --stdin-->              {"forget": UUID}     the tracker has restored it itself
            <-stdout--              {}                   or, to either, {"error": what is wrong}

When the tracker's end of the pipe closes, however the tracker died, the guard restores the limits that it
remembers and ends. It has a session of its own and no living parent, so that it is ended neither by Ctrl-C nor
by Ray, which ends the children of its workers. The limits are also written to files, in case the guard itself
is killed: the next tracker on this machine then restores them (`restore_leftovers`).
"""

import fcntl
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final, final

from trackers.errors import TrackerError
from trackers.source import LimitsPower
from trackers.sources.nvml.source import NvmlSource

FOLDER: Final = "power-of-training-limits"
PRIVATE: Final = 0o700

OUTLIVES: Final = "POWER_OF_TRAINING_OUTLIVES"
"""Environment variable that marks a process which is to outlive the study that has started it."""

OTHERS_S: Final = 5.0
"""Longest wait for a board that another guard holds, because that may be restoring the limit."""

CHECK_EVERY_S: Final = 0.05


@final
class KeptLimits:
    """Original power limits, in one file per board, each locked by the guard that is responsible for it."""

    def __init__(self, folder: Path | None = None, *, others_s: float = OTHERS_S) -> None:
        """Open the folder of the files, and create it if need be.

        Args:
            folder: The folder; when left out, one of this user's in the folder of temporary files.
            others_s: Longest wait for a board that another process holds.

        Raises:
            TrackerError: The folder belongs to another user, who could make us set any limit.
        """
        self._folder = folder or Path(tempfile.gettempdir()) / f"{FOLDER}-{os.getuid()}"
        self._folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        if self._folder.is_symlink() or self._folder.stat().st_uid != os.getuid():
            message = f"{self._folder} is another user's; remove it"
            raise TrackerError(message)
        self._others_s = others_s
        self._open: dict[str, IO[str]] = {}

    def keep(self, uuid: str, source: LimitsPower) -> float:
        """Remember the present limit of a board and return it; a limit remembered earlier is kept.

        Raises:
            TrackerError: Another process has changed the board's limit and will restore it.
        """
        file = self._open.get(uuid) or self._waited_for(uuid)
        file.seek(0)
        try:
            limit_w = float(json.loads(file.read())["limit_w"])
        except (ValueError, KeyError, TypeError):
            limit_w = source.power_limits(uuid).now_w
            file.truncate(0)
            file.write(json.dumps({"uuid": uuid, "limit_w": limit_w}))
            file.flush()
            os.fsync(file.fileno())
        self._open[uuid] = file
        return limit_w

    def forget(self, uuid: str) -> None:
        """Forget a board whose original limit has been restored."""
        file = self._open.pop(uuid, None) or self._locked(uuid)
        if file is not None:
            self._path(uuid).unlink(missing_ok=True)
            file.close()

    def restore(self, source: LimitsPower) -> None:
        """Restore and forget all remembered limits; one that its board does not accept stays in its file."""
        for uuid, file in list(self._open.items()):
            file.seek(0)
            with suppress(TrackerError, ValueError, KeyError):
                source.limit_power(uuid, float(json.loads(file.read())["limit_w"]))
                self.forget(uuid)

    def adopt_leftovers(self) -> bool:
        """Take over the files of guards that are gone; return whether any limit is remembered now."""
        for path in self._folder.glob("*.json"):
            file = None if path.stem in self._open else self._locked(path.stem)
            if file is not None:
                self._open[path.stem] = file
        return bool(self._open)

    def _waited_for(self, uuid: str) -> IO[str]:
        until_s = time.monotonic() + self._others_s
        while True:
            file = self._locked(uuid)
            if file is not None:
                return file
            if time.monotonic() >= until_s:
                message = (
                    f"another study has set the power limit of {uuid}; wait until it has ended"
                )
                raise TrackerError(message)
            time.sleep(CHECK_EVERY_S)

    def _locked(self, uuid: str) -> IO[str] | None:
        """Open and lock a board's file; None where another process holds the lock."""
        while True:
            path = self._path(uuid)
            file = path.open("a+", encoding="utf-8")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return None
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
                    file.seek(0)
                    return file
            file.close()  # the file was removed between our opening and locking it

    def _path(self, uuid: str) -> Path:
        return self._folder / f"{Path(uuid).name}.json"


def restore_leftovers(source: LimitsPower) -> None:
    """Restore limits whose guard was killed with its tracker; raises neither tracker nor file errors."""
    with suppress(TrackerError, OSError):
        kept = KeptLimits()
        if kept.adopt_leftovers():
            kept.restore(source)


def main() -> None:
    """Serve one tracker until it is gone."""
    if os.fork():
        os._exit(0)  # the tracker waits for this process; its child, the guard, then has no parent
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    os.chdir("/")
    with _opened() as (source, kept):
        for line in sys.stdin:
            _say(_answer(kept, source, json.loads(line)))
        kept.restore(source)


@contextmanager
def _opened() -> Iterator[tuple[LimitsPower, KeptLimits]]:
    """Open the boards and the remembered limits; where that fails, report the reason to the tracker."""
    try:
        source, kept = NvmlSource(), KeptLimits()
    except (TrackerError, OSError) as error:
        _say({"error": str(error)})
        raise SystemExit(1) from error
    _say({})
    try:
        yield source, kept
    finally:
        source.close()


def _answer(kept: KeptLimits, source: LimitsPower, asked: dict[str, Any]) -> dict[str, Any]:
    """Carry out a request and return the answer to it."""
    try:
        if "keep" in asked:
            return {"limit_w": kept.keep(asked["keep"], source)}
        kept.forget(asked["forget"])
    except (TrackerError, OSError) as error:
        return {"error": str(error)}
    return {}


def _say(answer: dict[str, Any]) -> None:
    with suppress(OSError):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
