"""Formatting of an interval of cycles."""

import math

from analysis.energy.spread import Interval95


def cycles_interval_text(interval: Interval95) -> str:
    """Format an interval of cycles: `12.0 to 60.0`, `12.0 or more, perhaps never`, or `never`.

    An infinite upper end means perhaps never; two infinite ends mean never.
    """
    if math.isinf(interval.low):
        return "never"
    if math.isinf(interval.high):
        return f"{interval.low:.1f} or more, perhaps never"
    return f"{interval.low:.1f} to {interval.high:.1f}"
