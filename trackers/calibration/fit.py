"""Straight-line fit of an external meter's power against a source's power, over the same loads."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_STEPS = 3

T_95 = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306}
"""Two-sided 95 % quantiles of Student's t by degrees of freedom; the last one also stands for more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Mean powers at one load.

    Attributes:
        share: Share of the machine that was busy; in [0, 1].
        source_w: Mean power by the source.
        meter_w: Mean power by the external meter.
    """

    share: float
    source_w: float
    meter_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Line `meter = factor x source + offset`, with the factor's 95 % interval from `low` to `high`."""

    factor: float
    low: float
    high: float
    offset_w: float


def fit_line(steps: Sequence[Step]) -> Line:
    """Fit a line through the steps by least squares.

    Raises:
        ValueError: There are fewer than three steps, or the source's power is the same in all of them.
    """
    if len(steps) < LEAST_STEPS:
        message = f"got {len(steps)} loads that source and meter both measured; {LEAST_STEPS} are needed for an interval"
        raise ValueError(message)
    source_w = [each.source_w for each in steps]
    meter_w = [each.meter_w for each in steps]
    try:
        factor, offset_w = statistics.linear_regression(source_w, meter_w)
    except statistics.StatisticsError as error:
        message = (
            f"the source reports {source_w[0]:.4g} W at every load, so it cannot be calibrated"
        )
        raise ValueError(message) from error
    freedom = len(steps) - 2
    rest = math.fsum(
        (m - factor * s - offset_w) ** 2 for s, m in zip(source_w, meter_w, strict=True)
    )
    mean_w = statistics.fmean(source_w)
    spread = math.fsum((each - mean_w) ** 2 for each in source_w)
    half = T_95[min(freedom, max(T_95))] * math.sqrt(rest / freedom / spread)
    return Line(factor=factor, low=factor - half, high=factor + half, offset_w=offset_w)
