"""Held-out truths, by which nothing was tuned: other spreads, other noise, and other people's recordings.

moved         the means of watch16, moved in each study by normal deviations of half a point and of 10 % of
              the energy
quiet         random grids; repeats with deviations of 5 % of the energy and about half a point
loud          random grids; repeats with deviations of 50 % of the energy and about 5 points
uneven        random grids; the spread of each setup is between a third of the usual and three times it
heavy tails   random grids; noise is Student's t with 3 degrees of freedom
two modes     random grids; one training in five gives up, two deviations lower in energy and accuracy
no axes       16 independent setups, without effects of rows and columns
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.calibration.worlds import (
    BEST,
    ENERGY_DEVIATION,
    GRID_ENERGY,
    SETUPS,
    Truth,
    of_recordings,
    truth_of,
)
from study.inference.repeats import Floats

MOVED_ENERGY, MOVED_OBJECTIVE = 0.1, 0.005
NO_AXES_DEVIATION, NO_AXES_LOST = 0.5, 0.05
GIVES_UP = 0.2
ALONG_AN_AXIS = 4
"""Number of values of each axis taken from a recording, evenly chosen, which gives 4 x 4 setups."""


def held_out(world: str, rng: np.random.Generator, studies: int) -> Truth:
    """Draw the true values of a number of studies in one held-out world.

    Args:
        world: Name of the world, one of `HELD_OUT`.
        rng: Random numbers for what differs between studies.
        studies: Number of studies.
    """
    return _TRUTHS[world](rng, studies)


def recorded_grid(table: Path) -> Floats:
    """Return log energy and best accuracy of the trainings of 4 x 4 setups in a table of recordings.

    Args:
        table: CSV with the columns batch_size, power_limit_w, seed, epoch, val_accuracy and
            epoch_energy_j; one learning rate for each batch size.

    Returns:
        Log energy and best accuracy; shape (16, seeds, 2), with the seeds that all setups have.
    """
    epochs = pd.read_csv(table)
    axes = ["batch_size", "power_limit_w"]
    for axis in axes:
        values = np.unique(epochs[axis])
        kept = values[np.linspace(0, len(values) - 1, ALONG_AN_AXIS).round().astype(int)]
        epochs = epochs[epochs[axis].isin(kept)]
    by_training = epochs.groupby([*axes, "seed"])
    trainings = by_training.agg(energy_j=("epoch_energy_j", "sum"), best=("val_accuracy", "max"))
    rows = trainings.reset_index()
    energy, best = (
        rows.pivot_table(index=axes, columns="seed", values=name).dropna(axis=1).to_numpy()
        for name in ("energy_j", "best")
    )
    return np.stack([np.log(energy), best], axis=-1)


def of_table(table: Path, studies: int) -> Truth:
    """Return a truth whose repeats are drawn from a table's recordings; see `recorded_grid`."""
    return of_recordings(recorded_grid(table), studies)


def _moved(rng: np.random.Generator, studies: int) -> Truth:
    truth = truth_of("parametric", rng, studies)
    shape = truth.energy.shape
    return replace(
        truth,
        energy=truth.energy + rng.normal(0.0, MOVED_ENERGY, shape),
        objective=truth.objective + rng.normal(0.0, MOVED_OBJECTIVE, shape),
    )


def _with_spread(factor: float) -> Callable[[np.random.Generator, int], Truth]:
    def truth(rng: np.random.Generator, studies: int) -> Truth:
        return _scaled(truth_of("grids", rng, studies), np.asarray(factor))

    return truth


def _uneven(rng: np.random.Generator, studies: int) -> Truth:
    factors = np.exp(rng.uniform(-math.log(3), math.log(3), (studies, SETUPS)))
    return _scaled(truth_of("grids", rng, studies), factors)


def _scaled(truth: Truth, factors: Floats) -> Truth:
    return replace(
        truth,
        energy_deviation=truth.energy_deviation * factors,
        objective_deviation=truth.objective_deviation * factors,
    )


def _heavy_tails(rng: np.random.Generator, studies: int) -> Truth:
    return replace(truth_of("grids", rng, studies), noise=_student)


def _two_modes(rng: np.random.Generator, studies: int) -> Truth:
    return replace(truth_of("grids", rng, studies), noise=_giving_up)


def _no_axes(rng: np.random.Generator, studies: int) -> Truth:
    truth = truth_of("grids", rng, studies)
    shape = truth.energy.shape
    return replace(
        truth,
        energy=rng.normal(GRID_ENERGY, NO_AXES_DEVIATION, shape),
        objective=BEST - rng.exponential(NO_AXES_LOST, shape),
    )


def _student(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    freedom = 3
    scale = math.sqrt((freedom - 2) / freedom)
    return scale * rng.standard_t(freedom, shape), scale * rng.standard_t(freedom, shape)


def _giving_up(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    apart = 2.0
    less = apart * ((rng.random(shape) < GIVES_UP) - GIVES_UP)
    scale = 1 / math.sqrt(1 + apart**2 * GIVES_UP * (1 - GIVES_UP))
    return (
        scale * (rng.standard_normal(shape) - less),
        scale * (rng.standard_normal(shape) - less),
    )


_TRUTHS: Mapping[str, Callable[[np.random.Generator, int], Truth]] = {
    "moved": _moved,
    "quiet": _with_spread(0.05 / ENERGY_DEVIATION),
    "loud": _with_spread(0.5 / ENERGY_DEVIATION),
    "uneven": _uneven,
    "heavy tails": _heavy_tails,
    "two modes": _two_modes,
    "no axes": _no_axes,
}

HELD_OUT = tuple(_TRUTHS)
