"""The curves on which trackers are measured, and how their errors are told.

Ten loads of a board, two of them drawn anew for each run from a seed that is printed, so that no tracker
can have been made for them; each with a counter that is refreshed each 20 ms, each 100 ms, or not at all.
"""

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.fake_nvml import Boards

LENGTHS_S = (0.1, 0.3, 1.0, 5.0)

LARGE = 0.1
"""Errors from this share on are told without decimals."""

WAYS: dict[str, dict[str, Any]] = {
    "counter each 20 ms": {"refresh_ms": 20.0},
    "counter each 100 ms": {"refresh_ms": 100.0},
    "no counter": {"no_counter": 1},
}
"""How the boards tell their energy; power is renewed each 20 ms."""

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
    """Errors of epochs, as shares of their energies.

    Attributes:
        median: In the middle.
        mean: On average.
        high: 95 % of them are below.
        worst: The largest.
    """

    median: float
    mean: float
    high: float
    worst: float

    def __str__(self) -> str:
        """In per cent: median / mean / 95 % / worst."""
        parts = (self.median, self.mean, self.high, self.worst)
        return " / ".join(f"{100 * part:.{2 if part < LARGE else 0}f}" for part in parts)


def spread(errors: Sequence[float]) -> Spread | None:
    """How errors lie; None where there are none."""
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
    """All curves: those that are always the same, and two of a seed."""
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


def told_in(way: str, boards: Boards) -> Boards:
    """Boards that tell their energy in one of `WAYS`; power by the instantaneous call."""
    return replace(boards, usage="instant", **WAYS[way])
