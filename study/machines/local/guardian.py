"""A small process beside a local Ray: when the study is gone, it ends what that Ray has started.

However a study ends, by itself, by a second Ctrl-C or killed, its end of a pipe closes. Ray's own
agents look for their parent for up to a minute, and may wait for each other longer. Run as a file, in
a session of its own, so that no terminal's signal reaches it; it imports nothing of ours.
"""

import os
import select
import shutil
import signal
import sys
import time

import psutil

MARK = "POWER_OF_TRAINING_RAY"
"""Variable that all processes of a study's local Ray inherit; its value is the Ray's private folder."""

OUTLIVES = "POWER_OF_TRAINING_OUTLIVES"
"""Variable of a process that ends by itself when it has put back what was changed: it is spared."""

LOOK_EACH_S = 0.5
LONGEST_S = 30.0


def wait_for_the_end(pipe: int, parent: int) -> None:
    """Return when the other end of a pipe is closed, or the parent is another process."""
    while os.getppid() == parent:
        ready, _, _ = select.select([pipe], [], [], LOOK_EACH_S)
        if ready and not os.read(pipe, 1):
            return


def marked(folder: str) -> list[psutil.Process]:
    """Return the processes of the Ray of that folder."""
    found = []
    for process in psutil.process_iter():
        try:
            told = process.environ()
            if told.get(MARK) == folder and OUTLIVES not in told and process.pid != os.getpid():
                found.append(process)
        except (psutil.Error, OSError):  # somebody else's, or gone already
            continue
    return [each for each in found if _runs(each)]


def end_all(folder: str) -> None:
    """End the processes of a folder, and those that they start meanwhile."""
    until_s = time.monotonic() + LONGEST_S
    while (left := marked(folder)) and time.monotonic() < until_s:
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
    """Wait for the end of the study, then end its Ray and remove its folder."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    wait_for_the_end(sys.stdin.fileno(), os.getppid())
    end_all(folder)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1])
