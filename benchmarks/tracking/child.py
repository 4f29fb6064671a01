"""Process that runs one tracker on a schedule of epochs; started by `benchmarks.tracker_comparison`.

    python -m benchmarks.tracking.child zeus --epochs 1.0:12 0.1:80

Other people's trackers are installed in another environment, so this file imports only the standard
library until it knows which tracker to run. The last line it prints is JSON: for each length of epoch,
the start, stop and energy of each epoch, and the share of one CPU that the process used. An epoch is a
sleep: it starts when the tracker's start call returns and stops when its stop call is made, as in a
training.
"""

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

J_PER_KWH = 3.6e6
SETTLE_S = 1.5
"""Time for a tracker to find devices or to learn, before its first epoch and again in a warm-up epoch."""

EpochCalls = tuple[Callable[[int], None], Callable[[int], None], Callable[[], list[float | None]]]
"""Functions that start an epoch, end it, and finally return the joules of all epochs (None if not reported)."""


@contextmanager
def ours(epochs: int) -> Iterator[EpochCalls]:
    """Yield the calls of an `EnergyMeter` at 10 Hz with windows on all boards; reports the first board."""
    del epochs
    nvml, meters = (
        import_module("trackers.sources.nvml.source"),
        import_module("trackers.meter.meter"),
    )
    reported: list[float | None] = []
    source = nvml.NvmlSource()
    first = source.devices()[0].uuid
    with meters.EnergyMeter(source) as meter:

        def stop(epoch: int) -> None:
            reported.append(meter.close(epoch)[first].energy_j)

        yield meter.open, stop, lambda: reported


@contextmanager
def ours_sampling_only(epochs: int) -> Iterator[EpochCalls]:
    """Run an `EnergyMeter` at 10 Hz without windows, for the cost of sampling alone."""
    del epochs
    nvml, meters = (
        import_module("trackers.sources.nvml.source"),
        import_module("trackers.meter.meter"),
    )
    with meters.EnergyMeter(nvml.NvmlSource()):
        yield (lambda _: None), (lambda _: None), list


@contextmanager
def ours_whole_node(epochs: int) -> Iterator[EpochCalls]:
    """Run an `EnergyMeter` on all boards and three more sources, without windows.

    `benchmarks.tracking.node` passes the places of the RAPL tree and the plug as environment variables.
    """
    del epochs
    rapl, web = import_module("trackers.sources.rapl"), import_module("trackers.sources.web.source")
    settings = import_module("trackers.sources.web.settings")
    sources = (
        import_module("trackers.sources.nvml.source").NvmlSource(),
        rapl.RaplSource(root=pathlib.Path(os.environ["BENCHMARK_RAPL"])),
        web.HttpSource(settings.HttpSettings(url=os.environ["BENCHMARK_PLUG"], power="power")),
        import_module("trackers.sources.cpu.cpu_estimate").CpuEstimateSource(),
    )
    with import_module("trackers.meter.meter").EnergyMeter(sources):
        yield (lambda _: None), (lambda _: None), list


@contextmanager
def zeus(epochs: int) -> Iterator[EpochCalls]:
    """Yield the calls of a `ZeusMonitor` on board 0 that does not wait for a framework's kernels."""
    del epochs
    monitor = import_module("zeus.monitor").ZeusMonitor(gpu_indices=[0], cpu_indices=[])
    reported: list[float | None] = []

    def start(epoch: int) -> None:
        monitor.begin_window(str(epoch), sync_execution=False)

    def stop(epoch: int) -> None:
        window = monitor.end_window(str(epoch), sync_execution=False)
        reported.append(float(window.gpu_energy[0]))

    yield start, stop, lambda: reported


