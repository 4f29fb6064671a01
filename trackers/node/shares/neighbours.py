"""Other trackers of this machine: those of other studies, whose trials may use the same boards.

Each tracker that has trials on boards keeps a file that says who uses which board since when, on the machine's
monotonic clock, which all processes share, and when it was last there. So one that was killed uses nothing after
that. The folder is the user's own: what other users run is not seen.
"""

import contextlib
import json
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, final

from trackers.node.shares.sharing import KEPT_S, Use

GONE_AFTER_S = 5.0
"""A tracker that has not said for so long that it is there has ended."""

TICK_NS = 20_000_000
"""More than file systems' clocks go on by at a time."""

FOLDER = "POWER_OF_TRAINING_BOARDS"
"""Variable that names another folder, for example one that several containers share."""

_MEMORY, _BOOT = Path("/dev/shm"), Path("/proc/sys/kernel/random/boot_id")  # noqa: S108 - within, mode 0700


@final
class Neighbours:
    """The other trackers, and what this one lets them know."""

    def __init__(
        self, folder: Path | None = None, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Use a folder; left out: the user's own, for all trackers of the machine."""
        self._folder = folder or _folder()
        self._now_s = now_s
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._uses: dict[str, list[Use]] = {}
        self._said: dict[tuple[str, int, int, int], _Said] = {}
        self._changed_ns: int | None = None
        self._boot = _boot()

    def tell(self, uses: Mapping[str, Sequence[Use]]) -> None:
        """Let the others know who uses which board here."""
        self._uses = {board: list(each) for board, each in uses.items() if each}
        self.still_here()

    def still_here(self) -> None:
        """Let them know that this tracker is there; to be called each second."""
        if not self._uses:
            return
        said = {
            "boot": self._boot,
            "now_s": self._now_s(),
            "uses": {
                board: [(use.consumer, use.since_s, use.until_s) for use in each]
                for board, each in self._uses.items()
            },
        }
        with contextlib.suppress(OSError):  # the trials of this one are charged all the same
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if _changed_ns(self._folder) is not None:
                new = self._folder / f".{self._own}"
                new.write_text(json.dumps(said))
                new.replace(self._folder / self._own)

    def uses(self, board: str) -> list[Use]:
        """Return who else used a board in the last hour, and when; a window's end waits for this."""
        changed_ns = _changed_ns(self._folder)
        if changed_ns is None:
            return []
        if changed_ns != self._changed_ns:
            # A file may come in the same tick of the clock, after the look.
            is_over = time.time_ns() - changed_ns > TICK_NS
            self._look()
            self._changed_ns = changed_ns if is_over else None
        gone_s = self._now_s() - GONE_AFTER_S
        return [
            # Those of a tracker that has ended ended with it.
            Use(use.consumer, use.since_s, said.at_s)
            if use.until_s is None and said.at_s < gone_s
            else use
            for said in self._said.values()
            for use in said.uses.get(board, ())
        ]

    def _look(self) -> None:
        """Read what is new in the folder."""
        known, self._said = self._said, {}
        for file in _files(self._folder):
            if file.name == self._own:
                continue
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                found = file.stat()
                # What is written anew is another file.
                written = (file.name, found.st_ino, found.st_mtime_ns, found.st_size)
                said = known.get(written) or _said(Path(file.path).read_text())
                # What is said for a later time is from before the machine was started.
                if said.boot != self._boot or not 0 <= self._now_s() - said.at_s <= KEPT_S:
                    Path(file.path).unlink()
                else:
                    self._said[written] = said


class _Said(NamedTuple):
    """Contents of a tracker's file: in which run of the machine it was written, when, and who uses what."""

    boot: str
    at_s: float
    uses: dict[str, list[Use]]


def _said(text: str) -> _Said:
    """Contents of a tracker's file.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: It is not such a file.
    """
    told = json.loads(text)
    uses = {
        board: [
            Use(consumer, float(since_s), None if until_s is None else float(until_s))
            for consumer, since_s, until_s in each
        ]
        for board, each in told["uses"].items()
    }
    return _Said(boot=told["boot"], at_s=float(told["now_s"]), uses=uses)


def _files(folder: Path) -> list[os.DirEntry[str]]:
    """Files of trackers in a folder; those that begin with a dot are being written."""
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        return [each for each in files if each.name.endswith(".json") and each.name[0] != "."]
    return []


def _folder() -> Path:
    asked = os.environ.get(FOLDER)
    if asked:
        return Path(asked)
    # Where there is memory for it no disk is written each second.
    root = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    return root / f"power-of-training-boards-{os.getuid()}"


def _boot() -> str:
    """Name of the time since the machine was started, which the monotonic clock counts."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _changed_ns(folder: Path) -> int | None:
    """Time at which files last came or went in a folder; None if other users can have put them there."""
    try:
        found = folder.lstat()
    except OSError:
        return None
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return found.st_mtime_ns if is_own else None
