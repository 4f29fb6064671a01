"""Ends of commands: fast, and without skipping what Python does at exit."""

import subprocess
import sys
from pathlib import Path

import pytest

from trackers import process_end
from trackers.process_end import refuse_windows

ROOT = Path(__file__).parents[2]

LEAVING = """
import atexit, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from trackers import process_end
left_open = open(sys.argv[1], "w")
left_open.write("kept")
atexit.register(print, "registered", flush=True)
pool = ThreadPoolExecutor()
pool.submit(lambda: (time.sleep(0.05), print("thread", flush=True)))
class Heavy:
    def __del__(self):
        print("taken apart", flush=True)
heavy = Heavy()
print("printed")
sys.orig_argv = ["python", "-m", "study.regime"]
process_end.leave(3)
"""


def test_a_process_that_leaves_loses_nothing(tmp_path: Path) -> None:
    """Threads are joined, exit functions called and files flushed; objects are not destroyed."""
    ran = subprocess.run(
        [sys.executable, "-c", LEAVING, str(tmp_path / "left")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (3, "")
    assert sorted(ran.stdout.split("\n")) == ["", "printed", "registered", "thread"]
    assert (tmp_path / "left").read_text() == "kept"


def test_the_process_of_another_program_is_not_killed() -> None:
    """In a notebook or a test the end of a command is a SystemExit, which can be caught."""
    with pytest.raises(SystemExit) as end:
        process_end.leave(3)

    assert end.value.code == 3


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_linux_and_macos_are_not_refused(platform: str) -> None:
    """Windows is refused, which `tests/study/test_main.py` tests for each command."""
    refuse_windows(platform)


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (["python", "-m", "study.regime"], SystemExit),
        (["python.exe", "Scripts/power-of-training.exe", "regime"], SystemExit),
        (["python", "mine.py"], ImportError),
        (["python", "-m", "pytest"], ImportError),
    ],
)
def test_windows_ends_a_command_and_raises_in_a_program(
    words: list[str], refused: type[BaseException]
) -> None:
    """A program gets an ImportError, because a SystemExit would end somebody's notebook."""
    with pytest.raises(refused):
        refuse_windows("win32", words)
