"""Ideal posteriors, which use the true distribution of truths and the true spread of each setup.

No rule that chooses by the repeats has a lower mean loss than the least expected loss under these posteriors:
what it still loses cannot be learnt from the data. A real study knows neither the distribution nor the spreads.
They are exact if truths are normal (energies of grids, the moved means of watch16) or parts of one table
(synthetic), and by Gibbs sampling if losses of points are exponential (Geman and Geman 1984, IEEE Transactions
on Pattern Analysis and Machine Intelligence 6:721). For a world with a single truth the posterior would be that
truth itself, so the other two worlds of watch16 have none.
"""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from benchmarks.calibration.held_out import (
    MOVED_ENERGY,
    MOVED_OBJECTIVE,
    NO_AXES_DEVIATION,
    NO_AXES_LOST,
)
from benchmarks.calibration.worlds import (
    AXES,
    BEST,
    GRID_DEVIATIONS,
    GRID_ENERGY,
    GRID_LOST,
    SETUPS,
    synthetic_means,
    watch_means,
)
from study.inference.repeats import Floats, Integers

Observed = tuple[Floats, Floats]
"""Means over repeats, and variances of these means; each of shape (studies, setups)."""

Ideal = Callable[[Observed, Observed, np.random.Generator, int], tuple[Floats, Floats]]
"""Function from the observed energies and objectives, random numbers and a number of draws to draws of the
true energies and objectives, each of shape (studies, draws, setups)."""

BURN_IN, APART = 100, 3
"""Number of Gibbs sweeps before the first draw, and between draws."""

_LEAST = 1e-300


def ideal_of(world: str) -> Ideal | None:
    """Return the ideal posterior of a world; None if it has a single truth or noise that is not normal."""
    return _IDEALS.get(world)


