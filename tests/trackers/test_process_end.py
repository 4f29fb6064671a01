"""A command ends at once, and loses nothing that Python would have seen to."""

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
    """Threads, what is to be called at the end, and files left open are seen to; objects are not."""
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


def test_a_process_of_somebody_else_goes_on() -> None:
    """A notebook or a test that runs a command is not ended with it."""
    with pytest.raises(SystemExit) as end:
        process_end.leave(3)

    assert end.value.code == 3


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_systems_on_which_commands_run_are_not_refused(platform: str) -> None:
    """Windows is; `tests/study/test_main.py` runs each command there."""
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
def test_a_command_on_windows_ends_and_a_program_is_told(
    words: list[str], refused: type[BaseException]
) -> None:
    """What ends a command would end somebody's notebook."""
    with pytest.raises(refused):
        refuse_windows("win32", words)
