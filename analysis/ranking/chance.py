"""Setups whose accuracy cannot be distinguished from that of always predicting the most frequent class."""

import math
from collections.abc import Sequence

from analysis.energy.totals import SetupEnergy
from analysis.ranking.evidence import Evidence, evidence_of
from study.inference.choice import Aim
from study.record.manifest import DataFacts
from study.record.objective import ACCURACY, Objective

_HALF_WIDTH = 1.96
"""Half-width of a 95 % interval of a normal distribution, in standard deviations."""


def evidence_above_chance(
    setups: Sequence[SetupEnergy],
    aim: Aim,
    data: DataFacts,
    objective: Objective = ACCURACY,
) -> tuple[Evidence | None, frozenset[int]]:
    """Compute the evidence on the setups that have learnt something, and find those that have not.

    Args:
        setups: All setups of a study.
        aim: Requirements on a setup.
        data: Facts about the data, with the accuracy at chance and the number of validation samples.
        objective: The validation metric that decides; only for accuracy is there a chance level.

    Returns:
        The evidence on the setups whose accuracy is significantly above chance, and the numbers of
        the others. If no setup is above chance, the evidence is on all setups.
    """
    evidence = evidence_of(setups, aim, objective)
    if objective != ACCURACY:
        return evidence, frozenset()
    at_chance = frozenset(s.setup for s in setups if _is_at_chance(s, evidence, data))
    rest = [each for each in setups if each.setup not in at_chance]
    # Setups without an accuracy are neither at nor above chance.
    if not at_chance or not any(each.accuracy is not None for each in rest):
        return evidence, at_chance
    return evidence_of(rest, aim), at_chance


def _is_at_chance(setup: SetupEnergy, evidence: Evidence | None, data: DataFacts) -> bool:
    chance = data.chance_accuracy
    if setup.accuracy is None or chance is None or data.val_samples is None:
        return False
    # Sampling error of chance accuracy on this number of validation samples.
    by_samples = _HALF_WIDTH * math.sqrt(chance * (1 - chance) / max(data.val_samples, 1))
    interval = None if evidence is None else evidence.accuracy(setup.setup)
    return setup.accuracy <= chance + by_samples or (
        interval is not None and interval.low <= chance
    )
