"""Time per epoch saved by freezing the encoder, with and without cached latent features.

    python -m benchmarks.frozen_stage [--rounds 5] [--epochs 10]

Trains the stages of pretraining on the smartwatch data in this process, without Ray and trackers,
and prints their time per epoch relative to the unfrozen stage's in the same run. The goal is at most 25 %
with cached latent features, including the epoch in which they are computed.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from study.record.vocabulary import Stage
from study.scenario import Data
from study.scenario_lookup import load_scenario
from study.training.loop import train
from study.training.recipe import TrainingSettings
from study.training.stages import StageTasks

SCENARIO = "watch"


def epoch_times_s(stage: Stage, tasks: StageTasks, batch_size: int, epochs: int) -> list[float]:
    """Train a stage, and return the seconds of each epoch."""
    times_s: list[float] = []

    @contextmanager
    def window(_: int) -> Iterator[None]:
        start_s = time.perf_counter()
        yield
        times_s.append(time.perf_counter() - start_s)

    settings = TrainingSettings(
        batch_size=batch_size,
        learning_rate=0.001,
        max_epochs=epochs,
        patience=epochs,
        optimizer="adam",
        seed=0,
    )
    outcomes = train(
        lambda: tasks.start(stage), settings, device=torch.device("cpu"), window=window
    )
    list(outcomes)
    tasks.finish()
    return times_s


def rows(data: Data, batch_size: int, epochs: int) -> dict[str, list[float]]:
    """Return the seconds of each epoch for each way to train a classifier on a pretrained encoder."""
    found = {}
    for cached in (True, False):
        tasks = StageTasks(
            scenario=load_scenario(SCENARIO), data=data, parameters={}, cache_latents=cached
        )
        epoch_times_s(Stage.ENCODER, tasks, batch_size, epochs)
        name = "frozen, latents cached" if cached else "frozen, latents anew each epoch"
        found[name] = epoch_times_s(Stage.CLASSIFIER_FROZEN, tasks, batch_size, epochs)
        found["unfrozen"] = epoch_times_s(Stage.CLASSIFIER_UNFROZEN, tasks, batch_size, epochs)
    return found


def main() -> None:
    """Print a line for each batch size and way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=(64, 1024))
    asked = parser.parse_args()
    rounds = asked.rounds
    torch.set_num_threads(1)
    data = load_scenario(SCENARIO).load(None, seed=0)
    print(
        f"{asked.epochs} epochs a stage, medians of {rounds} rounds; goal: at most 0.25 with the cache"
    )
    for batch_size in asked.batch_sizes:
        mean_s: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, times_s in rows(data, batch_size, asked.epochs).items():
                mean_s.setdefault(name, []).append(statistics.fmean(times_s))
        whole_s = statistics.median(mean_s["unfrozen"])
        for name, means_s in mean_s.items():
            each_s = statistics.median(means_s)
            print(
                f"batch size {batch_size:5}  {name:32} {1000 * each_s:7.1f} ms per epoch"
                f"  ratio {each_s / whole_s:.3f}"
            )


if __name__ == "__main__":
    main()
