"""Synthetic trainings of a grid, whose true cost a test knows."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from study.forecast.study_forecast import Run

SIZES, RATES, MAX_EPOCHS = (16, 64, 256, 1024), (0.1, 0.01, 0.001), 30


def grid_of_runs(
    seed: int,
    *,
    repeats: int = 3,
    spread: float = 0.25,
    noise: float = 0.0,
    most: int = MAX_EPOCHS,
) -> list[Run]:
    """All trainings of a study, which have ended, in random order.

    The energy of an epoch falls with the batch size and varies by `noise`; the number of epochs depends on
    both axes and varies by `spread`, up to `most`.
    """
    rng = np.random.default_rng(seed)
    slopes = rng.normal(0, 0.25, size=2)
    runs = []
    for size, rate, repeat in itertools.product(SIZES, RATES, range(repeats)):
        x, y = math.log(size / 128) / 2, math.log10(rate) + 2
        wanted = math.exp(2.6 + slopes[0] * x + slopes[1] * y + spread * rng.standard_normal())
        epochs = int(np.clip(round(wanted), 3, most))
        epoch_j = 40 * math.exp(-0.2 * x + 0.03 * rng.standard_normal())
        energies_j = epoch_j * np.exp(noise * rng.standard_normal(epochs))
        runs.append(
            Run(
                trial=f"{size}-{rate}-{repeat}",
                stage="training",
                chosen={"batch_size": size, "learning_rate": rate},
                seed=repeat,
                epochs=epochs,
                energies_j=tuple(map(float, energies_j)),
                time_s=epochs * epoch_j / 50,
                has_ended=True,
                is_cut=epochs == most,
            )
        )
    return [runs[place] for place in rng.permutation(len(runs))]


def under_way(runs: Sequence[Run], ended: int, *, next_epochs: int = 0) -> list[Run]:
    """The same trainings when the first `ended` have ended and the next has had `next_epochs`."""
    return [
        run if place < ended else _begun(run, next_epochs if place == ended else 0)
        for place, run in enumerate(runs)
    ]


def _begun(run: Run, epochs: int) -> Run:
    part = epochs / run.epochs
    return replace(
        run,
        epochs=epochs,
        energies_j=run.energies_j[:epochs],
        time_s=part * run.time_s,
        fewest=epochs + 1,
        has_ended=False,
        is_cut=False,
    )
