"""The private folder and processes of a study's local Ray."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from ray._common.utils import try_to_create_directory

from study.errors import ClusterError
from study.machines.local import guardian
from study.machines.local.private_ray import TOKEN_PATH, private_ray
from tests.waiting import waited_for
from trackers.node.limit_guard import OUTLIVES

NOBODY = 65534

ATTACK = """
import os, sys
package = sys.argv[1]
os.setgid(65534); os.setuid(65534)
try:
    os.rename(package, package + "-original")
    os.mkdir(package)
    with open(os.path.join(package, "__init__.py"), "w") as file:
        file.write("print('I run as', __import__('os').getuid())")
except PermissionError:
    sys.exit(13)
"""
"""Program of another user, which replaces a package that Ray unpacked for its workers."""


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder for temporary files that all users share, like /tmp."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        Path(folder).chmod(0o1777)
        yield Path(folder)


@pytest.fixture
def at_shared(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set RAY_TMPDIR to the shared folder, and return it."""
    monkeypatch.setenv("RAY_TMPDIR", str(shared))
    return shared


def unpacked_package(place: Path) -> Path:
    """Create a package in a session's folder as Ray does, with Ray's permissions."""
    working_dir = place / "session_x" / "runtime_resources" / "working_dir_files" / "_ray_pkg_0"
    for folder in (*reversed(working_dir.parents), working_dir):
        if place in (folder, *folder.parents):
            try_to_create_directory(str(folder))  # type: ignore[no-untyped-call]
    package = working_dir / "study"
    package.mkdir()
    return package


def attacked(package: Path) -> int:
    """Run another user's attack on a package, and return its exit status."""
    return subprocess.run([sys.executable, "-c", ATTACK, str(package)], check=False).returncode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_cannot_inject_code_into_a_study(at_shared: Path) -> None:
    """An attack that succeeds on Ray's own session in a shared folder fails on ours."""
    unprotected = attacked(unpacked_package(at_shared / "ray"))
    with private_ray() as place:
        protected = attacked(unpacked_package(place))

    assert (unprotected, protected) == (0, 13)


def test_the_folder_is_private_and_removed_at_the_end(at_shared: Path) -> None:
    """Only its owner can enter it, and files left in it are removed, too."""
    with private_ray() as place:
        mode = place.parent.stat().st_mode & 0o777
        place.mkdir()
        (place / "left.log").touch()

    assert mode == 0o700
    assert list(at_shared.iterdir()) == []


def test_a_long_path_for_temporary_files_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The paths of Ray's sockets would exceed the system's limit."""
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(long))

    with private_ray() as place:
        assert len(f"{place}/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store") < 103


STUDY = """
import subprocess, sys, time
from study.machines.local.private_ray import TOKEN_PATH, private_ray
with private_ray():
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print(left.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_processes_of_a_killed_study_are_ended(at_shared: Path) -> None:
    """This includes those in a session of their own, and the folder; the guardian ends last."""
    with subprocess.Popen(
        [sys.executable, "-c", STUDY], stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        left = int(killed.stdout.readline())
        (guarding,) = (each for each in psutil.Process(killed.pid).children() if each.pid != left)
        killed.kill()

    waited_for(lambda: not psutil.pid_exists(left), "the end of the process left behind")
    waited_for(lambda: not guarding.is_running(), "the guardian's end")
    assert list(at_shared.iterdir()) == []


def test_guardian_and_tracker_use_the_same_variable() -> None:
    """It marks processes that the guardian, which imports none of our code, must not kill."""
    assert guardian.OUTLIVES == OUTLIVES


def test_the_mark_is_removed_from_the_environment() -> None:
    """Processes that are started later must not be taken for that Ray's."""
    before: Any = os.environ.get(guardian.MARK)

    with private_ray() as place:
        within = os.environ[guardian.MARK]

    assert within == str(place.parent)
    assert os.environ.get(guardian.MARK) == before


def test_the_token_is_private_and_not_in_the_home_folder(at_shared: Path) -> None:
    """So a read-only home folder (ray#30959) does no harm; afterwards the environment is as before."""
    assert TOKEN_PATH not in os.environ
    with private_ray() as place:
        token = Path(os.environ[TOKEN_PATH])

        assert token.parent == place.parent
        assert token.stat().st_mode & 0o777 == 0o600
        assert len(token.read_text()) == 64

    assert TOKEN_PATH not in os.environ
    assert list(at_shared.iterdir()) == []


def test_a_session_that_cannot_have_a_folder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If RAY_TMPDIR is a file, the message says what is wrong and what to do."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "file"))

    with (
        pytest.raises(ClusterError, match=r"no folder can be created .*RAY_TMPDIR\."),
        private_ray(),
    ):
        pass
