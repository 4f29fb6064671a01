"""Posterior draws of a quantity for trainings that have ended, are running, or are still to come.

For a running training only a lower bound is known, and likewise for one that was cut off, for example at the
maximum number of epochs. The value that it would have reached is drawn together with everything else (Gibbs
sampling of a censored Gaussian; Chib 1992, Journal of Econometrics 51:79).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from study.forecast.kernel import Kernel, kernel_of
from study.forecast.sizes import plausible_sizes
from study.inference.repeats import Floats, Integers, Truths

DRAWS, MIXTURE = 512, 16
"""Number of draws, and of sampled sizes of effects and noise among which the draws are divided equally."""

MOST_SEEN = 200
"""Maximum number of trainings that inform the draws; the newest ones are used. All could take seconds."""

_SWEEPS = 8
"""Number of Gibbs sweeps over the bounds."""
_ROUNDING = 1e-9
"""Added to the diagonal of a covariance, so that rounding cannot make it singular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Logarithms of a quantity for all trainings, as far as they are known.

    Attributes:
        values: Value for each training; NaN if nothing is known of it. Shape (n,).
        is_bound: Whether each value is only a lower bound. Shape (n,).
    """

    values: Floats
    is_bound: Truths


def draw_all(
    known: Known,
    settings: Sequence[Mapping[str, object]],
    rng: np.random.Generator,
    *,
    shares: Sequence[Hashable] | None = None,
) -> Floats:
    """Draw the logarithms of a quantity for all trainings. Shape (DRAWS, n).

    A known value is the same in every draw; a bound is replaced by draws of the value above it.

    Args:
        known: Values and bounds; at least one of them is finite.
        settings: Value of each training on each axis.
        rng: Source of randomness.
        shares: What trainings share beyond the axes; see `study.forecast.kernel.kernel_of`.
    """
    kinds, kind = _kinds(settings, shares)
    kernel = kernel_of(
        [settings[place] for place in kinds],
        None if shares is None else [shares[place] for place in kinds],
    )
    seen = np.flatnonzero(np.isfinite(known.values))[-MOST_SEEN:]
    unseen = np.flatnonzero(~np.isfinite(known.values))
    level = float(known.values[seen].mean())
    values, bound = known.values[seen] - level, known.is_bound[seen]
    own = kernel.at(kind[seen])
    imputed = _imputed(own, values, bound, rng)
    found = np.tile(known.values, (DRAWS, 1))
    each = DRAWS // MIXTURE
    for part, sizes in enumerate(plausible_sizes(own, imputed, rng, number=MIXTURE)):
        rows = slice(part * each, (part + 1) * each)
        covariance = kernel.covariance(sizes)
        precise = _inverse(covariance[np.ix_(kind[seen], kind[seen])], sizes[-1])
        drawn = _draw_above_bounds(precise, np.tile(imputed, (each, 1)), values, bound, rng)
        found[rows, seen] = level + drawn
        if unseen.size:
            coming, place = np.unique(kind[unseen], return_inverse=True)
            means = _draw_means(covariance, precise, drawn, (kind[seen], coming), rng)
            noise = sizes[-1] * rng.standard_normal((each, len(unseen)))
            found[rows, unseen] = level + means[:, place] + noise
    return found


def _kinds(
    settings: Sequence[Mapping[str, object]], shares: Sequence[Hashable] | None
) -> tuple[list[int], Integers]:
    """Return the index of the first training of each kind, and the number of each training's kind.

    Trainings are of one kind if they have the same settings and the same share.
    """
    own = [None] * len(settings) if shares is None else shares
    keys = [(repr(sorted(s.items())), share) for s, share in zip(settings, own, strict=True)]
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    kinds = sorted(first.values())
    number = {keys[place]: kind for kind, place in enumerate(kinds)}
    return kinds, np.asarray([number[key] for key in keys])


def _imputed(own: Kernel, values: Floats, bound: Truths, rng: np.random.Generator) -> Floats:
    """Return the values with each bound replaced by one draw of the value above it. Shape (n,)."""
    if not bound.any():
        return values
    [sizes] = plausible_sizes(own, values, rng, number=1)
    precise = _inverse(own.covariance(sizes), sizes[-1])
    return np.asarray(_draw_above_bounds(precise, values[None, :], values, bound, rng)[0])


def _draw_above_bounds(
    precise: Floats, start: Floats, values: Floats, bound: Truths, rng: np.random.Generator
) -> Floats:
    """Draw the values above the bounds by Gibbs sampling, each given all others. Shape (draws, n)."""
    drawn = start.copy()
    places = np.flatnonzero(bound)
    for _ in range(_SWEEPS):
        for place in places:
            deviation = 1 / np.sqrt(precise[place, place])
            mean = drawn[:, place] - drawn @ precise[:, place] / precise[place, place]
            # Computed with the logarithm of the upper tail, which is accurate however far the bound lies
            # above the mean.
            tail = log_ndtr((mean - values[place]) / deviation)
            tail += np.log(rng.uniform(1e-12, 1.0, size=len(drawn)))
            drawn[:, place] = mean - deviation * ndtri_exp(tail)
    return drawn


def _draw_means(
    covariance: Floats,
    precise: Floats,
    drawn: Floats,
    kinds: tuple[Integers, Integers],
    rng: np.random.Generator,
) -> Floats:
    """Draw the means of kinds of training to come, given the trainings seen. Shape (draws, kinds)."""
    seen, coming = kinds
    across = covariance[np.ix_(coming, seen)] @ precise
    rest = covariance[np.ix_(coming, coming)] - across @ covariance[np.ix_(seen, coming)]
    values, vectors = np.linalg.eigh(rest)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(drawn @ across.T + rng.standard_normal((len(drawn), len(coming))) @ root.T)


def _inverse(covariance: Floats, noise: float) -> Floats:
    known = covariance.copy()
    known.flat[:: len(known) + 1] += noise**2 + _ROUNDING
    return np.asarray(np.linalg.inv(known))