@contextmanager
def codecarbon(epochs: int) -> Iterator[EpochCalls]:
    """Yield the calls of an `OfflineEmissionsTracker` with a task per epoch and one power sample per second."""
    del epochs
    tracker = import_module("codecarbon").OfflineEmissionsTracker(
        country_iso_code="DEU",
        measure_power_secs=1,
        gpu_ids=[0],
        save_to_file=False,
        allow_multiple_runs=True,
        log_level="critical",
    )
    reported: list[float | None] = []

    def stop(epoch: int) -> None:
        reported.append(float(tracker.stop_task(str(epoch)).gpu_energy) * J_PER_KWH)

    yield (lambda epoch: tracker.start_task(str(epoch))), stop, lambda: reported
    tracker.stop()


@contextmanager
def carbontracker(epochs: int) -> Iterator[EpochCalls]:
    """Yield the calls of a `CarbonTracker` of the board with one power sample per second, without its PUE."""
    with tempfile.TemporaryDirectory() as folder:
        tracker = import_module("carbontracker.tracker").CarbonTracker(
            epochs=epochs + 1,  # after the last epoch it stops by itself and drops its data
            epochs_before_pred=0,
            monitor_epochs=epochs + 1,
            update_interval=1,
            components="gpu",
            ignore_errors=True,
            log_dir=folder,
            verbose=0,
        )

        def reported() -> list[float | None]:
            (board,) = tracker.tracker.components
            per_epoch = board.energy_usage(tracker.tracker.epoch_times)
            return [float(energy_kwh) * J_PER_KWH for energy_kwh in per_epoch]

        yield (lambda _: tracker.epoch_start()), (lambda _: tracker.epoch_end()), reported
        tracker.stop()


TRACKERS: dict[str, Callable[[int], Any]] = {
    "ours": ours,
    "ours-sampling": ours_sampling_only,
    "ours-whole-node": ours_whole_node,
    "zeus": zeus,
    "codecarbon": codecarbon,
    "carbontracker": carbontracker,
}


def cpu_s() -> float:
    """Return the CPU seconds of this process and of the children that it has waited for."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def run(
    tracker: str, schedule: list[tuple[float, int]], *, settle_s: float
) -> list[dict[str, Any]]:
    """Run a tracker beside epochs of several lengths, and return what it reported for each length."""
    lengths_s = [length_s for length_s, count in schedule for _ in range(count)]
    pause = random.Random(len(lengths_s))  # noqa: S311 - not a secret; the same for all trackers
    parts: dict[float, dict[str, Any]] = {}
    with TRACKERS[tracker](len(lengths_s) + 1) as (start, stop, reported):
        time.sleep(settle_s)
        start(0)  # a warm-up epoch: the first call may look for boards or import something
        time.sleep(settle_s)
        stop(0)
        for epoch, length_s in enumerate(lengths_s, start=1):
            part = parts.setdefault(length_s, {"times": [], "cpu_s": 0.0, "wall_s": 0.0})
            cpu_before_s, began_s = cpu_s(), time.monotonic()
            start(epoch)
            start_s = time.monotonic()
            time.sleep(length_s)
            stop_s = time.monotonic()
            stop(epoch)
            part["times"].append((start_s, stop_s))
            time.sleep(pause.uniform(0, 0.02))  # so that epochs are not in phase with the refresh
            part["cpu_s"] += cpu_s() - cpu_before_s
            part["wall_s"] += time.monotonic() - began_s
        energies_j = iter(reported()[1:])
    return [
        {
            "length_s": length_s,
            "times": part["times"],
            "energy_j": [next(energies_j, None) for _ in part["times"]],
            "cpu_share": part["cpu_s"] / part["wall_s"],
        }
        for length_s, part in parts.items()
    ]


def main() -> None:
    """Run the tracker and schedule of the command line, and print the outcome as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tracker", choices=sorted(TRACKERS))
    parser.add_argument("--epochs", nargs="+", required=True, help="LENGTH_S:COUNT ...")
    parser.add_argument("--settle", type=float, default=SETTLE_S, help="seconds before epochs")
    options = parser.parse_args()
    parts = (each.partition(":") for each in options.epochs)
    schedule = [(float(length_s), int(count)) for length_s, _, count in parts]
    print(json.dumps(run(options.tracker, schedule, settle_s=options.settle)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
