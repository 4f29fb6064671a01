"""Moderated variance between the repeats of a setup: its own, shrunk towards that of all setups.

Two repeats say next to nothing about a setup's own variance, but sixteen setups with two repeats each say
a good deal about their common one. As in limma (Smyth 2004, Statistical Applications in Genetics and
Molecular Biology 3:3), the variances of setups are assumed to scatter around a common value s0^2 as
d0 s0^2 / chi^2(d0), so that the posterior of the true variance of a setup with d_i degrees of freedom and
sample variance s_i^2 is

    (d0 s0^2 + d_i s_i^2) / chi^2(d0 + d_i)

There are two departures from limma. s0^2 is the pooled variance sum d_i s_i^2 / sum d_i instead of a fit
to logarithms, because two repeats that agree to the last digit have no logarithm of their variance. And
d0 is not estimated once but averaged over `PRIOR_FREEDOMS` by their likelihood (s_i^2 / s0^2 follows
F(d_i, d0)), because sixteen setups do not determine it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from study.inference.repeats import Floats, Repeats

PRIOR_FREEDOMS = np.asarray([4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
"""Candidate values of d0: the number of repeats that the knowledge of all setups is worth for one setup.

The last practically means the same variance everywhere. With values below 4, two repeats that happen to
agree would imply almost no spread (as tested in `benchmarks.calibration`)."""

_LEAST_VARIANCE = 1e-30


@dataclass(frozen=True, slots=True, kw_only=True)
class VariancePrior:
    """Prior knowledge of the variance of one repeat.

    A sequential procedure that repeats until it is sure meets moments in which a few repeats agree by
    chance; without this prior it would stop there.

    Attributes:
        variance: The usual variance of one repeat.
        degrees_of_freedom: Weight of this knowledge; above 0.
    """

    variance: float
    degrees_of_freedom: float


def pooled_variance(repeats: Repeats, variance_prior: VariancePrior | None = None) -> Floats:
    """Return the pooled variance over repeats, common to all setups: s0^2. Shape (...).

    Args:
        repeats: Observed repeats; without `variance_prior`, a setup of each study must have two.
        variance_prior: Prior knowledge of the variance; None without any.

    Raises:
        ValueError: In some study no setup has two repeats, and `variance_prior` is None.
    """
    if variance_prior is not None:
        squares = (
            repeats.squares.sum(axis=-1)
            + variance_prior.degrees_of_freedom * variance_prior.variance
        )
        return np.asarray(
            squares / (repeats.freedom.sum(axis=-1) + variance_prior.degrees_of_freedom)
        )
    if not repeats.have_spread:
        msg = "no setup has two repeats: nothing is known of a spread"
        raise ValueError(msg)
    return np.asarray(repeats.squares.sum(axis=-1) / repeats.freedom.sum(axis=-1))


def prior_freedom_weights(repeats: Repeats, variance_prior: VariancePrior | None = None) -> Floats:
    """Return the likelihood of each of `PRIOR_FREEDOMS`, normalised to a sum of 1. Shape (..., freedoms)."""
    common = np.maximum(pooled_variance(repeats, variance_prior), _LEAST_VARIANCE)[..., None, None]
    prior = PRIOR_FREEDOMS[:, None]
    own = repeats.freedom[..., None, :]
    ratio = repeats.squares[..., None, :] / (prior * common)
    # Log density of F(own, prior), up to terms that do not depend on the prior's freedom. A setup
    # without a degree of freedom contributes nothing; 1 stands in so that betaln is defined.
    beta = betaln(np.maximum(own, 1) / 2, prior / 2)
    each = -own / 2 * np.log(prior) - beta - (prior + own) / 2 * np.log1p(ratio)
    likelihood = np.where(own > 0, each, 0.0).sum(axis=-1)
    weights = np.exp(likelihood - likelihood.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def draw_variances(
    repeats: Repeats,
    *,
    rng: np.random.Generator,
    draws: int,
    variance_prior: VariancePrior | None = None,
) -> Floats:
    """Draw the true variances from their posterior. Shape (..., draws, setups).

    Args:
        repeats: Observed repeats; without `variance_prior`, a setup of each study must have two.
        rng: Random generator.
        draws: Number of draws.
        variance_prior: Prior knowledge of the variance; None without any.

    Raises:
        ValueError: In some study no setup has two repeats, and `variance_prior` is None.
    """
    weights = prior_freedom_weights(repeats, variance_prior)
    prior = PRIOR_FREEDOMS[_categories(weights, rng, draws)][..., None]
    prior_freedom = 0.0 if variance_prior is None else variance_prior.degrees_of_freedom
    known = repeats.freedom.sum(axis=-1)[..., None, None] + prior_freedom
    pooled = pooled_variance(repeats, variance_prior)[..., None, None]
    # The pooled variance is itself uncertain, the more so the fewer setups there are.
    common = pooled * known / _chi_squares(np.broadcast_to(known, prior.shape), rng)
    scale = prior * common + repeats.squares[..., None, :]
    return np.asarray(scale / _chi_squares(prior + repeats.freedom[..., None, :], rng))


def _categories(
    weights: Floats, rng: np.random.Generator, draws: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Draw indices with the given probabilities. Shape (..., draws)."""
    edges = weights.cumsum(axis=-1)[..., None, :-1]
    drawn = rng.random((*weights.shape[:-1], draws, 1))
    return np.asarray((drawn > edges).sum(axis=-1))


def _chi_squares(freedom: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(2 * rng.standard_gamma(np.asarray(freedom) / 2))
