"""Power curves on which trackers are measured, and summaries of their errors.

Ten loads of a board; two of them are drawn for each run from a seed, which is printed, so that no tracker can
have been tuned to them. Boards refresh their counter every 20 or 100 ms, or have none, and their power every 20 or
100 ms.
"""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tests.fake_nvml import Boards

LENGTHS_S = (0.1, 0.3, 1.0, 5.0)

NOISE_STEPS = 64
"""Number of steps in a period of the shape `noise`."""

LARGE = 0.1
"""Relative error from which errors are printed without decimals."""

WAYS: dict[str, dict[str, Any]] = {
    "both each 20 ms": {"refresh_ms": 20.0},
    "both each 100 ms": {"refresh_ms": 100.0, "power_refresh_ms": 100.0},
    "counter each 100 ms, power each 20 ms": {"refresh_ms": 100.0},
    "no counter, power each 20 ms": {"no_counter": 1},
}
"""Refresh intervals of counter and power; an H100 refreshes both every 100 ms (docs/on-a-gpu.md)."""

FIXED = {
    "square wave, 0.7 s": Boards(),
    "square wave, 3.1 s": Boards(period_s=3.1, duty=0.5),
    "square wave, 0.13 s": Boards(period_s=0.13, duty=0.6),
    "ramp, 0.7 s": Boards(shape="ramp"),
    "noise, each 11 ms": Boards(shape="noise"),
    "noise, each 110 ms": Boards(shape="noise", period_s=7.0),
    "bursts of 10 ms": Boards(shape="burst", period_s=0.25),
    "constant": Boards(shape="constant"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Summary of the relative errors of epochs.

    Attributes:
        median: Median error.
        mean: Mean error.
        high: 95th percentile.
        worst: Largest error.
    """

    median: float
    mean: float
    high: float
    worst: float

    def __str__(self) -> str:
        """Return the errors in per cent: median / mean / 95 % / worst."""
        parts = (self.median, self.mean, self.high, self.worst)
        return " / ".join(f"{100 * part:.{2 if part < LARGE else 0}f}" for part in parts)


def spread(errors: Sequence[float]) -> Spread | None:
    """Return the summary of errors; None if there are none."""
    if not errors:
        return None
    ordered = sorted(errors)
    return Spread(
        median=statistics.median(ordered),
        mean=statistics.fmean(ordered),
        high=ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        worst=ordered[-1],
    )


def curves(seed: int) -> dict[str, Boards]:
    """Return all curves: the fixed ones, and two drawn from a seed."""
    dice = random.Random(seed)  # noqa: S311 - not a secret
    drawn = {}
    for number in (1, 2):
        low_w = dice.uniform(30, 120)
        drawn[f"random {number}"] = Boards(
            shape="random",
            seed=dice.randrange(1000),
            period_s=dice.uniform(1.0, 20.0),
            low_w=low_w,
            high_w=low_w + dice.uniform(50, 300),
        )
    return FIXED | drawn


def drawn_curves(count: int, seed: int) -> dict[str, Boards]:
    """Return curves with random shapes and parameters, for constants fitted on some and checked on others.

    Args:
        count: Number of curves.
        seed: Seed of the random numbers.
    """
    dice = random.Random(seed)  # noqa: S311 - not a secret
    return {f"{each} {(curve := _drawn(dice)).shape}": curve for each in range(count)}


def _drawn(dice: random.Random) -> Boards:
    low_w = dice.uniform(30, 120)
    shape: Literal["square", "ramp", "noise", "burst", "random"] = dice.choice(
        ("square", "ramp", "noise", "burst", "random")
    )
    step_s = math.exp(dice.uniform(math.log(0.005), math.log(0.3)))
    periods_s = {
        "noise": NOISE_STEPS * step_s,
        "burst": dice.uniform(0.1, 1.0),
        "random": dice.uniform(1.0, 20.0),
    }
    return Boards(
        shape=shape,
        seed=dice.randrange(1000),
        period_s=periods_s.get(shape, math.exp(dice.uniform(math.log(0.1), math.log(10)))),
        duty=dice.uniform(0.1, 0.9),
        low_w=low_w,
        high_w=low_w + dice.uniform(50, 300),
    )


def refreshing_as(way: str, boards: Boards) -> Boards:
    """Return boards that refresh as in one of `WAYS`, with instantaneous instead of averaged power."""
    return replace(boards, usage="instant", **WAYS[way])
