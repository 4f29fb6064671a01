"""A place of its own for a local Ray, which no other user of the machine can enter, and its guardian.

Ray gives its session folders to everybody (mode 0777), and its workers import code from there: in a
folder that all may enter, any user of the machine could put theirs in its place and have it run. So
the session lies within a folder of mode 0700.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from study.machines import guardian

LONGEST_BASE = 26
"""Most characters of the folder's place: a socket's whole name has at most 103 on some systems, of
which Ray's session and our own folder take 77."""

ENDS_IN_S = 35.0
"""For how long the guardian is waited for; it gives up before."""


@contextmanager
def private_ray() -> Iterator[Path]:
    """A folder for a local Ray's session; at the end its processes are ended, and it is removed."""
    folder = tempfile.mkdtemp(prefix="pot-", dir=_base())
    before = os.environ.get(guardian.MARK)
    watch = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", guardian.__file__, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.environ[guardian.MARK] = folder
    try:
        yield Path(folder) / "r"
    finally:
        if before is None:
            del os.environ[guardian.MARK]
        else:
            os.environ[guardian.MARK] = before
        if watch.stdin is not None:
            watch.stdin.close()
        try:
            watch.wait(ENDS_IN_S)
        except subprocess.TimeoutExpired:
            watch.kill()


def _base() -> str:
    """Where the folder lies: where Ray is told to, or where the system has its temporary files."""
    asked = os.environ.get("RAY_TMPDIR")
    if asked:
        Path(asked).mkdir(parents=True, exist_ok=True)
        return asked
    system = tempfile.gettempdir()
    return system if len(system) <= LONGEST_BASE else "/tmp"  # noqa: S108 - within, mode 0700
