"""The lock on a study's folder: one command at a time writes, and a dead command's lock is taken over."""

import errno
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from study.errors import StorageError
from study.record.records import EpochRecord
from study.store.folder import LOCK_FILE, StudyFolder
from study.store.lock import Holder, Lock, TakenOverError, refuse_if_held
from tests.study.rows import epoch

ELSEWHERE = replace(Holder.this_process(), hostname="far", machine="another")

DIES_HOLDING = """
import os, sys
from study.store.folder import StudyFolder
from study.store.lock import Lock
Lock(StudyFolder(sys.argv[1], "a")).take(print)
os._exit(9)
"""


def nothing(_: object) -> None:
    """Ignore a message, or sleep for no time."""


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study's folder that no command holds."""
    made = StudyFolder(str(tmp_path), "a")
    made.prepare()
    return made


def beating(folder: StudyFolder, holder: Holder) -> Callable[[float], None]:
    """A sleep function during which the holder sends a heartbeat."""

    def sleep(_: float) -> None:
        folder.write_text(LOCK_FILE, replace(holder, beats=holder.beats + 1).to_text())

    return sleep


def test_a_second_command_is_refused(folder: StudyFolder, tmp_path: Path) -> None:
    """The error names the process that holds the folder; once that has ended, the second may have it."""
    other = Lock(StudyFolder(str(tmp_path), "a"))

    with Lock(folder).held(nothing):
        with pytest.raises(StorageError, match=r"another command \(process \d+ on") as refused:
            other.take(nothing)
        with pytest.raises(StorageError, match="another command"):
            refuse_if_held(folder)
    other.take(nothing)

    assert "another --name" in str(refused.value)


def test_a_released_lock_leaves_no_file(folder: StudyFolder) -> None:
    """A folder that is passed on looks as if it had never been locked."""
    with Lock(folder).held(nothing):
        pass

    assert list(Path(folder.path).iterdir()) == []


def test_the_lock_of_a_dead_process_is_taken_at_once(folder: StudyFolder, tmp_path: Path) -> None:
    """`--resume` after a killed command does not wait."""
    done = subprocess.run([sys.executable, "-c", DIES_HOLDING, str(tmp_path)], check=False)
    slept: list[float] = []

    refuse_if_held(folder)
    Lock(folder, sleep=slept.append).take(nothing)

    assert done.returncode == 9
    assert slept == []


def test_a_reused_process_id_does_not_keep_a_lock(folder: StudyFolder) -> None:
    """A holder whose process ID now belongs to a later process is only watched for a heartbeat."""
    gone = replace(Holder.this_process(), process_began_s=1.0)
    folder.write_text(LOCK_FILE, gone.to_text())
    slept: list[float] = []

    Lock(folder, stale_s=3.0, sleep=slept.append).take(nothing)

    assert sum(slept) == 3.0


def test_a_machine_elsewhere_is_watched_before_its_lock_is_taken(folder: StudyFolder) -> None:
    """A holder with a heartbeat keeps the lock, one without loses it; a message says that we wait."""
    messages: list[str] = []
    folder.write_text(LOCK_FILE, ELSEWHERE.to_text())

    with pytest.raises(StorageError, match="on far"):
        Lock(folder, sleep=beating(folder, ELSEWHERE)).take(messages.append)
    Lock(folder, sleep=nothing).take(messages.append)

    assert "heartbeat" in messages[0]
    assert Holder.from_text(folder.read_bytes(LOCK_FILE)) not in {None, ELSEWHERE}


def test_discarding_a_folder_keeps_another_commands_lock(tmp_path: Path) -> None:
    """Of two commands that start at once, one may have made the folder that the other holds."""
    made = StudyFolder(str(tmp_path), "a")
    made.prepare()

    with Lock(StudyFolder(str(tmp_path), "a")).held(nothing):
        made.discard()

        assert made.read_bytes(LOCK_FILE) is not None


def test_a_malformed_lock_file_locks_nothing(folder: StudyFolder) -> None:
    """A file that is cut short or from another program does not lock a study for ever."""
    folder.write_text(LOCK_FILE, '{"token": 1}')

    Lock(folder).take(nothing)


def test_a_command_that_lost_its_lock_writes_nothing_more(folder: StudyFolder) -> None:
    """A laptop that slept while its study was resumed elsewhere changes no table."""
    with Lock(folder, beat_s=3600.0).held(nothing):
        folder.write_rows("epochs.parquet", EpochRecord, [epoch(1).to_row()])
        before = folder.read_bytes("epochs.parquet")
        folder.write_unchecked(LOCK_FILE, ELSEWHERE.to_text())

        with pytest.raises(TakenOverError, match=r"taken over by process .* on far"):
            folder.write_rows("epochs.parquet", EpochRecord, [])

    assert folder.read_bytes("epochs.parquet") == before
    assert Holder.from_text(folder.read_bytes(LOCK_FILE)) == ELSEWHERE


def test_of_two_commands_that_lock_an_object_store_at_once_one_is_refused(tmp_path: Path) -> None:
    """An object store keeps the last of two writes: a command that then finds another's token gives up."""
    folder = StudyFolder(f"fsspec+file://{tmp_path}", "a")
    folder.prepare()

    def other_writes(_: float) -> None:
        folder.write_unchecked(LOCK_FILE, ELSEWHERE.to_text())

    with pytest.raises(StorageError, match="taken over"):
        Lock(folder, sleep=other_writes).take(nothing)


def test_a_held_lock_sends_heartbeats(folder: StudyFolder) -> None:
    """A command on another machine can watch the lock file change."""
    with Lock(folder, beat_s=0.01).held(nothing):
        first = folder.read_bytes(LOCK_FILE)
        while folder.read_bytes(LOCK_FILE) == first:
            pass


def test_a_mount_without_flock_is_locked_by_the_file_alone(folder: StudyFolder) -> None:
    """Many clusters mount Lustre without `flock`; the content of the lock file then decides."""

    def flock(_: int, __: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    with (
        Lock(folder, flock=flock).held(nothing),
        pytest.raises(StorageError, match="another command"),
    ):
        Lock(folder, flock=flock).take(nothing)
