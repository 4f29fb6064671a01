"""Time and memory of the analysis, for a million records and for an ordinary study.

    python -m benchmarks.report_time             1,000 trials x 1,000 epochs, and 16 x 100
    python -m benchmarks.report_time --small     16 x 100 only

Goals on 2 cores, including start-up: a million records with tables and figures under 15 s and 2 GB; 16 x 100
under 3 s. Each is run as a user runs it, in its own process.
"""

import argparse
import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE
from study.record.manifest import DataFacts, Manifest, SetupFacts
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import EnergyMethod, EnergyStatus, Paradigm, StopReason, TrialStatus

ROOT = Path(__file__).parent.parent
SIZES, RATES, REPEATS = (64, 256, 1024, 4096), (0.1, 0.01, 0.001, 0.0001), 2


def write(folder: Path, *, trials: int, epochs: int) -> Path:
    """Write a study of that many trials and epochs: the paper's grid, repeated as often as needed."""
    folder.mkdir(parents=True)
    grid = [(size, rate) for size in SIZES for rate in RATES]
    setups = tuple(
        SetupFacts(setup=n, batch_size=size, learning_rate=rate)
        for n, (size, rate) in enumerate(grid[: max(trials // REPEATS, 1)], start=1)
    )
    rows = pd.DataFrame(
        [_trial(n, setups[n % len(setups)], epochs).to_row() for n in range(trials)]
    )
    rows.to_parquet(folder / TRIALS_FILE)
    rng = np.random.default_rng(0)
    count = trials * epochs
    first = pd.DataFrame([_epoch(n, setups[n % len(setups)]).to_row() for n in range(trials)])
    table = first.loc[first.index.repeat(epochs)].reset_index(drop=True)
    number = np.tile(np.arange(1, epochs + 1), trials)
    table = table.assign(
        epoch=number,
        epoch_energy_j=rng.gamma(9.0, 10.0, count),
        val_score=0.95 - 0.6 / number + rng.normal(size=count) / 100,
        train_loss=1 / number,
        val_loss=1 / number + 0.1,
        stop_reason=pd.Series(number == epochs).map({True: StopReason.MAX_EPOCHS.value}),
    )
    table.to_parquet(folder / EPOCHS_FILE)
    (folder / MANIFEST_FILE).write_text(manifest_of(folder.name, setups, trials).to_json())
    return folder


def _epoch(number: int, facts: SetupFacts) -> EpochRecord:
    return EpochRecord(
        study="benchmark",
        trial_id=f"trial{number:04d}",
        attempt=1,
        node="node-1",
        device_uuid="GPU-1",
        device_name="Board",
        paradigm=Paradigm.REGIME,
        scenario="pamap2",
        stage="encoder+classifier",
        setup=facts.setup,
        batch_size=facts.batch_size,
        effective_batch_size=facts.batch_size,
        learning_rate=facts.learning_rate,
        seed=number,
        epoch=1,
        train_loss=1.0,
        val_loss=1.0,
        val_score=0.5,
        epoch_time_s=10.0,
        epoch_energy_j=1.0,
        energy_j=None,
        mean_power_w=100.0,
        energy_method=EnergyMethod.SAMPLED,
        energy_status=EnergyStatus.OK,
        coverage=1.0,
        uncertainty_j=1.0,
        power_samples=100,
        samples_per_s=1000.0,
        peak_memory_bytes=1 << 30,
        stop_reason=None,
    )


def _trial(number: int, facts: SetupFacts, epochs: int) -> TrialRecord:
    same = {
        name: value
        for name, value in _epoch(number, facts).to_row().items()
        if name in {each.name for each in dataclasses.fields(TrialRecord)}
    }
    return TrialRecord(
        **{
            **same,
            "status": TrialStatus.FINISHED,
            "stop_reason": StopReason.MAX_EPOCHS,
            "error": None,
            "attempts": 1,
            "epochs": epochs,
            "best_val_score": 0.9,
            "best_epoch": epochs,
            "time_s": 10.0 * epochs,
            "energy_j": 90.0 * epochs,
            "setup_energy_j": 5.0,
            "between_energy_j": 1.0,
            "wasted_energy_j": 0.0,
            "missing_epochs": 0,
            "degraded_epochs": 0,
            "energy_to_target_j": None,
        }
    )


def manifest_of(name: str, setups: tuple[SetupFacts, ...], trials: int) -> Manifest:
    """Return the manifest of a study with a number of trials."""
    return Manifest(
        study=name,
        paradigm=Paradigm.REGIME,
        scenario="pamap2",
        status="finished",
        started_at="2026-01-02T03:04:05+00:00",
        finished_at="2026-01-02T03:14:05+00:00",
        setup_time_s=3.0,
        command=("python", "-m", "study.regime"),
        options={},
        versions={},
        git_commit=None,
        data=DataFacts(
            synthetic=True,
            description="rows that a benchmark wrote",
            fingerprint="0",
            train_samples=1_000_000,
            val_samples=1000,
            classes=("a", "b"),
            chance_accuracy=0.5,
        ),
        setups=setups,
        seeds=tuple(range(max(trials // len(setups), 1))),
        nodes=(),
    )


def measure(folder: Path) -> tuple[float, float]:
    """Run `python -m analysis` with its report, and return its seconds and peak megabytes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "analysis", str(folder)], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    # Tells Popen that the process has been waited for, so that it does not try to.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"the analysis ended with status {process.returncode}"
        raise RuntimeError(message)
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return time.perf_counter() - began, kilobytes / 1024


def main() -> None:
    """Write the studies to a temporary folder, and print the time and memory of each analysis."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="16 x 100 only")
    small = parser.parse_args().small
    with tempfile.TemporaryDirectory() as name:
        for trials, epochs, goal_s in ((16, 100, 3.0), (1000, 1000, 15.0)):
            if small and trials > 16:  # noqa: PLR2004 - the small one
                continue
            folder = write(Path(name) / f"{trials}x{epochs}", trials=trials, epochs=epochs)
            seconds, megabytes = measure(folder)
            met = "met" if seconds < goal_s and megabytes < 2048 else "missed"  # noqa: PLR2004
            print(
                f"{trials:5} trials x {epochs:5} epochs: {seconds:6.2f} s (goal {goal_s:g} s), "
                f"{megabytes:5.0f} MB (goal 2048 MB): {met}"
            )


if __name__ == "__main__":
    main()
