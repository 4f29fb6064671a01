"""Guardian of a local Ray: a small program that kills all of Ray's processes when the study is gone.

However the study ends (normally, by a second Ctrl-C, or killed), its end of a pipe closes. Ray's own
agents may take up to a minute to notice that their parent is gone, and may wait for each other longer. The
guardian is run as a file, in its own session, so that signals from the terminal do not reach it; it imports
nothing of ours.
"""

import os
import select
import shutil
import signal
import sys
import time

import psutil

MARK = "POWER_OF_TRAINING_RAY"
"""Environment variable that all processes of a study's local Ray inherit; its value is Ray's private folder."""

OUTLIVES = "POWER_OF_TRAINING_OUTLIVES"
"""Environment variable of a process that must first undo changes, and then ends by itself: it is not killed."""

CHECK_EVERY_S = 0.5
KILL_FOR_S = 30.0


def wait_for_the_end(pipe: int, parent: int) -> None:
    """Return when the other end of the pipe is closed, or when the parent process is no longer `parent`."""
    while os.getppid() == parent:
        ready, _, _ = select.select([pipe], [], [], CHECK_EVERY_S)
        if ready and not os.read(pipe, 1):
            return


def ray_processes(folder: str) -> list[psutil.Process]:
    """Return the running processes of the Ray whose private folder is `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            told = process.environ()
            if told.get(MARK) == folder and OUTLIVES not in told and process.pid != os.getpid():
                found.append(process)
        except (psutil.Error, OSError):  # another user's process, or one that has ended
            continue
    return [each for each in found if _runs(each)]


def end_all(folder: str) -> None:
    """Kill the processes of the Ray in `folder`, including any that they start meanwhile."""
    until_s = time.monotonic() + KILL_FOR_S
    while (left := ray_processes(folder)) and time.monotonic() < until_s:
        for process in left:
            try:
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=1.0)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def main(folder: str) -> None:
    """Wait for the end of the study, then kill its Ray and remove Ray's private folder."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wait_for_the_end(sys.stdin.fileno(), os.getppid())
    end_all(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
