"""Other people's trackers, in an environment of their own, each run as a process of its own.

They are installed from PyPI, in their present versions, into a folder of the user's cache, once;
delete the folder to have newer ones. They see the same emulated boards as our own tracker.
"""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.fake_nvml import Boards, build

ROOT = Path(__file__).parents[2]
PACKAGES = ("zeus", "codecarbon", "carbontracker")
OURS = "ours"
STARTUP_S = 90.0
"""A tracker may take so long to import, to look around and to end."""


class RivalError(Exception):
    """A tracker could not be installed, or did not tell energies; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of a tracker on epochs of one length.

    Attributes:
        errors: Distance of each epoch's energy from the known one, as a share of the known one.
        untold: Number of epochs for which it told no energy.
        cpu_share: CPU time of its process over wall time, epochs asleep.
    """

    errors: tuple[float, ...]
    untold: int
    cpu_share: float

    @property
    def mean_error(self) -> float | None:
        """Mean of `errors`; None where nothing was told."""
        return statistics.fmean(self.errors) if self.errors else None


def cache_folder() -> Path:
    """Return the folder outside the repository that keeps environment and emulated boards."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "power-of-training"


@cache
def rivals_python() -> Path:
    """The interpreter of the rivals' environment; made on first need.

    Raises:
        RivalError: It cannot be made: no network, say.
    """
    folder = cache_folder() / "tracker-rivals"
    python = folder / "bin" / "python"
    complete = folder / "installed"
    if complete.exists() and python.exists():
        return python
    print(f"Installing {', '.join(PACKAGES)} into {folder} (once) ...", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)} failed: {_last_line(done.stderr)}"
        raise RivalError(message)
    complete.touch()
    return python


@cache
def versions() -> dict[str, str]:
    """Return the installed version of each rival.

    Raises:
        RivalError: The environment cannot be made.
    """
    listing = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    command = [str(rivals_python()), "-c", listing, *PACKAGES]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(PACKAGES, told, strict=True))


def prepared() -> Path:
    """The folder of the emulated boards' library, compiled for its present sources.

    CodeCarbon takes a machine for one with boards if there is an `nvidia-smi`; a stand-in that
    does nothing lies there for it.
    """
    folder = build(cache_folder() / f"fake-nvml-{_digest(ROOT / 'tests' / 'fake_nvml')}")
    smi = folder / "nvidia-smi"
    if not smi.exists():
        aside = folder / f".nvidia-smi.{os.getpid()}"
        aside.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        aside.chmod(0o755)
        aside.replace(smi)
    return folder


def environment(boards: Boards) -> dict[str, str]:
    """The environment of a process that sees the emulated boards."""
    folder = prepared()
    own = boards.environment(folder)
    return {**own, "PATH": os.pathsep.join((str(folder), own.get("PATH", "")))}


def measured(
    tracker: str,
    boards: Boards,
    epochs: Sequence[tuple[float, int]],
    *,
    settle_s: float = 1.5,
    also: Mapping[str, str] | None = None,
) -> list[Outcome]:
    """Run a tracker beside epochs of known energy.

    Args:
        tracker: A name of `benchmarks.tracking.child`.
        boards: What the boards do.
        epochs: Length in seconds and number of the epochs; one outcome for each.
        settle_s: How long it runs before the first epoch, and in a trial epoch before that.
        also: Goes into its environment too.

    Raises:
        RivalError: It could not be run.
    """
    python = sys.executable if tracker.startswith(OURS) else str(rivals_python())
    schedule = [f"{length_s}:{count}" for length_s, count in epochs]
    command = [python, "-m", "benchmarks.tracking.child", tracker, "--settle", str(settle_s)]
    command += ["--epochs", *schedule]
    limit_s = STARTUP_S + 2 * (2 * settle_s + sum(length * count for length, count in epochs))
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**environment(boards), **(also or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired as error:
        message = f"did not end within {limit_s:.0f} s"
        raise RivalError(message) from error
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        message = f"exit status {done.returncode}: {_last_line(done.stderr)}"
        raise RivalError(message)
    try:
        return [_outcome(told, boards) for told in json.loads(lines[-1])]
    except (ValueError, KeyError, TypeError) as error:
        message = f"told nothing that can be read: {lines[-1][:120]}"
        raise RivalError(message) from error


def _digest(folder: Path) -> str:
    """Names the C sources of a folder by what is in them, so that a change is compiled anew."""
    sources = sorted(folder.glob("*.[ch]"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]


def _outcome(told: dict[str, Any], boards: Boards) -> Outcome:
    errors = [
        abs(energy_j / boards.energy_j(0, start_s, stop_s) - 1)
        for (start_s, stop_s), energy_j in zip(told["times"], told["energy_j"], strict=False)
        if energy_j is not None
    ]
    return Outcome(
        errors=tuple(errors),
        untold=len(told["times"]) - len(errors),
        cpu_share=told["cpu_share"],
    )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"
