"""Other people's trackers, installed in a separate environment and each run in its own process.

They are installed once from PyPI, in their current versions, into the user's cache folder; delete the
folder to get newer ones. They see the same emulated boards as our own tracker.
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
"""Longest time that a tracker may take to import, to find devices and to end."""


class RivalError(Exception):
    """Error: a tracker could not be installed or reported no energies; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of a tracker on epochs of one length.

    Attributes:
        errors: Absolute error of each epoch's energy, relative to the known energy.
        missing: Number of epochs for which it reported no energy.
        cpu_share: CPU time of its process over wall time; the epochs themselves only sleep.
    """

    errors: tuple[float, ...]
    missing: int
    cpu_share: float

    @property
    def mean_error(self) -> float | None:
        """Mean of `errors`; None if no energy was reported."""
        return statistics.fmean(self.errors) if self.errors else None


def cache_folder() -> Path:
    """Return the cache folder, outside the repository, for the environment and the emulated boards."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "power-of-training"


@cache
def rivals_python() -> Path:
    """Return the interpreter of the rivals' environment, which is created when first needed.

    Raises:
        RivalError: The environment cannot be created, for example without a network.
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
        RivalError: The environment cannot be created.
    """
    listing = "import importlib.metadata as m, sys; print(*map(m.version, sys.argv[1:]))"
    command = [str(rivals_python()), "-c", listing, *PACKAGES]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return dict(zip(PACKAGES, output, strict=True))


def prepared() -> Path:
    """Return the folder of the emulated boards' library, compiled from its current sources.

    The folder also has an `nvidia-smi` that does nothing, by which CodeCarbon recognises a machine with
    boards.
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
    """Return the environment variables of a process that sees the emulated boards."""
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
        tracker: Name of the tracker in `benchmarks.tracking.child`.
        boards: Load and refresh of the emulated boards.
        epochs: Pairs of the length of epochs in seconds and their number; one outcome for each.
        settle_s: Seconds that it runs before its first epoch, and again in a warm-up epoch.
        also: Further environment variables for it.

    Raises:
        RivalError: It could not be run, or its output could not be read.
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
        return [_outcome(reported, boards) for reported in json.loads(lines[-1])]
    except (ValueError, KeyError, TypeError) as error:
        message = f"printed nothing that can be read: {lines[-1][:120]}"
        raise RivalError(message) from error


def _digest(folder: Path) -> str:
    """Return a hash of the C sources in a folder, so that changed sources are compiled anew."""
    sources = sorted(folder.glob("*.[ch]"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]


def _outcome(reported: dict[str, Any], boards: Boards) -> Outcome:
    errors = [
        abs(energy_j / boards.energy_j(0, start_s, stop_s) - 1)
        for (start_s, stop_s), energy_j in zip(
            reported["times"], reported["energy_j"], strict=False
        )
        if energy_j is not None
    ]
    return Outcome(
        errors=tuple(errors),
        missing=len(reported["times"]) - len(errors),
        cpu_share=reported["cpu_share"],
    )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no message"
