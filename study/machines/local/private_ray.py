"""Private folder for a local Ray, which no other user of the machine can enter, and its guardian.

Ray makes its session folders writable for everybody (mode 0777), and its workers import code from there: in
a folder that all may enter, any user of the machine could replace that code and have it run. So the
session lies in a folder of mode 0700, together with Ray's authentication token, which Ray would keep in
the home folder, which is not writable everywhere.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from study.errors import ClusterError
from study.machines.local import guardian
from study.machines.local.environment import kept_environment

LONGEST_BASE = 26
"""Maximum length of the parent folder's path: a socket's path has at most 103 characters on some systems, of
which Ray's session and our own folder take 77."""

TOKEN_PATH = "RAY_AUTH_TOKEN_PATH"  # noqa: S105 - a variable's name
"""Ray's environment variable for the path of its token; the user's `RAY_AUTH_TOKEN` takes precedence."""

ENDS_IN_S = 35.0
"""Seconds to wait for the guardian; longer than the guardian's own limit."""


@contextmanager
def private_ray() -> Iterator[Path]:
    """Create a folder for a local Ray's session; at the end, kill Ray's processes and remove the folder.

    Yields:
        Folder for Ray's session, to be given to `ray.init` as `_temp_dir`.

    Raises:
        ClusterError: The folder cannot be created.
    """
    folder = _folder()
    watch = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", guardian.__file__, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        with kept_environment(guardian.MARK, TOKEN_PATH):
            os.environ |= {guardian.MARK: folder, TOKEN_PATH: _token_in(Path(folder))}
            yield Path(folder) / "r"
    finally:
        if watch.stdin is not None:
            watch.stdin.close()
        try:
            watch.wait(ENDS_IN_S)
        except subprocess.TimeoutExpired:
            watch.kill()


def _folder() -> str:
    try:
        return tempfile.mkdtemp(prefix="pot-", dir=_base())
    except OSError as error:
        message = (
            f"Ray cannot be started on this machine: no folder can be created for its session ({error}). "
            "Name a folder that you may write to, with at most 26 characters, in RAY_TMPDIR."
        )
        raise ClusterError(message) from error


def _token_in(folder: Path) -> str:
    """Write a new random token to a file that only this user can read; return its path."""
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32), encoding="ascii")
    return str(path)


def _base() -> str:
    """Return the parent folder: `RAY_TMPDIR`, or the system's temporary folder if its path is short enough."""
    asked = os.environ.get("RAY_TMPDIR")
    if asked:
        Path(asked).mkdir(parents=True, exist_ok=True)
        return asked
    system = tempfile.gettempdir()
    return system if len(system) <= LONGEST_BASE else "/tmp"  # noqa: S108 - within, mode 0700
