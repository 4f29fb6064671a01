"""One command at a time writes a study's folder, and what is left by a dead one is taken over."""

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
    """Say nothing, or sleep for no time."""


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study's folder that nobody holds."""
    made = StudyFolder(str(tmp_path), "a")
    made.prepare()
    return made


def beating(folder: StudyFolder, holder: Holder) -> Callable[[float], None]:
    """A sleep, in which a holder sends a heartbeat."""

    def sleep(_: float) -> None:
        folder.write_text(LOCK_FILE, replace(holder, beats=holder.beats + 1).to_text())

    return sleep


def test_a_second_command_is_refused(folder: StudyFolder, tmp_path: Path) -> None:
    """It is told who holds the folder; when that one has ended, it may have it."""
    other = Lock(StudyFolder(str(tmp_path), "a"))

    with Lock(folder).held(nothing):
        with pytest.raises(StorageError, match=r"another command \(process \d+ on") as refused:
            other.take(nothing)
        with pytest.raises(StorageError, match="another command"):
            refuse_if_held(folder)
    other.take(nothing)

    assert "another --name" in str(refused.value)


def test_nothing_is_left_of_a_lock(folder: StudyFolder) -> None:
    """A study's folder is given away, and looks like one that was never locked."""
    with Lock(folder).held(nothing):
        pass

    assert list(Path(folder.path).iterdir()) == []


def test_the_lock_of_a_dead_process_is_taken_at_once(folder: StudyFolder, tmp_path: Path) -> None:
    """`--resume` behind a killed command does not wait."""
    done = subprocess.run([sys.executable, "-c", DIES_HOLDING, str(tmp_path)], check=False)
    slept: list[float] = []

    refuse_if_held(folder)
    Lock(folder, sleep=slept.append).take(nothing)

    assert done.returncode == 9
    assert slept == []


def test_a_number_that_another_process_has_now_is_no_life(folder: StudyFolder) -> None:
    """Numbers of processes are used again: such a holder is watched for a heartbeat."""
    gone = replace(Holder.this_process(), process_began_s=1.0)
    folder.write_text(LOCK_FILE, gone.to_text())
    slept: list[float] = []

    Lock(folder, stale_s=3.0, sleep=slept.append).take(nothing)

    assert sum(slept) == 3.0


def test_a_machine_elsewhere_is_watched_before_its_lock_is_taken(folder: StudyFolder) -> None:
    """Only its heartbeat tells, whatever its clock says; who waits is told so."""
    said: list[str] = []
    folder.write_text(LOCK_FILE, ELSEWHERE.to_text())

    with pytest.raises(StorageError, match="on far"):
        Lock(folder, sleep=beating(folder, ELSEWHERE)).take(said.append)
    Lock(folder, sleep=nothing).take(said.append)

    assert "heartbeat" in said[0]
    assert Holder.from_text(folder.read_bytes(LOCK_FILE)) not in {None, ELSEWHERE}


def test_who_is_refused_leaves_the_folder_that_it_has_made(tmp_path: Path) -> None:
    """Of two that begin at once, one makes the folder and the other holds it."""
    made = StudyFolder(str(tmp_path), "a")
    made.prepare()

    with Lock(StudyFolder(str(tmp_path), "a")).held(nothing):
        made.discard()

        assert made.read_bytes(LOCK_FILE) is not None


def test_what_is_no_lock_locks_nothing(folder: StudyFolder) -> None:
    """A file that was cut off, or is of another program, does not shut a study for ever."""
    folder.write_text(LOCK_FILE, '{"token": 1}')

    Lock(folder).take(nothing)


def test_a_command_that_was_taken_over_writes_nothing_more(folder: StudyFolder) -> None:
    """A laptop that slept while its study went on elsewhere changes no table there."""
    with Lock(folder, beat_s=3600.0).held(nothing):
        folder.write_rows("epochs.parquet", EpochRecord, [epoch(1).to_row()])
        before = folder.read_bytes("epochs.parquet")
        folder.write_unchecked(LOCK_FILE, ELSEWHERE.to_text())

        with pytest.raises(TakenOverError, match=r"taken over by process .* on far"):
            folder.write_rows("epochs.parquet", EpochRecord, [])

    assert folder.read_bytes("epochs.parquet") == before
    assert Holder.from_text(folder.read_bytes(LOCK_FILE)) == ELSEWHERE


def test_of_two_that_take_an_object_store_at_once_one_is_refused(tmp_path: Path) -> None:
    """Such storage keeps the last writing of two: whoever finds another's token steps back."""
    folder = StudyFolder(f"fsspec+file://{tmp_path}", "a")
    folder.prepare()

    def other_comes(_: float) -> None:
        folder.write_unchecked(LOCK_FILE, ELSEWHERE.to_text())

    with pytest.raises(StorageError, match="taken over"):
        Lock(folder, sleep=other_comes).take(nothing)


def test_a_lock_beats_while_it_is_held(folder: StudyFolder) -> None:
    """Who watches it from another machine sees it change."""
    with Lock(folder, beat_s=0.01).held(nothing):
        first = folder.read_bytes(LOCK_FILE)
        while folder.read_bytes(LOCK_FILE) == first:
            pass


def test_a_mount_without_locks_is_no_hindrance(folder: StudyFolder) -> None:
    """Lustre as many clusters mount it: the look at the file that follows has to do."""

    def flock(_: int, __: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    with (
        Lock(folder, flock=flock).held(nothing),
        pytest.raises(StorageError, match="another command"),
    ):
        Lock(folder, flock=flock).take(nothing)
