"""Posterior sample of the sizes of effects and noise, by weighting points of their prior by the likelihood.

Adaptive importance sampling (Cornuet, Marin, Mira and Robert 2012, Scandinavian Journal of
Statistics 39:798): first points spread over the whole prior, then further points around those with the
largest weights.
"""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from study.forecast.kernel import Kernel
from study.inference.repeats import Floats

PRIOR_POINTS, LOCAL_POINTS = 128, 96
"""Number of points over the whole prior (a power of 2, for the Sobol sequence), and around the best."""

_WIDER, _NARROWEST = 1.5, 0.05
"""Standard deviation of the second points: factor on that of the weighted first points, and minimum, as a
fraction of the prior's range."""


def plausible_sizes(
    kernel: Kernel, values: Floats, rng: np.random.Generator, *, number: int
) -> Floats:
    """Draw sizes (standard deviations) of effects and noise. Shape (number, effects + 1).

    Args:
        kernel: Kernel of the trainings seen.
        values: Logarithms of the quantity, less their mean. Shape (n,).
        rng: Source of randomness.
        number: Number of draws.
    """
    # Imported here because it takes half a second, which would delay a study's first trial.
    from scipy.stats import qmc  # noqa: PLC0415

    low, high = np.log(kernel.least), np.log(kernel.most)
    dimensions = len(low)
    spread = qmc.Sobol(dimensions, seed=rng).random(PRIOR_POINTS)
    likelihoods = _likelihoods(kernel, values, low + spread * (high - low))
    weights = _normalised(likelihoods)
    centre = weights @ spread
    deviation = np.sqrt(weights @ (spread - centre) ** 2)
    deviation = np.maximum(_WIDER * deviation, _NARROWEST)
    about = centre + deviation * rng.standard_normal((LOCAL_POINTS, dimensions))
    about = about[((about >= 0) & (about <= 1)).all(axis=1)]
    points = np.concatenate([spread, about])
    likelihoods = np.concatenate(
        [likelihoods, _likelihoods(kernel, values, low + about * (high - low))]
    )
    normal = np.exp(-(((points - centre) / deviation) ** 2).sum(axis=1) / 2)
    normal /= np.prod(deviation * np.sqrt(2 * np.pi))
    proposed = (PRIOR_POINTS + LOCAL_POINTS * normal) / (PRIOR_POINTS + LOCAL_POINTS)
    edges = _normalised(likelihoods - np.log(proposed)).cumsum()
    strata = (np.arange(number) + rng.random(number)) / number
    places = np.minimum(np.searchsorted(edges, strata), len(points) - 1)
    return np.asarray(np.exp(low + points[places] * (high - low)))


def _normalised(likelihoods: Floats) -> Floats:
    weights = np.exp(likelihoods - likelihoods.max())
    return np.asarray(weights / weights.sum())


def _likelihoods(kernel: Kernel, values: Floats, points: Floats) -> Floats:
    return np.asarray([_likelihood(kernel, values, np.exp(each)) for each in points])


def _likelihood(kernel: Kernel, values: Floats, sizes: Floats) -> float:
    covariance = kernel.covariance(sizes)
    covariance.flat[:: len(covariance) + 1] += sizes[-1] ** 2
    try:
        factor = cho_factor(covariance, lower=True, check_finite=False)
    except LinAlgError:  # singular by rounding, when the noise is almost 0
        return -np.inf
    fitted = values @ cho_solve(factor, values, check_finite=False)
    return float(-np.log(np.diag(factor[0])).sum() - fitted / 2)
