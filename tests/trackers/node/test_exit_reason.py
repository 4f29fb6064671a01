"""Why a process ended for which somebody else waited."""

import subprocess
import sys
from pathlib import Path

import pytest

from trackers.node.exit_reason import UNKNOWN, WatchedProcess, killed_for_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="told by /proc")

PROGRAM = """
import sys
from trackers.node.exit_reason import announce_os_exit
announce_os_exit()
announce_os_exit()
print(flush=True)
input()
{deed}
"""

DEEDS = {
    "import os; os._exit(3)": "its process called os._exit(3)",
    "sys.exit(4)": "its process ended with status 4",
    "import os; os.kill(os.getpid(), 9)": "its process was ended by SIGKILL",
    "import os, faulthandler; faulthandler.enable(); os.kill(os.getpid(), 11)": "SIGSEGV",
}


@pytest.mark.parametrize("waited_for", [True, False])
@pytest.mark.parametrize("deed", DEEDS)
def test_each_end_is_told(tmp_path: Path, deed: str, waited_for: bool) -> None:  # noqa: FBT001
    """Whether its parent has waited for it already, or it is a zombie."""
    with (
        (tmp_path / "errors").open("wb") as errors,
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(deed=deed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        watched = WatchedProcess.of(process.pid)
        if waited_for:
            process.communicate(b"\n")
        else:
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.close()
            process.stdout.read()  # closed by its end
            while "\nState:\tZ" not in Path(f"/proc/{process.pid}/status").read_text():
                pass

        why = watched.why()

    # Without a handle that tells, and behind its parent's waiting, nothing but words is left.
    watched.close()
    blind = watched.why()
    # Linux tells a status to others than the parent from 6.15 on.
    assert DEEDS[deed] in why or (waited_for and why == blind)
    assert blind == {
        "import os; os._exit(3)": "its process called os._exit(3)",
        "import os, faulthandler; faulthandler.enable(); os.kill(os.getpid(), 11)": (
            "its process was ended by Segmentation fault"
        ),
    }.get(deed, UNKNOWN)


def test_words_of_an_earlier_trial_of_the_process_are_passed_over(tmp_path: Path) -> None:
    """A process may serve several trials, and the file of its errors is one."""
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


def test_the_kernels_killings_are_counted(tmp_path: Path) -> None:
    """Where it does not tell, there were none that are known."""
    counters = tmp_path / "vmstat"
    counters.write_text("pgfault 5\noom_kill 7\n")

    assert killed_for_memory(counters) == 7
    assert killed_for_memory(tmp_path / "none") == 0
    assert WatchedProcess.of(2**22 + 1).why() == UNKNOWN
