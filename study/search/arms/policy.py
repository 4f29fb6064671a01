"""Policy of a search for the least energy to a target, beyond its first trainings."""

import math
from dataclasses import dataclass
from typing import Self

from study.inference.allocation import Rule

LEADERS = 3
"""`--confirm N` means N more trainings of each of so many arms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Parts of a search, which `benchmarks.search` takes away one by one.

    Attributes:
        pausing: Whether what was paused is gone on with.
        sure: Probability of being right at which repeats end; infinite for all repeats, None for
            none.
        most_repeats: At most so many; None for as many as there are arms.
        most_arms: At most so many arms are begun; None for all.
        rule: Which training is repeated next.
    """

    pausing: bool = True
    sure: float | None = None
    most_repeats: int | None = None
    most_arms: int | None = None
    rule: Rule = Rule.TOP_TWO

    @classmethod
    def of(cls, *, sure: float | None, confirm: int, trials: int | None) -> Self:
        """Return what options ask for.

        Args:
            sure: `--sure`.
            confirm: `--confirm`.
            trials: `--trials`.
        """
        most = LEADERS * confirm if confirm else None
        until = math.inf if confirm and sure is None else sure
        return cls(sure=until, most_repeats=most, most_arms=trials)
