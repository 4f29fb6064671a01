"""Where a study's local Ray lives: nobody else gets in, and nothing is left of it."""

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
"""Another user puts code in the place of a package that Ray unpacked for its workers."""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder for temporary files that all users share, as /tmp is."""
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        Path(folder).chmod(0o1777)
        yield Path(folder)


@pytest.fixture
def at_shared(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, and Ray is told to use it."""
    monkeypatch.setenv("RAY_TMPDIR", str(shared))
    return shared


def a_package_in(place: Path) -> Path:
    """What Ray leaves in a session's folder, with the modes that it gives."""
    working_dir = place / "session_x" / "runtime_resources" / "working_dir_files" / "_ray_pkg_0"
    for folder in (*reversed(working_dir.parents), working_dir):
        if place in (folder, *folder.parents):
            try_to_create_directory(str(folder))  # type: ignore[no-untyped-call]
    package = working_dir / "study"
    package.mkdir()
    return package


def attacked(package: Path) -> int:
    """Exit status of another user's attack."""
    return subprocess.run([sys.executable, "-c", ATTACK, str(package)], check=False).returncode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_cannot_put_code_into_a_study(at_shared: Path) -> None:
    """What works against a session in a folder for all, as Ray makes it, fails against ours."""
    unprotected = attacked(a_package_in(at_shared / "ray"))
    with private_ray() as place:
        protected = attacked(a_package_in(place))

    assert (unprotected, protected) == (0, 13)


def test_the_folder_is_its_owners_alone_and_removed(at_shared: Path) -> None:
    """Its sockets' names are short enough for every system."""
    with private_ray() as place:
        mode = place.parent.stat().st_mode & 0o777
        place.mkdir()
        (place / "left.log").touch()

    assert mode == 0o700
    assert list(at_shared.iterdir()) == []


def test_a_long_folder_for_temporary_files_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a socket's name would not fit."""
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


def test_what_a_killed_study_has_started_is_ended(at_shared: Path) -> None:
    """Also what left its session, and the folder with it; the guardian goes last."""
    with subprocess.Popen(
        [sys.executable, "-c", STUDY], stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        left = int(killed.stdout.readline())
        (guarding,) = (each for each in psutil.Process(killed.pid).children() if each.pid != left)
        killed.kill()

    waited_for(lambda: not psutil.pid_exists(left), "the end of what was started")
    waited_for(lambda: not guarding.is_running(), "the guardian's end")
    assert list(at_shared.iterdir()) == []


def test_one_name_says_who_is_spared() -> None:
    """A process that sets power limits back must live until it has; the guardian imports nothing of ours."""
    assert guardian.OUTLIVES == OUTLIVES


def test_the_mark_is_taken_back() -> None:
    """What this process starts later has nothing to do with that Ray."""
    before: Any = os.environ.get(guardian.MARK)

    with private_ray() as place:
        within = os.environ[guardian.MARK]

    assert within == str(place.parent)
    assert os.environ.get(guardian.MARK) == before


def test_the_token_is_the_users_alone_and_not_at_home(at_shared: Path) -> None:
    """A home folder that cannot be written (ray#30959) needs none; afterwards all is as before."""
    assert TOKEN_PATH not in os.environ
    with private_ray() as place:
        token = Path(os.environ[TOKEN_PATH])

        assert token.parent == place.parent
        assert token.stat().st_mode & 0o777 == 0o600
        assert len(token.read_text()) == 64

    assert TOKEN_PATH not in os.environ
    assert list(at_shared.iterdir()) == []


def test_no_place_for_a_session_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where RAY_TMPDIR should be: what is wrong, and what to do."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "file"))

    with (
        pytest.raises(ClusterError, match=r"no folder can be created .*RAY_TMPDIR\."),
        private_ray(),
    ):
        pass
