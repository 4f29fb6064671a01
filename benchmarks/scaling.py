"""Overhead of a study of many trials: driver time per report, fixed cost, memory.

    python -m benchmarks.scaling                       the driver's code alone, for 16, 128 and 1,000 trials
    python -m benchmarks.scaling --ray 16 128          whole studies with a real Ray and very short trainings

The first feeds reports and bookings of 64 simulated nodes to the code that a study runs in its driver (plans,
recorder, display, folder), without Ray, of which one machine cannot run so many nodes. Goals: 5 ms of driver
time per report, and growth that is at most linear. With Ray, the whole command is timed: from its start to the
first trial, to the end of the last trial, and to the end of the report. Goal: 0.5 s per trial beyond the
training itself. The time of a trial's window is divided into epochs and the rest.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from io import StringIO
from pathlib import Path

import psutil
from rich.console import Console

from study.execution.live.progress import ProgressDisplay
from study.record.objective import ACCURACY
from study.record.records import EpochRecord
from study.record.vocabulary import EnergyMethod, EnergyStatus, Paradigm, Stage, StopReason
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, grid, trial_plans
from trackers.node.ledger import SETUP, TRIAL, BookedWindow, Booking, WindowKey
from trackers.sample import Method, Reading, Status

ROOT = Path(__file__).parent.parent
TRIALS = (16, 128, 1_000)
NODES = 64
EPOCHS = 30
RAY_EPOCHS = 4
STAGE = Stage.ENCODER_CLASSIFIER
MS = 1_000.0
KB_PER_MB = 1_024.0


def played(trials: int, results_dir: str) -> None:
    """Feed a simulated study to the driver's code, and print its cost."""
    setups = grid([64], [0.1 / number for number in range(1, trials // 2 + 1)])
    plans = trial_plans(setups, (0, 1), shuffle_seed=0)
    start_s = time.perf_counter()
    recorder = Recorder(
        StudyFolder(results_dir, f"s{trials}"),
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="played",
        objective=ACCURACY,
        stages=(STAGE,),
        target=None,
    )
    remaining = recorder.expect(plans)
    progress = ProgressDisplay(
        Console(file=StringIO()), setups, repeats=2, trials=len(remaining), slots=NODES
    )
    begun_s = time.perf_counter()
    flushes = 0
    longest_flush_s = 0.0
    for first in range(0, len(remaining), NODES):
        wave = remaining[first : first + NODES]
        for plan in wave:
            progress.begin(plan.trial_id, plan.setup)
        for epoch in range(1, EPOCHS + 1):
            for plan in wave:
                record = report(plan, epoch)
                recorder.add(record)
                progress.epoch(record)
            if recorder.flush_due():
                before_s = time.perf_counter()
                recorder.flush()
                longest_flush_s = max(longest_flush_s, time.perf_counter() - before_s)
                flushes += 1
        for node, plan in enumerate(wave):
            recorder.add_booking(Booking(hostname=f"n{node}", windows=windows(plan), power=()))
            progress.end(plan.trial_id, plan.setup)
    ended_s = time.perf_counter()
    recorder.flush()
    last_s = time.perf_counter() - ended_s
    again_s = time.perf_counter()
    left = Recorder(
        StudyFolder(results_dir, f"s{trials}"),
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="played",
        objective=ACCURACY,
        stages=(STAGE,),
        target=None,
    ).expect(plans)
    resume_s = time.perf_counter() - again_s
    reports = len(remaining) * EPOCHS
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KB_PER_MB
    print(
        f"{len(remaining):5} trials {reports:6} reports: "
        f"{(ended_s - begun_s) / reports * MS:6.3f} ms per report ({flushes} flushes, the longest "
        f"{longest_flush_s:.2f} s), start {begun_s - start_s:.3f} s, last flush {last_s:.2f} s, "
        f"resume {resume_s:.2f} s ({len(left)} left), peak {peak_mb:.0f} MB"
    )


def report(plan: TrialPlan, epoch: int) -> EpochRecord:
    """Return the record of an epoch as a trial reports it."""
    return EpochRecord(
        study="s",
        trial_id=plan.trial_id,
        attempt=1,
        node="n",
        device_uuid="GPU-1",
        device_name="Board",
        paradigm=Paradigm.REGIME,
        scenario="played",
        stage=STAGE,
        setup=plan.setup,
        batch_size=plan.batch_size,
        effective_batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        seed=plan.seed,
        epoch=epoch,
        train_loss=1.0 / epoch,
        val_loss=1.0 / epoch,
        val_score=1.0 - 1.0 / epoch,
        epoch_time_s=2.0,
        epoch_energy_j=500.0,
        energy_j=500.0 * epoch,
        mean_power_w=250.0,
        energy_method=EnergyMethod.COUNTER,
        energy_status=EnergyStatus.OK,
        coverage=1.0,
        uncertainty_j=1.0,
        power_samples=20,
        samples_per_s=1_000.0,
        peak_memory_bytes=1_000_000,
        stop_reason=StopReason.MAX_EPOCHS if epoch == EPOCHS else None,
    )


def windows(plan: TrialPlan) -> tuple[BookedWindow, ...]:
    """Return the windows as a tracker books them for a trial."""
    places = [(TRIAL, 0), (SETUP, 0), *((str(STAGE), epoch) for epoch in range(1, EPOCHS + 1))]
    return tuple(
        BookedWindow(
            key=WindowKey(trial_id=plan.trial_id, attempt=1, stage=stage, epoch=epoch),
            reading=Reading(
                device_uuid="GPU-1",
                start_s=2.0 * epoch,
                duration_s=2.0,
                energy_j=500.0 * EPOCHS * 1.1 if stage == TRIAL else 500.0,
                method=Method.COUNTER,
                status=Status.OK,
                coverage=1.0,
                uncertainty_own_j=1.0,
                power_samples=20,
            ),
        )
        for stage, epoch in places
    )


def with_ray(trials: int, results_dir: str) -> None:
    """Run the whole command with very short trainings, and print its times and memory."""
    rates = [f"{0.1 / number:.6f}" for number in range(1, trials + 1)]
    folder = StudyFolder(results_dir, f"ray{trials}")
    start_s = time.monotonic()
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "study.regime",
                "--scenario",
                "watch",
            ),
            *("--batch-sizes", "512", "--learning-rates", *rates, "--repeats", "1"),
            *("--max-epochs", str(RAY_EPOCHS), "--patience", str(RAY_EPOCHS)),
            *("--results-dir", results_dir, "--name", f"ray{trials}"),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    driver = psutil.Process(process.pid)
    before_s = cpu_s = 0.0
    peak_mb = 0.0
    while process.poll() is None:
        with suppress(psutil.Error):
            cpu_s = sum(driver.cpu_times()[:2])
            peak_mb = max(peak_mb, driver.memory_info().rss / 1e6)
            before_s = before_s if folder.exists() else cpu_s
        time.sleep(0.1)
    stop_s = time.monotonic()
    whole = [row for row in folder.read_rows("windows.parquet") if row["stage"] == TRIAL]
    first_s = min(row["start_s"] for row in whole)
    last_s = max(row["start_s"] + row["duration_s"] for row in whole)
    in_trials_s = sum(row["duration_s"] for row in whole)
    rows = folder.read_rows("trials.parquet")
    in_epochs_s = sum(row["time_s"] for row in rows)
    slots = sum(int(node.cpus) for node in folder.read_manifest().nodes)
    reports = sum(row["epochs"] for row in rows)
    print(
        f"{len(rows):5} trials {reports:6} reports with Ray: start {first_s - start_s:.1f} s, trials "
        f"{last_s - first_s:.1f} s in {slots} slots, report {stop_s - last_s:.1f} s; each trial "
        f"{in_epochs_s / trials:.2f} s in epochs, {(in_trials_s - in_epochs_s) / trials:.2f} s in "
        f"the rest of its window, {((last_s - first_s) * slots - in_trials_s) / trials:.2f} s "
        f"outside; driver {(cpu_s - before_s) / reports * MS:.1f} ms of CPU per report, "
        f"{peak_mb:.0f} MB"
    )


def main() -> None:
    """Run the benchmark that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ray", nargs="+", type=int, default=None, metavar="TRIALS")
    parser.add_argument("--trials", nargs="+", type=int, default=TRIALS, metavar="TRIALS")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for trials in asked.ray or asked.trials:
            (with_ray if asked.ray else played)(trials, folder)


if __name__ == "__main__":
    main()
