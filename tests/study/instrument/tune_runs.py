"""Runs of somebody's Tune script on emulated boards, and their tables."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from tests.fake_nvml import UUIDS, Boards, build
from tests.trackers.exports.receivers import wandb_energies
from tests.waiting import waited_for

ROOT = Path(__file__).parents[3]
BOARDS = Boards(boards=2, low_w=240.0)


def script(kind: str, storage: Path, *, status: int = 0) -> None:
    """Run the script in a process of its own."""
    environment = {
        **BOARDS.environment(build(storage / "lib")),
        "RAY_AIR_NEW_OUTPUT": "0",
        "WANDB_MODE": "offline",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.study.instrument.tune_script", kind, str(storage)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == status, done.stderr


def table(run: Path, name: str) -> pd.DataFrame:
    """A table of a run's folder."""
    return pd.read_parquet(run / f"{name}.parquet")


def known_j(row: pd.Series) -> float:
    """What the board of a window used, by its curve."""
    start_s, stop_s = row["start_s"], row["start_s"] + row["duration_s"]
    return BOARDS.energy_j(UUIDS.index(row["device_uuid"]), start_s, stop_s)


def of_boards(run: Path, stage: str = "trial") -> pd.DataFrame:
    """Windows of a stage, on boards."""
    windows = table(run, "windows")
    return windows[(windows["stage"] == stage) & (windows["component"] == "gpu")]


def assert_wandb_has_the_energies(run: Path) -> None:
    """Wait until W&B has the energies of all epochs: a process of its own writes them."""
    rows = table(run, "epochs").groupby("trial_id")["epoch_energy_j"]
    stored = {str(trial): sorted(energies) for trial, energies in rows}

    def told() -> dict[str, list[float]]:
        return {each: sorted(energies) for each, energies in wandb_energies(run).items()}

    waited_for(lambda: told() == stored, f"the energies {stored}")
