"""Exchange with the trackers of other studies on this machine, whose trials may use the same boards.

Each tracker with trials on boards keeps a file that says which trial uses which board since when, and when the
tracker was last alive, on the machine's monotonic clock, which all processes share. The trials of a tracker that
was killed are taken to have ended when it was last alive. The folder belongs to the user: trials of other users
are not seen.
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
"""Time without a sign of life after which a tracker is taken to have ended."""

TICK_NS = 20_000_000
"""Upper bound of the resolution of file systems' time stamps."""

FOLDER = "POWER_OF_TRAINING_BOARDS"
"""Environment variable that names another folder, for example one that several containers share."""

_MEMORY, _BOOT = Path("/dev/shm"), Path("/proc/sys/kernel/random/boot_id")  # noqa: S108 - for a folder of mode 0700


@final
class Neighbours:
    """The trackers of other studies, and what this tracker tells them."""

    def __init__(
        self, folder: Path | None = None, *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Use a folder.

        Args:
            folder: Folder of the trackers' files; when left out, that of `POWER_OF_TRAINING_BOARDS`, or
                else this user's folder on the machine.
            now_s: Returns the present time on the machine's monotonic clock.
        """
        self._folder = folder or _folder()
        self._now_s = now_s
        self._own = f"{os.getpid()}-{secrets.token_hex(4)}.json"
        self._uses: dict[str, list[Use]] = {}
        self._said: dict[tuple[str, int, int, int], _Said] = {}
        self._changed_ns: int | None = None
        self._boot = _boot()

    def tell(self, uses: Mapping[str, Sequence[Use]]) -> None:
        """Tell the other trackers which trials use each board here."""
        self._uses = {board: list(each) for board, each in uses.items() if each}
        self.still_here()

    def still_here(self) -> None:
        """Tell the other trackers that this one is alive; to be called each second."""
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
        with contextlib.suppress(OSError):  # our own trials are charged all the same
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if _changed_ns(self._folder) is not None:
                new = self._folder / f".{self._own}"
                new.write_text(json.dumps(said))
                new.replace(self._folder / self._own)

    def uses(self, board: str) -> list[Use]:
        """Return the uses of a board in the last hour by trials of other trackers.

        A window's end waits for this, so the folder is read only when it has changed.
        """
        changed_ns = _changed_ns(self._folder)
        if changed_ns is None:
            return []
        if changed_ns != self._changed_ns:
            # Another file may still be written within the same tick of the file system's clock.
            is_over = time.time_ns() - changed_ns > TICK_NS
            self._look()
            self._changed_ns = changed_ns if is_over else None
        gone_s = self._now_s() - GONE_AFTER_S
        return [
            # The trials of a tracker that has ended are taken to have ended with it.
            Use(use.consumer, use.since_s, said.at_s)
            if use.until_s is None and said.at_s < gone_s
            else use
            for said in self._said.values()
            for use in said.uses.get(board, ())
        ]

    def _look(self) -> None:
        """Read the new and changed files of the folder, and delete outdated ones."""
        known, self._said = self._said, {}
        for file in _files(self._folder):
            if file.name == self._own:
                continue
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                found = file.stat()
                # A file that is written again has another inode.
                written = (file.name, found.st_ino, found.st_mtime_ns, found.st_size)
                said = known.get(written) or _said(Path(file.path).read_text())
                # A file with a time in the future is from before the machine was last booted.
                if said.boot != self._boot or not 0 <= self._now_s() - said.at_s <= KEPT_S:
                    Path(file.path).unlink()
                else:
                    self._said[written] = said


class _Said(NamedTuple):
    """Content of a tracker's file: boot identifier, time of writing, and the uses of each board."""

    boot: str
    at_s: float
    uses: dict[str, list[Use]]


def _said(text: str) -> _Said:
    """Parse the content of a tracker's file.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: The text is not of such a file.
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
    """Return the trackers' files in a folder, without those that are being written (with a leading dot)."""
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        return [each for each in files if each.name.endswith(".json") and each.name[0] != "."]
    return []


def _folder() -> Path:
    asked = os.environ.get(FOLDER)
    if asked:
        return Path(asked)
    # In memory where possible, so that no disk is written each second.
    root = _MEMORY if os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    return root / f"power-of-training-boards-{os.getuid()}"


def _boot() -> str:
    """Identifier of the present boot, from which the monotonic clock counts; empty where there is none."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _changed_ns(folder: Path) -> int | None:
    """Modification time of a folder; None if it does not exist or does not belong to this user."""
    try:
        found = folder.lstat()
    except OSError:
        return None
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return found.st_mtime_ns if is_own else None
