"""Trainings of a grid that a test makes up, with a truth that it knows."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from study.forecast.study_forecast import Run

SIZES, RATES, MAX_EPOCHS = (16, 64, 256, 1024), (0.1, 0.01, 0.001), 30


def grid_of_runs(seed: int, *, repeats: int = 3, spread: float = 0.25) -> list[Run]:
    """All trainings of a study, ended, in an order by chance.

    Joules of an epoch fall with the batch size; their number goes with both axes, and varies.
    """
    rng = np.random.default_rng(seed)
    slopes = rng.normal(0, 0.25, size=2)
    runs = []
    for size, rate, repeat in itertools.product(SIZES, RATES, range(repeats)):
        x, y = math.log(size / 128) / 2, math.log10(rate) + 2
        wanted = math.exp(2.6 + slopes[0] * x + slopes[1] * y + spread * rng.standard_normal())
        epochs = int(np.clip(round(wanted), 3, MAX_EPOCHS))
        epoch_j = 40 * math.exp(-0.2 * x + 0.03 * rng.standard_normal())
        runs.append(
            Run(
                trial=f"{size}-{rate}-{repeat}",
                stage="training",
                chosen={"batch_size": size, "learning_rate": rate},
                seed=repeat,
                epochs=epochs,
                measured=epochs,
                energy_j=epochs * epoch_j,
                time_s=epochs * epoch_j / 50,
                has_ended=True,
                is_cut=epochs == MAX_EPOCHS,
            )
        )
    return [runs[place] for place in rng.permutation(len(runs))]


def under_way(runs: Sequence[Run], ended: int, *, next_epochs: int = 0) -> list[Run]:
    """The same when the first have ended, and the next has had some epochs."""
    return [
        run if place < ended else _begun(run, next_epochs if place == ended else 0)
        for place, run in enumerate(runs)
    ]


def _begun(run: Run, epochs: int) -> Run:
    part = epochs / run.epochs
    return replace(
        run,
        epochs=epochs,
        measured=epochs,
        energy_j=part * run.energy_j,
        time_s=part * run.time_s,
        fewest=epochs + 1,
        has_ended=False,
        is_cut=False,
    )
