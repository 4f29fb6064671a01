"""Setups whose accuracy cannot be distinguished from always naming the commonest class."""

import math
from collections.abc import Sequence

from analysis.energy.totals import SetupEnergy
from analysis.ranking.evidence import Evidence, evidence_of
from study.inference.choice import Aim
from study.record.manifest import DataFacts
from study.record.objective import ACCURACY, Objective

_HALF_WIDTH = 1.96
"""Standard deviations in half of a 95 % interval."""


def weighed(
    setups: Sequence[SetupEnergy],
    aim: Aim,
    data: DataFacts,
    objective: Objective = ACCURACY,
) -> tuple[Evidence | None, frozenset[int]]:
    """Weigh the setups that have learnt something.

    Args:
        setups: All setups of a study.
        aim: What is asked of a setup.
        data: Says what chance is, and of how many validation samples an accuracy is the share.
        objective: The validation metric that decides; chance is said of accuracies alone.

    Returns:
        What can be said of those whose accuracy is above chance beyond noise, and the numbers of
        the others. Where no setup is above chance, what can be said of all.
    """
    evidence = evidence_of(setups, aim, objective)
    if objective != ACCURACY:
        return evidence, frozenset()
    at_chance = frozenset(s.setup for s in setups if _is_at_chance(s, evidence, data))
    rest = [each for each in setups if each.setup not in at_chance]
    # Setups without an accuracy are neither.
    if not at_chance or not any(each.accuracy is not None for each in rest):
        return evidence, at_chance
    return evidence_of(rest, aim), at_chance


def _is_at_chance(setup: SetupEnergy, evidence: Evidence | None, data: DataFacts) -> bool:
    chance = data.chance_accuracy
    if setup.accuracy is None or chance is None or data.val_samples is None:
        return False
    # What a guess that is right so often scores on so few samples.
    by_samples = _HALF_WIDTH * math.sqrt(chance * (1 - chance) / max(data.val_samples, 1))
    interval = None if evidence is None else evidence.accuracy(setup.setup)
    return setup.accuracy <= chance + by_samples or (
        interval is not None and interval.low <= chance
    )
