"""The cost of a setup that fails in some of its repeats: all energy spent, per success.

How often it will fail, few trainings do not tell: 1 failure in 5 may be 1 in 20 or every second one. So
where a study has failures, the share that fails is drawn for each setup, from a beta distribution that
begins at the share of the whole study and is worth two trainings, as much as a flat one. What is typical of a
setup stays what was observed, as tables show it: the draws add their doubt alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from study.inference.posterior import SEED, Posterior

_WORTH = 2.0
"""Trainings that the study's share counts for in each setup."""


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
    """

    attempts: int
    successes: int
    cost_j: float | None
    overhead: float | None

    @property
    def failed_share(self) -> float:
        """Share of the attempts that failed."""
        return 1 - self.successes / self.attempts


def cost_of_success(energies_j: Sequence[float], succeeded: Sequence[bool]) -> CostOfSuccess:
    """Compute it of one setup.

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
    """Add to the draws of true means what is not known of the shares that fail.

    Args:
        energy: Of one study, logarithms of joules, with the overhead of what has failed.
        costs: Of each setup; None where none of its trainings has failed.
        rng: Source of the shares, or a seed for one.
    """
    known = [None if each is None or each.overhead is None else each for each in costs]
    whole = energy.repeats.count.astype(float)
    tried = np.asarray([w if c is None else c.attempts for w, c in zip(whole, known, strict=True)])
    good = np.asarray([w if c is None else c.successes for w, c in zip(whole, known, strict=True)])
    failed = tried - good
    if not failed.any():
        return energy
    overhead = np.asarray([0.0 if each is None else each.overhead for each in known])
    # Energy of a failure against that of a success; of a setup that has none, the others' mean.
    against = np.expm1(overhead) * good / np.maximum(failed, 1.0)
    against = np.where(failed > 0, against, against[failed > 0].mean())
    share = (failed.sum() + 0.5) / (tried.sum() + 1)
    drawn = np.random.default_rng(rng).beta(
        failed + _WORTH * share, good + _WORTH * (1 - share), size=energy.means.shape
    )
    dearer = np.log1p(against * drawn / (1 - drawn))
    dearer -= dearer.mean(axis=-2, keepdims=True)
    return replace(energy, means=energy.means + dearer, pooled=energy.pooled + dearer)