def _grids(
    energy: Observed, objective: Observed, rng: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    share = [axis[:, None] == axis[None, :] for axis in AXES.T] + [np.eye(SETUPS, dtype=bool)]
    between = np.einsum("k,kij->ij", np.square(GRID_DEVIATIONS), np.stack(share))
    means = np.full(SETUPS, GRID_ENERGY)
    return _normal(energy, means, between, rng, draws), _losing(objective, GRID_LOST, rng, draws)


def _no_axes(
    energy: Observed, objective: Observed, rng: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    between = NO_AXES_DEVIATION**2 * np.eye(SETUPS)
    means = np.full(SETUPS, GRID_ENERGY)
    return _normal(energy, means, between, rng, draws), _losing(
        objective, (0.0, 0.0, NO_AXES_LOST), rng, draws
    )


def _moved(
    energy: Observed, objective: Observed, rng: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    every = np.eye(SETUPS)
    energies, objectives = watch_means()
    return (
        _normal(energy, energies, MOVED_ENERGY**2 * every, rng, draws),
        _normal(objective, objectives, MOVED_OBJECTIVE**2 * every, rng, draws),
    )


def _synthetic(
    energy: Observed, objective: Observed, rng: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    studies = [
        _part_of_the_table([each[study] for each in (*energy, *objective)], rng, draws)
        for study in range(len(energy[0]))
    ]
    return np.stack([one for one, _ in studies]), np.stack([other for _, other in studies])


def _normal(
    observed: Observed, means: Floats, between: Floats, rng: np.random.Generator, draws: int
) -> Floats:
    """Draw from the posterior of normal truths with given means and covariance `between`."""
    seen, variances = observed
    total = between + variances[:, None, :] * np.eye(SETUPS)
    weight = np.swapaxes(np.linalg.solve(total, np.broadcast_to(between, total.shape)), -1, -2)
    centre = means + np.einsum("sij,sj->si", weight, seen - means)
    root = np.linalg.cholesky(between - weight @ between + 1e-12 * np.eye(SETUPS))
    noise = rng.standard_normal((len(seen), draws, SETUPS))
    return np.asarray(centre[:, None, :] + noise @ np.swapaxes(root, -1, -2))


def _losing(
    observed: Observed, lost: Sequence[float], rng: np.random.Generator, draws: int
) -> Floats:
    """Draw objectives whose losses by row, column and cell are exponential with means `lost` (0: no loss)."""
    shape = (-1, 4, 4)
    seen, precise = (BEST - observed[0]).reshape(shape), 1 / observed[1].reshape(shape)
    over = ((2,), (1,), ())
    effects = [np.full(seen.sum(axis=axes, keepdims=True).shape, 0.0) for axes in over]
    kept = []
    for sweep in range(BURN_IN + APART * draws):
        for part, (mean, axes) in enumerate(zip(lost, over, strict=True)):
            if not mean:
                continue
            rest = seen - sum(each for place, each in enumerate(effects) if place != part)
            weight = precise.sum(axis=axes, keepdims=True)
            centre = ((precise * rest).sum(axis=axes, keepdims=True) - 1 / mean) / weight
            effects[part] = _above_0(centre, 1 / np.sqrt(weight), rng)
        if sweep >= BURN_IN and (sweep - BURN_IN) % APART == 0:
            kept.append(np.broadcast_to(sum(effects), seen.shape).reshape(-1, SETUPS))
    return BEST - np.stack(kept, axis=1)


def _above_0(centre: Floats, deviation: Floats, rng: np.random.Generator) -> Floats:
    """Draw from normal distributions truncated to values above 0."""
    tail = rng.random(centre.shape) * ndtr(centre / deviation)
    return np.asarray(np.maximum(centre - deviation * ndtri(np.maximum(tail, _LEAST)), 0.0))


def _part_of_the_table(
    observed: Sequence[Floats], rng: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    """Draw which 4 x 4 of the 16 x 16 setups a study has: all four columns at once, then row by row."""
    energy, energy_variance, objective, objective_variance = (e.reshape(4, 4) for e in observed)
    table = synthetic_means()
    off = (energy - table[:, :, None, None, 0]) ** 2 / energy_variance
    off = off + (objective - table[:, :, None, None, 1]) ** 2 / objective_variance
    some = _fours()
    # For each four columns: log likelihood of row i of the study if it is row r of the table; (fours, r, i).
    fit = -np.sum([off[:, some[:, column], :, column] for column in range(4)], axis=0) / 2
    top = fit.max(axis=1, keepdims=True)
    weight = np.exp(fit - top)
    # Rows are in order: total weight of all choices of the study's rows up to i in which row i is r.
    up_to = [weight[:, :, 0]]
    for row in range(1, 4):
        before = np.cumsum(up_to[-1], axis=1) - up_to[-1]
        up_to.append(weight[:, :, row] * before)
    logs = np.log(np.maximum(up_to[-1].sum(axis=1), _LEAST)) + top[:, 0].sum(axis=-1)
    columns = _drawn_index(np.exp(logs - logs.max())[None, :].repeat(draws, axis=0), rng)
    rows = np.empty((draws, 4), dtype=np.int64)
    limit = np.full(draws, 16)
    for row in range(3, -1, -1):
        allowed = up_to[row][columns] * (np.arange(16) < limit[:, None])
        rows[:, row] = limit = _drawn_index(allowed, rng)
    part = table[rows[:, :, None], some[columns][:, None, :]].reshape(draws, SETUPS, 2)
    return part[..., 0], part[..., 1]


def _drawn_index(weights: Floats, rng: np.random.Generator) -> Integers:
    """Draw an index in each row with probabilities proportional to the weights; shape (rows,)."""
    edges = weights.cumsum(axis=1)
    return np.asarray((rng.random((len(edges), 1)) * edges[:, -1:] >= edges).sum(axis=1))


@functools.cache
def _fours() -> Integers:
    """Return all ascending choices of 4 from 16 indices; shape (1820, 4)."""
    return np.asarray([*itertools.combinations(range(16), 4)])


_IDEALS: Mapping[str, Ideal] = {
    "grids": _grids,
    "quiet": _grids,
    "loud": _grids,
    "uneven": _grids,
    "no axes": _no_axes,
    "moved": _moved,
    "synthetic": _synthetic,
}
