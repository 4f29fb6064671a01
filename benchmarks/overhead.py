"""Overhead of a study beyond its trainings.

    python -m benchmarks.overhead study     wall time of the smartwatch study on this machine's CPU
                                             slots, including Ray's start and the report, relative to
                                             the same trainings in one plain loop: no Ray, no trackers,
                                             as many threads as a trial has
    python -m benchmarks.overhead tracker   CPU time of trainings in a Ray worker with a tracker
                                             running, relative to the same without, all processes of
                                             Ray included; medians of alternating trainings

Both print a ratio of two measurements from the same run.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Literal

import psutil
import ray
import torch
import tyro

from study.execution.trial_meter import TrialMeter
from study.record.vocabulary import Stage
from study.scenario import Data
from study.scenario_lookup import load_scenario
from study.store.setups import TrialPlan, grid, trial_plans
from study.training.loop import train
from study.training.recipe import TrainingSettings
from study.training.task import plain_task
from trackers.node.actor import Handle
from trackers.node.client import TrackerClient
from trackers.node.nodes import start_manager
from trackers.sources.detect import Request

SCENARIO = "watch"
ROOT = Path(__file__).parent.parent
BATCH_SIZES, LEARNING_RATES = (64, 256, 1024, 4096), (0.1, 0.01, 0.001, 0.0001)
PATIENCE = 5
SETTLE_S = 8.0
"""Time to wait after actors were started: Ray then refills its worker pool, which takes seconds of CPU."""


def train_plan(
    plan: TrialPlan,
    data: Data,
    window: Callable[[int], AbstractContextManager[object]],
    *,
    max_epochs: int,
) -> int:
    """Run one training as the study does, and return its number of epochs."""
    batch_size, learning_rate = plan.batch_size_and_rate
    settings = TrainingSettings(
        batch_size=batch_size,
        learning_rate=learning_rate,
        max_epochs=max_epochs,
        patience=PATIENCE,
        optimizer="adam",
        seed=plan.seed,
    )
    scenario = load_scenario(SCENARIO)
    device = torch.device("cpu")
    return sum(
        1 for _ in train(lambda: plain_task(scenario, data), settings, device=device, window=window)
    )


def plain_loop(repeats: int, threads: int, max_epochs: int) -> None:
    """Run all trainings of the study, one after another."""
    torch.set_num_threads(threads)
    data = load_scenario(SCENARIO).load(None, seed=0)
    setups = grid(BATCH_SIZES, LEARNING_RATES)
    for plan in trial_plans(setups, range(repeats), shuffle_seed=0):
        train_plan(plan, data, lambda _: nullcontext(), max_epochs=max_epochs)


def timed(command: list[str]) -> float:
    """Run a command, and return its wall time in seconds."""
    start_s = time.monotonic()
    subprocess.run(
        command,
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": "."},
    )
    return time.monotonic() - start_s


def study_against_plain(repeats: int, max_epochs: int) -> None:
    """Print the wall times of study and plain loop, and their ratio."""
    size = ("--repeats", str(repeats), "--max-epochs", str(max_epochs))
    with tempfile.TemporaryDirectory() as folder:
        study_s = timed(
            [
                *(sys.executable, "-m", "study.regime", "--scenario", SCENARIO),
                *size,
                *("--results-dir", folder),
            ]
        )
    plain_s = timed([sys.executable, "-m", "benchmarks.overhead", "plain", *size])
    print(f"{16 * repeats} trainings, {os.cpu_count()} CPU slots")
    print(f"study       {study_s:7.1f} s")
    print(f"plain loop  {plain_s:7.1f} s")
    print(f"ratio       {study_s / plain_s:7.3f}   (goal on 2 slots: at most 0.65)")


@ray.remote(num_cpus=1)
def trained(plan: TrialPlan, data: Data, manager: Handle | None, max_epochs: int) -> int:
    """Run a training in a Ray worker, measured if there is a manager, and return its number of epochs."""
    torch.set_num_threads(1)
    if manager is None:
        return train_plan(plan, data, lambda _: nullcontext(), max_epochs=max_epochs)
    client = TrackerClient(manager, accelerator_uuid=None, on_accelerator=False)
    meter = TrialMeter(plan, client, first_stage=Stage.ENCODER_CLASSIFIER)
    with meter.trial():
        return train_plan(plan, data, meter.window, max_epochs=max_epochs)


def cpu_seconds() -> float:
    """Return the CPU time so far of this process and all its descendants."""
    used_s = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # Ray ends idle workers at any time
            used_s += sum(process.cpu_times()[:2])
    return used_s


def tracker_cpu_seconds() -> dict[str, float]:
    """Return the CPU time so far of the tracker's two processes, by name."""
    used_s = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            name = "".join(process.cmdline()[:1]).strip()
            if name.startswith("ray::Tracker"):
                used_s[name.removeprefix("ray::")] = sum(process.cpu_times()[:2])
    return used_s


