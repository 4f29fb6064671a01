"""Ratio of energies over all setups, with Fieller's interval.

For x = A / D, where A and D are sums over setups of means over repeats, the interval contains each x for
which A - x D is not distinguishable from 0 (Fieller 1954, Journal of the Royal Statistical Society B
16:175):

    (A - x D)^2 <= t^2 (V_A - 2 x C + x^2 V_D)

where V and C are the variances and the covariance of the sums, from the repeats of each setup, and t is
Student's t with Welch's degrees of freedom (1947, Biometrika 34:28). Satterthwaite's would be far too few
where each variance rests on two repeats, because the squares of such variances are large by chance. Where
D itself is not distinguishable from 0, the interval deliberately has no upper end.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from study.inference.intervals import CONFIDENCE, Interval
from study.inference.repeats import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Ratio of sums; a denominator that is not above 0 makes it infinite.

    Attributes:
        value: A / D; infinite where D is not above 0. Shape (...).
        interval: Fieller's interval; its upper end is infinite where D may be 0.
        setups: Number of setups included: those with two repeats or more.
    """

    value: Floats
    interval: Interval
    setups: int


def ratio_of_sums(
    numerator: Floats, denominator: Floats, *, confidence: float = CONFIDENCE
) -> Ratio | None:
    """Compute A / D over setups and repeats; None where no setup has two repeats.

    Args:
        numerator: Values by setup and repeat, paired with the denominator; NaN where a repeat is missing
            or incomplete. Shape (..., setups, repeats).
        denominator: Values of the denominator. The same shape.
        confidence: Confidence of the interval, in (0, 1).

    Raises:
        ValueError: The shapes differ.
    """
    if numerator.shape != denominator.shape:
        msg = f"shapes {numerator.shape} and {denominator.shape} of a ratio's parts differ"
        raise ValueError(msg)
    whole = np.isfinite(numerator) & np.isfinite(denominator)
    count = whole.sum(axis=-1)
    kept = np.nonzero((count > 1).reshape(-1, count.shape[-1]).all(axis=0))[0]
    if not kept.size:
        return None
    whole, count = whole[..., kept, :], count[..., kept]
    above, above_off = _mean_and_deviations(numerator[..., kept, :], whole, count)
    below, below_off = _mean_and_deviations(denominator[..., kept, :], whole, count)
    total, over = above.sum(axis=-1), below.sum(axis=-1)
    weight = count * (count - 1)
    pays = over > 0
    value = np.full(total.shape, math.inf)
    np.divide(total, over, out=value, where=pays)
    # Deviations of A - x D at the estimated x; where that is infinite, those of D alone.
    around = np.where(pays[..., None, None], above_off, 0.0) - (
        np.where(pays, value, 1.0)[..., None, None] * below_off
    )
    each = (around**2).sum(axis=-1) / weight
    t = _quantile(each, count - 1, confidence)
    return Ratio(
        value=value,
        interval=_fieller(
            total,
            over,
            t**2 * ((above_off**2).sum(axis=-1) / weight).sum(axis=-1),
            t**2 * ((below_off**2).sum(axis=-1) / weight).sum(axis=-1),
            t**2 * ((above_off * below_off).sum(axis=-1) / weight).sum(axis=-1),
        ),
        setups=int(kept.size),
    )


def _mean_and_deviations(
    values: Floats, whole: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]", count: Floats
) -> tuple[Floats, Floats]:
    known = np.where(whole, values, 0.0)
    mean = known.sum(axis=-1) / count
    return mean, np.where(whole, known - mean[..., None], 0.0)


def _quantile(each: Floats, freedom: Floats, confidence: float) -> Floats:
    """Return the quantile of Student's t with Welch's degrees of freedom for a sum of variances."""
    squares = (each**2 / (freedom + 2)).sum(axis=-1)
    varies = squares > 0
    most = freedom.sum(axis=-1)
    together = np.where(varies, each.sum(axis=-1) ** 2 / np.where(varies, squares, 1.0) - 2, most)
    together = np.clip(together, freedom.min(axis=-1), most)
    return np.asarray(stdtrit(together, (1 + confidence) / 2))


def _fieller(
    total: Floats, over: Floats, var_total: Floats, var_over: Floats, covariance: Floats
) -> Interval:
    """Return all x >= 0 with (A - x D)^2 <= V_A - 2 x C + x^2 V_D.

    Variances and covariance have been multiplied by t^2.
    """
    square = over**2 - var_over
    half = total * over - covariance
    constant = total**2 - var_total
    root = np.sqrt(np.maximum(half**2 - square * constant, 0.0))
    sure = square > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (half - root) / square, (half + root) / square
    # Where D may be 0, the excluded x lie between the roots. These have opposite signs if A is surely
    # above 0, so the interval then starts at the larger root.
    low = np.where(sure, first, np.where(constant > 0, np.fmax(first, second), 0.0))
    high = np.where(sure, second, math.inf)
    never = sure & (over <= 0)
    return Interval(
        low=np.where(never, math.inf, np.maximum(low, 0.0)),
        high=np.where(never, math.inf, high),
    )
