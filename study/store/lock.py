"""One command at a time writes a study's folder: a lock with a heartbeat, on whatever storage.

The lock is a file that names who holds it. Whoever finds one takes it over only if its holder is gone:
a process of this machine that runs no more, or one elsewhere whose heartbeat stands still. Clocks of
two machines are never compared. Storage such as S3 knows no "write only if it is not there", so the
holder looks, before each writing, whether the lock is still its own (`Lock.check`).
"""

import fcntl
import json
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self, final

import psutil

from study.errors import StorageError
from study.store.folder import LOCK_FILE, StudyFolder
from study.store.provenance import now

BEAT_S = 10.0
"""From one heartbeat to the next."""

STALE_S = 35.0
"""A heartbeat that has stood still for so long is that of a command which is gone."""

SETTLE_S = 1.0
"""Where the storage knows no exclusive writing: so long after writing the lock it is read again."""


class TakenOverError(StorageError):
    """Another command holds the lock that this one held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Holder of a study's folder.

    Attributes:
        token: Of one command.
        hostname: Name of its machine.
        machine: Tells its machine, boot and space of process numbers from all others.
        pid: Its process.
        process_began_s: When that began, because numbers of processes are used again.
        since: Wall time at which it took the folder, a label only.
        beats: Number of its heartbeats.
    """

    token: str
    hostname: str
    machine: str
    pid: int
    process_began_s: float
    since: str
    beats: int = 0

    @classmethod
    def this_process(cls) -> Self:
        """This process, with a token that nobody else has."""
        return cls(
            token=uuid.uuid4().hex,
            hostname=socket.gethostname(),
            machine=_this_machine(),
            pid=os.getpid(),
            process_began_s=psutil.Process().create_time(),
            since=now(),
        )

    @classmethod
    def from_text(cls, text: bytes | None) -> Self | None:
        """The holder that a lock file names; None where there is no file, or no lock in it."""
        try:
            return None if text is None else cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def to_text(self) -> str:
        """Content of a lock file."""
        return json.dumps(asdict(self), indent=1)

    def runs(self) -> bool | None:
        """Return whether its process runs; None where that cannot be known from here."""
        if self.machine != _this_machine():
            return None
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            # A clock that was set changes this, so that another time proves nothing.
            same = abs(process.create_time() - self.process_began_s) < 1.0
        except psutil.NoSuchProcess:
            return False
        return True if same else None

    def __str__(self) -> str:
        """Name the holder, for people."""
        return f"process {self.pid} on {self.hostname}, since {self.since}"


@final
class Lock:
    """The lock of one command on a study's folder."""

    def __init__(
        self,
        folder: StudyFolder,
        *,
        beat_s: float = BEAT_S,
        stale_s: float = STALE_S,
        sleep: Callable[[float], None] = time.sleep,
        flock: Callable[[int, int], None] = fcntl.flock,
    ) -> None:
        """A lock on `folder`, not taken yet; its times, and the system's locks, are for tests."""
        self._folder = folder
        self._own = Holder.this_process()
        self._beat_s = beat_s
        self._stale_s = stale_s
        self._sleep = sleep
        self._flock = flock
        self._ended = threading.Event()

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[Self]:
        """Hold the folder; all that is written into it meanwhile is checked before.

        Args:
            say: Tells the user that a holder is being watched.

        Raises:
            StorageError: Another command holds it, or it cannot be written.
        """
        self.take(say)
        self._folder.checked_by(self.check)
        beating = threading.Thread(target=self._beat, name="lock", daemon=True)
        beating.start()
        try:
            yield self
        finally:
            self._ended.set()
            beating.join(self._beat_s)
            self._folder.checked_by(None)
            self.release()

    def take(self, say: Callable[[str], None]) -> None:
        """Take the folder, from nobody or from a command that is gone; see `held`."""
        try:
            seen = self._gone(self._holder(), say)
            with self._alone():
                there = self._holder()
                if there is not None and there != seen:
                    raise _refused(self._folder, there)
                self._write()
            if not self._folder.is_local:
                self._sleep(SETTLE_S)
            self.check()
        except OSError as error:
            message = f"{self._folder.path}/{LOCK_FILE} cannot be used: {error}."
            raise StorageError(message) from error

    def check(self) -> None:
        """Look whether the folder is still ours.

        Raises:
            TakenOverError: Another command holds it.
            OSError: The storage is away.
        """
        there = self._holder()
        if there is not None and there.token != self._own.token:
            message = (
                f"{self._folder.path} has been taken over by {there}: this command was silent for so "
                "long that it was thought dead. What it wrote before is whole; it writes nothing more."
            )
            raise TakenOverError(message)

    def release(self) -> None:
        """Let the folder go, if it is still ours."""
        with suppress(OSError, StorageError):
            self.check()
            self._folder.delete(LOCK_FILE)

    def _gone(self, seen: Holder | None, say: Callable[[str], None]) -> Holder | None:
        """Return a holder once it is known to be gone; None where nobody holds the folder any more.

        Raises:
            StorageError: It lives.
        """
        runs = False if seen is None else seen.runs()
        if runs is None:
            say(f"{seen} held this study; looking for a sign of life for {self._stale_s:g} s ...")
            for _ in range(math.ceil(self._stale_s)):
                self._sleep(1.0)
                there = self._holder()
                if there is None:
                    return None
                if there != seen:
                    raise _refused(self._folder, there)
        elif runs and seen is not None:
            raise _refused(self._folder, seen)
        return seen

    def _beat(self) -> None:
        while not self._ended.wait(self._beat_s):
            with suppress(OSError):  # the storage is away; the next one may get through
                try:
                    self.check()
                except TakenOverError:
                    return  # who writes next is told
                self._own = replace(self._own, beats=self._own.beats + 1)
                self._write()

    def _write(self) -> None:
        self._folder.write_unchecked(LOCK_FILE, self._own.to_text())

    def _holder(self) -> Holder | None:
        return Holder.from_text(self._folder.read_bytes(LOCK_FILE))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others of this file system out for a moment, where it knows how to."""
        if not self._folder.is_local:
            yield
            return
        door = os.open(self._folder.path, os.O_RDONLY)
        try:
            with suppress(OSError):  # a mount without such locks: the check that follows has to do
                self._flock(door, fcntl.LOCK_EX)
            yield
        finally:
            os.close(door)


def refuse_if_held(folder: StudyFolder) -> None:
    """Refuse a folder at once that a command of this machine holds.

    Raises:
        StorageError: It is held.
    """
    with suppress(OSError):
        there = Holder.from_text(folder.read_bytes(LOCK_FILE))
        if there is not None and there.runs():
            raise _refused(folder, there)


def _refused(folder: StudyFolder, holder: Holder) -> StorageError:
    message = (
        f"{folder.path} is being written by another command ({holder}). Two would overwrite each "
        "other's results: wait until that one has ended, stop it, or give another --name."
    )
    return StorageError(message)


def _this_machine() -> str:
    """This machine since it was started, and the space of its process numbers."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()} {uuid.getnode():x}"
