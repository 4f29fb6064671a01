"""Draws of a quantity of trainings that were seen, that are under way, and that are to come.

Of one under way a lower bound is known, as of one that the limit of epochs ended: what it would have come to
is drawn with all else (Gibbs sampling of a censored Gaussian; Chib 1992, Journal of Econometrics
51:79).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from study.forecast.likeness import Likeness, likeness
from study.forecast.sizes import plausible_sizes
from study.inference.repeats import Floats, Integers, Truths

DRAWS, MIXTURE = 512, 16
"""Draws, and sizes of effects and noise that they are shared out among."""

MOST_SEEN = 200
"""Of more trainings the newest decide: all of them would take seconds."""

_SWEEPS = 8
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Logarithms of a quantity of all trainings, as far as they are known.

    Attributes:
        values: Of each training; NaN where nothing is known. Shape (n,).
        is_bound: Whether the value is only a lower bound. Shape (n,).
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
    """Draw the logarithms of all trainings. Shape (DRAWS, n).

    What is known stays in every draw; a bound becomes what the training would come to.

    Args:
        known: At least one value or bound.
        settings: Of each training, its value on each axis.
        rng: Source of the draws.
        shares: See `study.forecast.likeness.likeness`.
    """
    kinds, kind = _kinds(settings, shares)
    alike = likeness(
        [settings[place] for place in kinds],
        None if shares is None else [shares[place] for place in kinds],
    )
    seen = np.flatnonzero(np.isfinite(known.values))[-MOST_SEEN:]
    unseen = np.flatnonzero(~np.isfinite(known.values))
    level = float(known.values[seen].mean())
    values, bound = known.values[seen] - level, known.is_bound[seen]
    own = alike.at(kind[seen])
    imputed = _imputed(own, values, bound, rng)
    found = np.tile(known.values, (DRAWS, 1))
    each = DRAWS // MIXTURE
    for part, sizes in enumerate(plausible_sizes(own, imputed, rng, number=MIXTURE)):
        rows = slice(part * each, (part + 1) * each)
        covariance = alike.covariance(sizes)
        precise = _inverse(covariance[np.ix_(kind[seen], kind[seen])], sizes[-1])
        drawn = _above(precise, np.tile(imputed, (each, 1)), values, bound, rng)
        found[rows, seen] = level + drawn
        if unseen.size:
            coming, place = np.unique(kind[unseen], return_inverse=True)
            means = _coming(covariance, precise, drawn, (kind[seen], coming), rng)
            noise = sizes[-1] * rng.standard_normal((each, len(unseen)))
            found[rows, unseen] = level + means[:, place] + noise
    return found


def _kinds(
    settings: Sequence[Mapping[str, object]], shares: Sequence[Hashable] | None
) -> tuple[list[int], Integers]:
    """The first training of each kind, and of each training the number of its kind."""
    own = [None] * len(settings) if shares is None else shares
    keys = [(repr(sorted(s.items())), share) for s, share in zip(settings, own, strict=True)]
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    kinds = sorted(first.values())
    number = {keys[place]: kind for kind, place in enumerate(kinds)}
    return kinds, np.asarray([number[key] for key in keys])


def _imputed(own: Likeness, values: Floats, bound: Truths, rng: np.random.Generator) -> Floats:
    """The values, each bound replaced by a draw of what lies above it."""
    if not bound.any():
        return values
    [sizes] = plausible_sizes(own, values, rng, number=1)
    precise = _inverse(own.covariance(sizes), sizes[-1])
    return np.asarray(_above(precise, values[None, :], values, bound, rng)[0])


def _above(
    precise: Floats, start: Floats, values: Floats, bound: Truths, rng: np.random.Generator
) -> Floats:
    """Draw what lies above the bounds, each given all else, in turn. Shape (draws, n)."""
    drawn = start.copy()
    places = np.flatnonzero(bound)
    for _ in range(_SWEEPS):
        for place in places:
            deviation = 1 / np.sqrt(precise[place, place])
            mean = drawn[:, place] - drawn @ precise[:, place] / precise[place, place]
            # By the upper tail's logarithm, which is exact however far above the mean the bound is.
            tail = log_ndtr((mean - values[place]) / deviation)
            tail += np.log(rng.uniform(1e-12, 1.0, size=len(drawn)))
            drawn[:, place] = mean - deviation * ndtri_exp(tail)
    return drawn


def _coming(
    covariance: Floats,
    precise: Floats,
    drawn: Floats,
    kinds: tuple[Integers, Integers],
    rng: np.random.Generator,
) -> Floats:
    """Draw the means of kinds of training, given those that were seen. Shape (draws, kinds)."""
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
