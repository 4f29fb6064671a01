"""Speed of our training loop relative to a bare loop over prepared batches.

Both train the sensor network with the same optimiser, seed and number of samples, in one process.

    ours    `study.training.loop.train`: draws the order, selects batches by index, sums the loss,
            validates one sample, and enters and leaves the window
    bare    forward, loss, backward and step over a list of prepared batches

A round is an epoch of each; which goes first alternates between rounds, so that other load on the machine
affects both. Printed is the median over the rounds of the ratio of samples per second, with its quartiles.
Goal: at least 0.95 for every batch size.

    python -m benchmarks.training_loop [--batch-sizes 64 256 1024 4096] [--rounds 15]
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional

from models.sensor import SensorClassifier
from study.scenario import Arrays, Data
from study.training.loop import train
from study.training.recipe import OPTIMIZERS, TrainingSettings
from study.training.task import plain_task

GOAL = 0.95
CHANNELS, TIME, CLASSES = 6, 100, 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Measure the training loop against a bare one.

    Attributes:
        batch_sizes: Batch sizes, one line of the table for each.
        samples: Number of training samples; the smartwatch data have about as many.
        rounds: Number of epochs of each loop for each batch size.
        threads: Number of CPU threads of torch.
        device: Device to train on, as torch names it.
    """

    batch_sizes: tuple[int, ...] = (64, 256, 1024, 4096)
    samples: int = 3072
    rounds: int = 15
    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """Samples per second of both loops, one value for each round."""

    ours: list[float]
    bare: list[float]

    @property
    def ratios(self) -> list[float]:
        """Ratio of our speed to the bare loop's, for each round."""
        return [ours / bare for ours, bare in zip(self.ours, self.bare, strict=True)]


def main() -> None:
    """Measure and print."""
    options = tyro.cli(Options)
    torch.set_num_threads(options.threads)
    table = Table("batch size", "ours", "bare", "ratio", "quartiles", f">= {GOAL}")
    for batch_size in options.batch_sizes:
        speeds = measure(options, batch_size)
        low, median, high = statistics.quantiles(speeds.ratios, n=4)
        table.add_row(
            str(batch_size),
            f"{statistics.median(speeds.ours):.0f}",
            f"{statistics.median(speeds.bare):.0f}",
            f"{median:.3f}",
            f"{low:.3f} to {high:.3f}",
            "met" if median >= GOAL else "NOT met",
        )
    table.caption = "samples per second"
    Console().print(table)


def measure(options: Options, batch_size: int) -> Speeds:
    """Time rounds of both loops at one batch size."""
    settings = TrainingSettings(
        batch_size=batch_size,
        learning_rate=1e-4,
        max_epochs=options.rounds + 2,
        patience=options.rounds + 2,
        optimizer="adam",
        seed=0,
    )
    scenario, device = Noise(options.samples), torch.device(options.device)
    data = scenario.load(None, seed=0)
    ours = _ours(scenario, data, settings, device)
    bare = _bare(scenario, data, settings, device)
    ours(), bare()  # warm-up epochs
    speeds = Speeds(ours=[], bare=[])
    for number in range(options.rounds):
        turns = [(ours, speeds.ours), (bare, speeds.bare)]
        for epoch, list_ in turns if number % 2 else reversed(turns):
            list_.append(options.samples / epoch())
    return speeds


class Noise:
    """Scenario of random windows of the smartwatch data's shape."""

    name = "noise"

    def __init__(self, samples: int) -> None:
        """Train on `samples` windows and validate on one."""
        self._samples = samples

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - needs none
        """Return random windows."""
        return _data(self._samples, seed)

    def network(self, data: Data) -> nn.Module:
        """Return the project's sensor network."""
        return SensorClassifier(channels=data.train.inputs.shape[1], classes=len(data.classes))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy."""
        return functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Return the accuracy."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).to(torch.float32).mean()}


def _data(samples: int, seed: int) -> Data:
    draw = np.random.default_rng(seed)
    train_part, val = (
        Arrays(
            inputs=draw.normal(size=(count, CHANNELS, TIME)).astype(np.float32),
            targets=draw.integers(0, CLASSES, size=count),
        )
        for count in (samples, 1)
    )
    return Data(
        train=train_part,
        val=val,
        classes=tuple("abcdefg"),
        synthetic=True,
        description="noise",
    )


def _ours(
    scenario: Noise, data: Data, settings: TrainingSettings, device: torch.device
) -> Callable[[], float]:
    """Return a function that runs the next epoch of our loop and returns the seconds in its window."""
    seconds = 0.0

    @contextmanager
    def window(_: int) -> Iterator[None]:
        nonlocal seconds
        start_s = time.perf_counter()
        yield
        seconds = time.perf_counter() - start_s

    outcomes = train(lambda: plain_task(scenario, data), settings, device=device, window=window)

    def epoch() -> float:
        next(outcomes)
        return seconds

    return epoch


def _bare(
    scenario: Noise, data: Data, settings: TrainingSettings, device: torch.device
) -> Callable[[], float]:
    """Return a function that runs an epoch of the bare loop and returns its seconds."""
    torch.manual_seed(settings.seed)
    network = scenario.network(data).to(device).train()
    optimizer = OPTIMIZERS[settings.optimizer](network.parameters(), lr=settings.learning_rate)
    inputs, targets = (
        torch.split(torch.from_numpy(each).to(device), settings.batch_size)
        for each in (data.train.inputs, data.train.targets)
    )
    batches: list[tuple[Tensor, Tensor]] = [
        (each.clone(), of_each.clone()) for each, of_each in zip(inputs, targets, strict=True)
    ]

    def epoch() -> float:
        start_s = time.perf_counter()
        for batch, classes in batches:
            optimizer.zero_grad(set_to_none=True)
            loss = scenario.loss(network(batch), classes)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - start_s

    return epoch


if __name__ == "__main__":
    main()
