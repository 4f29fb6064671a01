"""Sizes of effects and noise: points of their prior, weighted by how well they explain what was seen.

Adaptive importance sampling (Cornuet, Marin, Mira and Robert 2012, Scandinavian Journal of
Statistics 39:798): points spread over the whole prior, then as many about those that weigh most.
"""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from study.forecast.likeness import Likeness
from study.inference.repeats import Floats

SPREAD, ABOUT = 128, 96
"""Points over the whole prior, and about the best; the first is a power of 2, as Sobol's are."""

_WIDER, _NARROWEST = 1.5, 0.05
"""The second points' deviation against the first ones', and at least, in shares of the prior."""


def plausible_sizes(
    alike: Likeness, values: Floats, rng: np.random.Generator, *, number: int
) -> Floats:
    """Draw sizes of effects and noise. Shape (number, effects + 1).

    Args:
        alike: Of the trainings that were seen.
        values: Logarithms, less their mean. Shape (n,).
        rng: Source of the draws.
        number: Of draws.
    """
    # Half a second, which no study is to wait for before its first trial.
    from scipy.stats import qmc  # noqa: PLC0415

    low, high = np.log(alike.least), np.log(alike.most)
    dimensions = len(low)
    spread = qmc.Sobol(dimensions, seed=rng).random(SPREAD)
    likelihoods = _likelihoods(alike, values, low + spread * (high - low))
    weights = _normalised(likelihoods)
    centre = weights @ spread
    deviation = np.sqrt(weights @ (spread - centre) ** 2)
    deviation = np.maximum(_WIDER * deviation, _NARROWEST)
    about = centre + deviation * rng.standard_normal((ABOUT, dimensions))
    about = about[((about >= 0) & (about <= 1)).all(axis=1)]
    points = np.concatenate([spread, about])
    likelihoods = np.concatenate(
        [likelihoods, _likelihoods(alike, values, low + about * (high - low))]
    )
    normal = np.exp(-(((points - centre) / deviation) ** 2).sum(axis=1) / 2)
    normal /= np.prod(deviation * np.sqrt(2 * np.pi))
    proposed = (SPREAD + ABOUT * normal) / (SPREAD + ABOUT)
    edges = _normalised(likelihoods - np.log(proposed)).cumsum()
    strata = (np.arange(number) + rng.random(number)) / number
    places = np.minimum(np.searchsorted(edges, strata), len(points) - 1)
    return np.asarray(np.exp(low + points[places] * (high - low)))


def _normalised(likelihoods: Floats) -> Floats:
    weights = np.exp(likelihoods - likelihoods.max())
    return np.asarray(weights / weights.sum())


def _likelihoods(alike: Likeness, values: Floats, points: Floats) -> Floats:
    return np.asarray([_likelihood(alike, values, np.exp(each)) for each in points])


def _likelihood(alike: Likeness, values: Floats, sizes: Floats) -> float:
    covariance = alike.covariance(sizes)
    covariance.flat[:: len(covariance) + 1] += sizes[-1] ** 2
    try:
        factor = cho_factor(covariance, lower=True, check_finite=False)
    except LinAlgError:  # rounding, where the noise is next to nothing
        return -np.inf
    fitted = values @ cho_solve(factor, values, check_finite=False)
    return float(-np.log(np.diag(factor[0])).sum() - fitted / 2)
