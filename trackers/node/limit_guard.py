"""Keeps what boards' power limits were for a process that changes them, and outlives that process.

    tracker --stdin--> guard        {"keep": UUID}       before the tracker sets another limit
            <-stdout--              {"limit_w": W}       what it was, which is kept now
            --stdin-->              {"forget": UUID}     the tracker has set it back itself
            <-stdout--              {}                   or, to either, {"error": what is wrong}

When the tracker's end of the pipe closes, however it died, the guard sets back what it keeps and ends. It
has a session of its own and no living parent, so that neither Ctrl-C nor Ray, which ends the children of
its workers, ends it too. What it keeps stands in a file as well, for the case that the guard is killed: the
next tracker on this machine sets that back (`set_back_leftovers`).
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
"""A variable of a process that is to outlive what has started it."""

OTHERS_S: Final = 5.0
"""For so long a board is waited for that another guard holds: it may be setting the limit back."""

CHECK_EVERY_S: Final = 0.05


@final
class KeptLimits:
    """Limits that boards had, a file for each board, each locked by the guard that answers for it."""

    def __init__(self, folder: Path | None = None, *, others_s: float = OTHERS_S) -> None:
        """Keep them in `folder`; left out: one in the machine's folder of temporary files.

        Args:
            folder: See above.
            others_s: For so long a board is waited for that another process holds.

        Raises:
            TrackerError: The folder is somebody else's, who could have us set any limit.
        """
        self._folder = folder or Path(tempfile.gettempdir()) / f"{FOLDER}-{os.getuid()}"
        self._folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        if self._folder.is_symlink() or self._folder.stat().st_uid != os.getuid():
            message = f"{self._folder} is another user's; remove it"
            raise TrackerError(message)
        self._others_s = others_s
        self._open: dict[str, IO[str]] = {}

    def keep(self, uuid: str, source: LimitsPower) -> float:
        """Keep what a board's limit is, and return it; what is kept already stays.

        Raises:
            TrackerError: Another process has changed the board's limit, and answers for it.
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
        """Let go of a board, whose limit is what it was."""
        file = self._open.pop(uuid, None) or self._locked(uuid)
        if file is not None:
            self._path(uuid).unlink(missing_ok=True)
            file.close()

    def set_back(self, source: LimitsPower) -> None:
        """Set back all that is kept, and forget it; what a board does not take stays in its file."""
        for uuid, file in list(self._open.items()):
            file.seek(0)
            with suppress(TrackerError, ValueError, KeyError):
                source.limit_power(uuid, float(json.loads(file.read())["limit_w"]))
                self.forget(uuid)

    def take_leftovers(self) -> bool:
        """Take over what guards have left that are gone; whether there is any."""
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
        """A board's file, which no other process may take; None where one has it."""
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
            file.close()  # it was removed between its opening and its lock

    def _path(self, uuid: str) -> Path:
        return self._folder / f"{Path(uuid).name}.json"


def set_back_leftovers(source: LimitsPower) -> None:
    """Set back limits whose guard was killed with its tracker; never raises."""
    with suppress(TrackerError, OSError):
        kept = KeptLimits()
        if kept.take_leftovers():
            kept.set_back(source)


def main() -> None:
    """Serve one tracker until it is gone."""
    if os.fork():
        os._exit(0)  # the tracker waits for this one, and the guard has no parent
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    os.chdir("/")
    with _opened() as (source, kept):
        for line in sys.stdin:
            _say(_answer(kept, source, json.loads(line)))
        kept.set_back(source)


@contextmanager
def _opened() -> Iterator[tuple[LimitsPower, KeptLimits]]:
    """The boards, and what is kept of them; the tracker hears why they cannot be opened."""
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
    """Do what was asked."""
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
