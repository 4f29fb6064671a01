"""Wall time that `measured` adds to a Tune trial, as a ratio of two measurements from the same run.

    python -m benchmarks.tune_overhead [--epochs 20] [--repeats 3]

The same function, whose epochs last a second each, runs alternately as it is and measured with an
`EnergyLedger`, in the same Ray. A trial's time is that from the start of its first epoch to its last report.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from typing import Any

import ray
import tyro
from ray import tune

from study import EnergyLedger, measured

GOAL = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Measure the overhead.

    Attributes:
        epochs: Number of epochs of each trial.
        repeats: Number of trials of each kind.
        epoch_s: Length of an epoch, in seconds.
    """

    epochs: int = 20
    repeats: int = 3
    epoch_s: float = 1.0


def training(config: dict[str, Any]) -> None:
    """Run a trainable whose epochs sleep for `config["epoch_s"]` seconds."""
    start_s = time.monotonic()
    for _ in range(config["epochs"]):
        time.sleep(config["epoch_s"])
        tune.report({"loss": 1.0, "since_start_s": time.monotonic() - start_s})


def trial_s(options: Options, storage: str, *, is_measured: bool) -> float:
    """Run one trial, and return its wall time until its last report, in seconds."""
    ledger = [EnergyLedger(objective="loss", mode="min")] if is_measured else []
    grid = tune.Tuner(
        tune.with_resources(measured(training) if is_measured else training, {"cpu": 1}),
        param_space={"epochs": options.epochs, "epoch_s": options.epoch_s},
        run_config=tune.RunConfig(
            name=f"{is_measured}-{time.time_ns()}",
            storage_path=storage,
            verbose=0,
            callbacks=list(ledger),
        ),
    ).fit()
    return float(grid.get_dataframe()["since_start_s"].iloc[0])


def main() -> None:
    """Measure and print."""
    options = tyro.cli(Options)
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    plain_s, measured_s = [], []
    with tempfile.TemporaryDirectory() as storage:
        for _ in range(options.repeats):
            plain_s.append(trial_s(options, storage, is_measured=False))
            measured_s.append(trial_s(options, storage, is_measured=True))
    ray.shutdown()
    plain, with_us = statistics.median(plain_s), statistics.median(measured_s)
    print(
        f"{options.epochs} epochs of {options.epoch_s:g} s: plain {plain:.3f} s, measured "
        f"{with_us:.3f} s (medians of {options.repeats}): ratio {with_us / plain:.4f}, goal at most "
        f"{1 + GOAL:.2f}; {1000 * (with_us - plain) / options.epochs:.1f} ms an epoch"
    )


if __name__ == "__main__":
    main()
