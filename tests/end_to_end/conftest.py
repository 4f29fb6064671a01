"""Running study commands as a user does, in a process and a folder of their own, or in this process."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from study.multitask import main as multitask
from study.pretraining import main as pretraining
from study.regime import main as regime
from study.search.__main__ import main as search

ROOT = Path(__file__).parent.parent.parent
COMMANDS = {
    "study.regime": regime,
    "study.pretraining": pretraining,
    "study.multitask": multitask,
    "study.search": search,
}

BARE = ("--no-report", "--checkpoint-every-s", "inf")
"""Options of studies without a report, which takes longer than a small study, and without checkpoints, so
that lost trials start again from the beginning."""

ONE_SLOT = {"RAY_OVERRIDE_RESOURCES": '{"CPU": 1}'}
"""Environment variables with which Ray sees one processor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """Result of a command: its exit status, its output and the study's folder."""

    status: int
    out: str
    err: str
    folder: Path


def command(*options: str, program: str = "study.regime") -> list[str]:
    """Argument list of a study command with options."""
    return [sys.executable, "-m", program, *options]


@contextmanager
def study_process(
    results: Path,
    *options: str,
    env: Mapping[str, str],
    own_session: bool = False,
    program: str = "study.regime",
) -> Iterator["subprocess.Popen[str]"]:
    """Start a study; kill it and all its child processes at the end, whatever happens in the test.

    `own_session` starts it in a process group of its own, as a terminal does.
    """
    study = subprocess.Popen(
        command(*options, "--results-dir", str(results), "--name", "a", program=program),
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=own_session,
    )
    try:
        yield study
    finally:
        if study.poll() is None:
            for each in psutil.Process(study.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            study.kill()
            study.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Read output until a line matches the pattern at its start; return all that was read."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if re.match(pattern, line):
            return "".join(seen)
    message = f"no line {pattern!r} in:\n{''.join(seen)}"
    raise AssertionError(message)


def run_regime(
    results: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
    name: str = "a",
    program: str = "study.regime",
) -> CommandResult:
    """Run `python -m study.regime`, or another study command, in a process of its own, into `results`."""
    done = subprocess.run(
        command(*options, "--results-dir", str(results), "--name", name, program=program),
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    return CommandResult(
        status=done.returncode, out=done.stdout, err=done.stderr, folder=results / name
    )


def run_here(
    results: Path, *options: str, name: str = "a", program: str = "study.regime"
) -> tuple[int, Path]:
    """Run a study command in this process, which has already imported Ray and torch.

    Returns:
        Its exit status, and the study's folder.
    """
    status = COMMANDS[program]([*options, "--results-dir", str(results), "--name", name])
    return status, results / name


@pytest.fixture
def one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one trial after another: they reuse one process, which takes seconds of CPU to start."""
    for name, value in ONE_SLOT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """A short path for Ray's session: the paths of its sockets have a length limit."""
    with TemporaryDirectory(prefix="r") as folder:
        yield Path(folder) / "ray"