def tracker_on_against_off(rounds: int, max_epochs: int, settle_s: float) -> None:
    """Print the CPU times with and without a tracker, and their ratio."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    data = ray.put(load_scenario(SCENARIO).load(None, seed=0))
    plan = trial_plans(grid((256,), (0.001,)), (0,), shuffle_seed=0)[0]
    ray.get(trained.remote(plan, data, None, max_epochs))
    used_s: dict[bool, list[float]] = {True: [], False: []}
    own_s: dict[str, list[float]] = {}
    own_shares, epochs = [], 0
    for number in range(2 * rounds):
        measured = number % 2 == 0
        manager = start_manager(Request(), sampling_hz=10) if measured else None
        if manager is not None:
            here = ray.get_runtime_context().get_node_id()
            ray.get(ray.get(manager.tracker.remote(here)).facts.remote())
        time.sleep(settle_s)
        before_s, own_before_s, began_s = cpu_seconds(), tracker_cpu_seconds(), time.monotonic()
        epochs = ray.get(trained.remote(plan, data, manager, max_epochs))
        used_s[measured].append(cpu_seconds() - before_s)
        if measured:
            spent_s = {name: s - own_before_s[name] for name, s in tracker_cpu_seconds().items()}
            own_shares.append(sum(spent_s.values()) / (time.monotonic() - began_s))
            for name, each_s in spent_s.items():
                own_s.setdefault(name, []).append(each_s)
        if manager is not None:
            ray.kill(manager)  # which also ends the tracker that it owns
    ray.shutdown()
    on_s, off_s = (statistics.median(used_s[measured]) for measured in (True, False))
    print(f"{rounds} rounds each of a training of {epochs} epochs, 10 power samples a second")
    print(f"tracker on   {on_s:7.3f} s of CPU   {sorted(round(s, 2) for s in used_s[True])}")
    print(f"tracker off  {off_s:7.3f} s of CPU   {sorted(round(s, 2) for s in used_s[False])}")
    print(f"ratio        {on_s / off_s:7.4f}   (goal: at most 1.01)")
    medians_s = {name: statistics.median(each_s) for name, each_s in own_s.items()}
    print("the tracker's own processes, which other load on the machine does not blur:")
    for name, each_s in medians_s.items():
        print(f"  {name:15} {each_s:7.3f} s of CPU")
    print(f"  together {100 * statistics.median(own_shares):.2f} % of one CPU while it trained")
    print(f"  ratio        {1 + sum(medians_s.values()) / off_s:7.4f}")


def main(
    what: tyro.conf.Positional[Literal["study", "tracker", "plain"]],
    *,
    repeats: int = 2,
    rounds: int = 7,
    threads: int = 1,
    max_epochs: int = 30,
    settle_s: float = SETTLE_S,
) -> None:
    """Measure the study's overhead.

    Args:
        what: `study` or `tracker`; `plain` runs the loop that `study` compares with.
        repeats: Number of trainings of each setup.
        rounds: Number of trainings with a tracker, and of those without.
        threads: Number of threads of the plain loop.
        max_epochs: Largest number of epochs of a training.
        settle_s: Seconds to wait after actors were started.
    """
    if what == "study":
        study_against_plain(repeats, max_epochs)
    elif what == "tracker":
        tracker_on_against_off(rounds, max_epochs, settle_s)
    else:
        plain_loop(repeats, threads, max_epochs)


if __name__ == "__main__":
    tyro.cli(main, description=__doc__)
