"""Policy of a search for the least energy to a target: pausing, and repeats after the first trainings."""

import math
from dataclasses import dataclass
from typing import Self

from study.inference.allocation import Rule

LEADERS = 3
"""Number of arms for which `--confirm N` allows N more trainings each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Features of a search, which the ablations of `benchmarks.search` turn off one by one.

    Attributes:
        pausing: Whether paused trainings are resumed.
        sure: Probability of being right at which repeats end; infinite to use all repeats, None for no
            repeats.
        most_repeats: Maximum number of repeats; None for a limit that depends on the number of arms
            (`scheduler.MOST_REPEATS`).
        most_arms: Maximum number of arms that are started; None for all.
        rule: Rule that chooses what is repeated next.
    """

    pausing: bool = True
    sure: float | None = None
    most_repeats: int | None = None
    most_arms: int | None = None
    rule: Rule = Rule.TOP_TWO

    @classmethod
    def of(cls, *, sure: float | None, confirm: int, trials: int | None) -> Self:
        """Return the policy that options ask for.

        Args:
            sure: The value of `--sure`; None where not given.
            confirm: The value of `--confirm`.
            trials: The value of `--trials`; None where not given.
        """
        most = LEADERS * confirm if confirm else None
        until = math.inf if confirm and sure is None else sure
        return cls(sure=until, most_repeats=most, most_arms=trials)
