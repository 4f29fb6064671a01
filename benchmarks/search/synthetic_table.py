"""Dense tables from a model of training curves and power, to test at scale; never for findings.

For batch size b and learning rate r, with N samples and unit-normal noise n of each setup and seed:

    best rate     r*(b) = 0.003 (b / 256)^0.5, the square-root rule
    distance      d = |log10(r / r*)|
    final         a = 0.95 - 0.10 d^2 - 0.01 max(0, log2(b / 1024)) + 0.005 n, at least chance (0.1)
    steps needed  s = 300 (1 + 2 d) exp(0.05 n); accuracy after epoch e: a - (a - 0.1) exp(-e N / (b s))
    power         P = 60 + 180 b / (b + 512) watts, like an accelerator whose utilisation saturates
    time          an epoch takes N / b steps of 4 ms + b x 12 us

Rates beyond 30 r* diverge: the accuracy stays at chance and the training ends after 3 epochs. A
training ends after 40 epochs, or 5 without a new best above 0.001.
"""

import math

import numpy as np
import pandas as pd

SAMPLES = 20_000
CHANCE = 0.1
MAX_EPOCHS = 40
PATIENCE = 5
LEAST_GAIN = 0.001
DIVERGES_AT = 30.0
DIVERGED_EPOCHS = 3


def synthetic_rows(
    *, batch_sizes: int = 16, learning_rates: int = 16, seeds: int = 3, seed: int = 0
) -> pd.DataFrame:
    """Return a table of the model with a row per epoch, labelled `synthetic`.

    Args:
        batch_sizes: Number of batch sizes, spaced geometrically from 16 to 8192.
        learning_rates: Number of learning rates, spaced geometrically from 0.00001 to 1.
        seeds: Number of trainings of each setup.
        seed: Seed of the noise.
    """
    noise = np.random.default_rng(seed)
    rows = []
    for batch_size in np.unique(np.geomspace(16, 8192, batch_sizes).round().astype(int)):
        for rate in np.geomspace(1e-5, 1.0, learning_rates):
            for number in range(seeds):
                final, speed = noise.normal(size=2)
                accuracies = _accuracies(int(batch_size), float(rate), final, speed)
                time_s = SAMPLES / batch_size * (0.004 + batch_size * 12e-6)
                power_w = 60 + 180 * batch_size / (batch_size + 512)
                rows += [
                    {
                        "batch_size": int(batch_size),
                        "learning_rate": float(rate),
                        "seed": number,
                        "epoch": epoch,
                        "val_score": accuracy,
                        "epoch_energy_j": power_w * time_s,
                        "epoch_time_s": time_s,
                        "synthetic": True,
                    }
                    for epoch, accuracy in enumerate(accuracies, start=1)
                ]
    return pd.DataFrame(rows)


def _accuracies(batch_size: int, rate: float, final: float, speed: float) -> list[float]:
    """Return the validation accuracy after each epoch, until early stopping."""
    best_rate = 0.003 * (batch_size / 256) ** 0.5
    if rate > DIVERGES_AT * best_rate:
        return [CHANCE] * DIVERGED_EPOCHS
    distance = abs(math.log10(rate / best_rate))
    crowded = 0.01 * max(0.0, math.log2(batch_size / 1024))
    reached = max(CHANCE, 0.95 - 0.10 * distance**2 - crowded + 0.005 * final)
    steps = 300 * (1 + 2 * distance) * math.exp(0.05 * speed)
    found: list[float] = []
    best, waited = 0.0, 0
    for epoch in range(1, MAX_EPOCHS + 1):
        progress = -math.expm1(-epoch * SAMPLES / (batch_size * steps))
        found.append(CHANCE + (reached - CHANCE) * progress)
        waited = 0 if found[-1] > best + LEAST_GAIN else waited + 1
        best = max(best, found[-1])
        if waited >= PATIENCE:
            break
    return found
