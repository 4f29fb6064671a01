"""Variance between a setup's repeats: its own, moderated by that of all setups.

Two repeats say next to nothing of a setup's own variance; sixteen setups with two repeats each say
a good deal of their common one. As in limma (Smyth 2004, Statistical Applications in Genetics and
Molecular Biology 3:3) the variances of setups are taken to scatter round a common value s0^2 as
d0 s0^2 / chi^2(d0), so that of a setup with d_i degrees of freedom and a sample variance s_i^2

    (d0 s0^2 + d_i s_i^2) / chi^2(d0 + d_i)

is what its true variance can be. Departures from limma: s0^2 is the pooled variance
sum d_i s_i^2 / sum d_i, not a fit to logarithms, because two repeats that agree to the last digit
have none; and d0 is not one estimate but averaged over `PRIOR_FREEDOMS` by their likelihood
(s_i^2 / s0^2 is distributed as F(d_i, d0)), because sixteen setups do not pin it down.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from study.inference.repeats import Floats, Repeats

PRIOR_FREEDOMS = np.asarray([4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
"""Values that d0 can have: as many repeats as what is known of all setups is worth for one. The
last is as good as the same variance everywhere. Smaller ones than 4 let two repeats that happen to
agree count as hardly any spread (`benchmarks.calibration` decided)."""

_LEAST_VARIANCE = 1e-30


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """Variance of one repeat, as far as it is known before any was seen.

    Whoever goes on until he is sure meets moments in which few repeats agree by chance; without
    this he would end there.

    Attributes:
        variance: Usual one.
        worth: As many degrees of freedom as that counts; above 0.
    """

    variance: float
    worth: float


def pooled_variance(repeats: Repeats, usual: Usual | None = None) -> Floats:
    """Variance over repeats, common to all setups: s0^2. Shape (...).

    Args:
        repeats: At least one setup of each study has two, unless there is a usual variance.
        usual: What is known beforehand; None for nothing.

    Raises:
        ValueError: In some study no setup has two repeats.
    """
    if usual is not None:
        squares = repeats.squares.sum(axis=-1) + usual.worth * usual.variance
        return np.asarray(squares / (repeats.freedom.sum(axis=-1) + usual.worth))
    if not repeats.tell_a_spread:
        msg = "no setup has two repeats: nothing is known of a spread"
        raise ValueError(msg)
    return np.asarray(repeats.squares.sum(axis=-1) / repeats.freedom.sum(axis=-1))


def prior_freedom_weights(repeats: Repeats, usual: Usual | None = None) -> Floats:
    """Likelihood of each of `PRIOR_FREEDOMS`, adding up to 1. Shape (..., freedoms)."""
    common = np.maximum(pooled_variance(repeats, usual), _LEAST_VARIANCE)[..., None, None]
    prior = PRIOR_FREEDOMS[:, None]
    own = repeats.freedom[..., None, :]
    ratio = repeats.squares[..., None, :] / (prior * common)
    # Logarithm of the density of F(own, prior), without what does not depend on the prior's.
    # Where there is no own freedom it says nothing; 1 stands in, so that betaln has a value.
    beta = betaln(np.maximum(own, 1) / 2, prior / 2)
    each = -own / 2 * np.log(prior) - beta - (prior + own) / 2 * np.log1p(ratio)
    likelihood = np.where(own > 0, each, 0.0).sum(axis=-1)
    weights = np.exp(likelihood - likelihood.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def draw_variances(
    repeats: Repeats, *, rng: np.random.Generator, draws: int, usual: Usual | None = None
) -> Floats:
    """Draw what the true variances can be. Shape (..., draws, setups).

    Args:
        repeats: At least one setup of each study has two, unless there is a usual variance.
        rng: Source of the draws.
        draws: How many.
        usual: What is known beforehand; None for nothing.
    """
    weights = prior_freedom_weights(repeats, usual)
    prior = PRIOR_FREEDOMS[_categories(weights, rng, draws)][..., None]
    worth = 0.0 if usual is None else usual.worth
    known = repeats.freedom.sum(axis=-1)[..., None, None] + worth
    pooled = pooled_variance(repeats, usual)[..., None, None]
    # The pooled variance is itself uncertain, the more so the fewer setups there are.
    common = pooled * known / _chi_squares(np.broadcast_to(known, prior.shape), rng)
    scale = prior * common + repeats.squares[..., None, :]
    return np.asarray(scale / _chi_squares(prior + repeats.freedom[..., None, :], rng))


def _categories(
    weights: Floats, rng: np.random.Generator, draws: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Draw places by their weights. Shape (..., draws)."""
    edges = weights.cumsum(axis=-1)[..., None, :-1]
    drawn = rng.random((*weights.shape[:-1], draws, 1))
    return np.asarray((drawn > edges).sum(axis=-1))


def _chi_squares(freedom: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(2 * rng.standard_gamma(np.asarray(freedom) / 2))
