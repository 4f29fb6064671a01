"""The cost of a setup that fails in some of its repeats: all energy spent, per success."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv

from study.inference.intervals import CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOfSuccess:
    """Energy of all attempts over the number that succeeded.

    Attributes:
        attempts: Trainings that were started.
        successes: Of these, those that were trained to their end.
        cost_j: Energy of all attempts over the successes; None without a success.
        overhead: Logarithm of that over the mean energy of a success: what a training costs more,
            for having to be tried again. Added to the logarithm of the setup's energy, it makes
            the choice count it. None without a success.
        least_failed: Lower end of the 95 % interval of the share that fails.
        most_failed: Its upper end.
    """

    attempts: int
    successes: int
    cost_j: float | None
    overhead: float | None
    least_failed: float
    most_failed: float

    @property
    def failed_share(self) -> float:
        """Share of the attempts that failed."""
        return 1 - self.successes / self.attempts


def cost_of_success(energies_j: Sequence[float], succeeded: Sequence[bool]) -> CostOfSuccess:
    """Compute it of one setup.

    The interval of the failed share is Jeffreys's (Brown, Cai and DasGupta 2001, Statistical
    Science 16:101): of few attempts it is wide.

    Args:
        energies_j: Of each attempt, whatever became of it; above 0.
        succeeded: Whether it was trained to its end.

    Raises:
        ValueError: There is no attempt, or an energy is not above 0.
    """
    if not energies_j or not all(each > 0 for each in energies_j):
        msg = f"energies of attempts {list(energies_j)} J: there must be one, and all above 0"
        raise ValueError(msg)
    whole = [each for each, good in zip(energies_j, succeeded, strict=True) if good]
    attempts, successes = len(energies_j), len(whole)
    failed = attempts - successes
    cost = math.fsum(energies_j) / successes if successes else None
    tail = (1 - CONFIDENCE) / 2
    shape = (failed + 0.5, successes + 0.5)
    return CostOfSuccess(
        attempts=attempts,
        successes=successes,
        cost_j=cost,
        overhead=None if cost is None else math.log(cost * successes / math.fsum(whole)),
        least_failed=float(betaincinv(*shape, tail)) if failed else 0.0,
        most_failed=float(betaincinv(*shape, 1 - tail)) if successes else 1.0,
    )
