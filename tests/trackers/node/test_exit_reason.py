"""Reasons why a process ended that another process may have waited for."""

import subprocess
import sys
from pathlib import Path

import pytest

from trackers.node.exit_reason import UNKNOWN, WatchedProcess, killed_for_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

PROGRAM = """
import sys
from trackers.node.exit_reason import announce_os_exit
announce_os_exit()
announce_os_exit()
print(flush=True)
input()
{ending}
"""

ENDINGS = {
    "import os; os._exit(3)": "its process called os._exit(3)",
    "sys.exit(4)": "its process ended with status 4",
    "import os; os.kill(os.getpid(), 9)": "its process was ended by SIGKILL",
    "import os, faulthandler; faulthandler.enable(); os.kill(os.getpid(), 11)": "SIGSEGV",
}


@pytest.mark.parametrize("is_reaped", [True, False])
@pytest.mark.parametrize("ending", ENDINGS)
def test_each_ending_has_its_reason(tmp_path: Path, ending: str, is_reaped: bool) -> None:  # noqa: FBT001
    """The reason is found whether the process was reaped by its parent or is a zombie."""
    with (
        (tmp_path / "errors").open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(ending=ending)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        watched = WatchedProcess.of(process.pid)
        if is_reaped:
            process.communicate(b"\n")
        else:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.close()
            process.stdout.read()  # closed by its end
            while "\nState:\tZ" not in Path(f"/proc/{process.pid}/status").read_text():
                pass

        why = watched.why()

    # Without a handle, and once it is reaped, only what it wrote to standard error is left.
    watched.close()
    without_handle = watched.why()
    # Before 6.15 Linux gives the status of a reaped process to nobody but its parent.
    assert ENDINGS[ending] in why or (is_reaped and why == without_handle)
    assert without_handle == {
        "import os; os._exit(3)": "its process called os._exit(3)",
        "import os, faulthandler; faulthandler.enable(); os.kill(os.getpid(), 11)": (
            "its process was ended by Segmentation fault"
        ),
    }.get(ending, UNKNOWN)


def test_messages_of_an_earlier_trial_are_ignored(tmp_path: Path) -> None:
    """A process may serve several trials, with one file of standard error for all of them."""
    with (tmp_path / "errors").open("wb") as errors:
        errors.write(b"*** SIGSEGV received at some time\n")
        errors.flush()
        process = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=errors
        )
        watched = WatchedProcess.of(process.pid)
        process.kill()
        process.communicate()

    watched.close()
    assert watched.why() == UNKNOWN


def test_the_kernels_kills_for_memory_are_counted(tmp_path: Path) -> None:
    """The count is 0 where the kernel gives none; a process that does not exist has no known reason."""
    counters = tmp_path / "vmstat"
    counters.write_text("pgfault 5\noom_kill 7\n")

    assert killed_for_memory(counters) == 7
    assert killed_for_memory(tmp_path / "none") == 0
    assert WatchedProcess.of(2**22 + 1).why() == UNKNOWN
