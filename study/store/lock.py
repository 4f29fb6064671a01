"""Lock with a heartbeat, on any storage, so that only one command at a time writes a study's folder.

The lock is a file that names its holder. Another command takes it over only if the holder is gone: a
process of this machine that no longer runs, or one elsewhere whose heartbeat has stopped. Clocks of
two machines are never compared. Storage such as S3 cannot create a file only if it does not exist, so the
holder checks before each write whether the lock is still its own (`Lock.check`).
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
"""Seconds between two heartbeats."""

STALE_S = 35.0
"""Seconds without a heartbeat after which the holder is taken to be gone."""

SETTLE_S = 1.0
"""Seconds between writing the lock and reading it back, on storage without exclusive creation."""


class TakenOverError(StorageError):
    """Another command has taken over the lock that this one held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Command that holds a study's folder, as its lock file describes it.

    Attributes:
        token: Random token, unique to one command.
        hostname: Name of its machine.
        machine: Identifies machine, boot and PID namespace, so that process ids may be compared.
        pid: Process id.
        process_began_s: Start of that process, in seconds since 1970, because process ids are reused.
        since: Wall time at which it took the folder; only a label.
        beats: Number of heartbeats so far.
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
        """Return this process as a holder, with a new token."""
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
        """Return the holder that a lock file names; None if there is no file, or no valid lock in it."""
        try:
            return None if text is None else cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def to_text(self) -> str:
        """Return the content of a lock file."""
        return json.dumps(asdict(self), indent=1)

    def is_running(self) -> bool | None:
        """Return whether the holder's process runs; None if that cannot be known from here."""
        if self.machine != _this_machine():
            return None
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            # Setting the clock changes this time, so a different time does not prove another process.
            same = abs(process.create_time() - self.process_began_s) < 1.0
        except psutil.NoSuchProcess:
            return False
        return True if same else None

    def __str__(self) -> str:
        """Name the holder, for messages."""
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
        """Create a lock on `folder` without taking it; tests replace the times and the system's lock."""
        self._folder = folder
        self._own = Holder.this_process()
        self._beat_s = beat_s
        self._stale_s = stale_s
        self._sleep = sleep
        self._flock = flock
        self._ended = threading.Event()

    @contextmanager
    def held(self, say: Callable[[str], None]) -> Iterator[Self]:
        """Hold the folder; each write into it is preceded by a check that the lock is still held.

        Args:
            say: Prints a message to the user, when another holder has to be watched for a while.

        Raises:
            StorageError: Another command holds the folder, or the lock cannot be written.
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
        """Take the folder, if it is free or its holder is gone; arguments and errors as for `held`."""
        try:
            seen = self._wait_until_gone(self._holder(), say)
            with self._exclusive():
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
        """Check that this command still holds the folder.

        Raises:
            TakenOverError: Another command holds it.
            OSError: The storage cannot be reached.
        """
        there = self._holder()
        if there is not None and there.token != self._own.token:
            message = (
                f"{self._folder.path} has been taken over by {there}: this command sent no heartbeat "
                "for so long that it was taken for dead. The files it wrote before are complete; it writes "
                "nothing more."
            )
            raise TakenOverError(message)

    def release(self) -> None:
        """Release the folder, if this command still holds it."""
        with suppress(OSError, StorageError):
            self.check()
            self._folder.delete(LOCK_FILE)

    def _wait_until_gone(self, seen: Holder | None, say: Callable[[str], None]) -> Holder | None:
        """Return a holder once it is known to be gone; None if nobody holds the folder any more.

        Raises:
            StorageError: The holder is alive.
        """
        running = False if seen is None else seen.is_running()
        if running is None:
            say(f"{seen} held this study; waiting {self._stale_s:g} s for its heartbeat ...")
            for _ in range(math.ceil(self._stale_s)):
                self._sleep(1.0)
                there = self._holder()
                if there is None:
                    return None
                if there != seen:
                    raise _refused(self._folder, there)
        elif running and seen is not None:
            raise _refused(self._folder, seen)
        return seen

    def _beat(self) -> None:
        while not self._ended.wait(self._beat_s):
            with suppress(OSError):  # storage cannot be reached; the next beat may succeed
                try:
                    self.check()
                except TakenOverError:
                    return  # the main thread learns of it at its next write
                self._own = replace(self._own, beats=self._own.beats + 1)
                self._write()

    def _write(self) -> None:
        self._folder.write_unchecked(LOCK_FILE, self._own.to_text())

    def _holder(self) -> Holder | None:
        return Holder.from_text(self._folder.read_bytes(LOCK_FILE))

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Exclude other commands on this file system for a moment, if it supports `flock`."""
        if not self._folder.is_local:
            yield
            return
        door = os.open(self._folder.path, os.O_RDONLY)
        try:
            with suppress(OSError):  # a mount without `flock`: rely on the check that follows
                self._flock(door, fcntl.LOCK_EX)
            yield
        finally:
            os.close(door)


def refuse_if_held(folder: StudyFolder) -> None:
    """Refuse a folder that a running command of this machine holds, without waiting.

    Raises:
        StorageError: The folder is held.
    """
    with suppress(OSError):
        there = Holder.from_text(folder.read_bytes(LOCK_FILE))
        if there is not None and there.is_running():
            raise _refused(folder, there)


def _refused(folder: StudyFolder, holder: Holder) -> StorageError:
    message = (
        f"{folder.path} is being written by another command ({holder}). Two would overwrite each "
        "other's results: wait until that one has ended, stop it, or give another --name."
    )
    return StorageError(message)


def _this_machine() -> str:
    """Return an identifier of this machine, its boot and its PID namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()} {uuid.getnode():x}"
