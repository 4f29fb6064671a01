"""Cost of a setup some of whose repeats fail: all energy spent, per successful training.

A few trainings do not determine how often a setup fails: 1 failure in 5 may mean 1 in 20 or 1 in 2. In a
study with failures, the failure rate of each setup is therefore drawn from a beta posterior. Its prior is
centred on the failure rate of the whole study and worth two trainings, the weight of a flat prior. The
centre of a setup's energy remains the observed one, as the tables show it; the draws only add
uncertainty.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from study.inference.posterior import SEED, Posterior

_WORTH = 2.0
"""Weight of the prior for each setup's failure rate, in trainings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostOfSuccess:
    """Energy of all attempts divided by the number that succeeded.

    Attributes:
        attempts: Number of trainings that were started.
        successes: Number of those that were trained to their end.
        cost_j: Energy of all attempts divided by the successes, in joules; None without a success.
        overhead: Logarithm of `cost_j` relative to the mean energy of a success: the extra cost of
            having to try again. Added to the logarithm of the setup's energy, it enters the choice. None
            without a success.
    """

    attempts: int
    successes: int
    cost_j: float | None
    overhead: float | None

    @property
    def failed_share(self) -> float:
        """Fraction of the attempts that failed."""
        return 1 - self.successes / self.attempts


def cost_of_success(energies_j: Sequence[float], succeeded: Sequence[bool]) -> CostOfSuccess:
    """Compute the cost of success of one setup.

    Args:
        energies_j: Energy of each attempt, successful or not, in joules; above 0.
        succeeded: For each attempt, whether it was trained to its end.

    Raises:
        ValueError: There is no attempt, or an energy is not above 0.
    """
    if not energies_j or not all(each > 0 for each in energies_j):
        msg = f"energies of attempts {list(energies_j)} J: there must be one, and all above 0"
        raise ValueError(msg)
    whole = [each for each, good in zip(energies_j, succeeded, strict=True) if good]
    attempts, successes = len(energies_j), len(whole)
    cost = math.fsum(energies_j) / successes if successes else None
    return CostOfSuccess(
        attempts=attempts,
        successes=successes,
        cost_j=cost,
        overhead=None if cost is None else math.log(cost * successes / math.fsum(whole)),
    )


def with_failed_shares(
    energy: Posterior,
    costs: Sequence[CostOfSuccess | None],
    *,
    rng: np.random.Generator | int = SEED,
) -> Posterior:
    """Add the uncertainty about failure rates to the draws of the true means.

    Args:
        energy: Posterior of the logarithms of joules of one study, the overhead of failures included.
        costs: Cost of success of each setup; None where none of its trainings failed.
        rng: Random generator for the failure rates, or a seed for one.
    """
    known = [None if each is None or each.overhead is None else each for each in costs]
    whole = energy.repeats.count.astype(float)
    tried = np.asarray([w if c is None else c.attempts for w, c in zip(whole, known, strict=True)])
    good = np.asarray([w if c is None else c.successes for w, c in zip(whole, known, strict=True)])
    failed = tried - good
    if not failed.any():
        return energy
    overhead = np.asarray([0.0 if each is None else each.overhead for each in known])
    # Energy of a failure relative to that of a success; for setups without a failure, the others' mean.
    against = np.expm1(overhead) * good / np.maximum(failed, 1.0)
    against = np.where(failed > 0, against, against[failed > 0].mean())
    share = (failed.sum() + 0.5) / (tried.sum() + 1)
    drawn = np.random.default_rng(rng).beta(
        failed + _WORTH * share, good + _WORTH * (1 - share), size=energy.means.shape
    )
    log_factors = np.log1p(against * drawn / (1 - drawn))
    log_factors -= log_factors.mean(axis=-2, keepdims=True)
    return replace(energy, means=energy.means + log_factors, pooled=energy.pooled + log_factors)
