"""An interval of cycles in words."""

import math

from analysis.energy.spread import Interval95


def cycles_interval_text(interval: Interval95) -> str:
    """`12 to 60`; `12 or more, perhaps never` where it has no upper end; `never` where no end is known."""
    if math.isinf(interval.low):
        return "never"
    if math.isinf(interval.high):
        return f"{interval.low:.1f} or more, perhaps never"
    return f"{interval.low:.1f} to {interval.high:.1f}"
