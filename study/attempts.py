"""Which epochs count for a trial that was begun more than once. Standard library only.

An attempt goes on from a checkpoint of the one before, or begins anew. Either way it trains every
stage from its own first epoch of it to the end, so what earlier attempts have of that stage counts
up to there. The rest of them was in vain, and is `wasted`.
"""

from collections import defaultdict
from collections.abc import Iterable

Place = tuple[int, str, int]
"""Attempt, stage and epoch."""


def counted(places: Iterable[Place]) -> set[Place]:
    """Those of a trial's epochs that are part of its training.

    Args:
        places: All epochs of one trial, of all its attempts.
    """
    by_stage: defaultdict[str, defaultdict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for attempt, stage, epoch in places:
        by_stage[stage][attempt].add(epoch)
    kept: set[Place] = set()
    for stage, attempts in by_stage.items():
        taken_up: float = float("inf")
        for attempt in sorted(attempts, reverse=True):
            epochs = attempts[attempt]
            kept.update((attempt, stage, epoch) for epoch in epochs if epoch < taken_up)
            taken_up = min(taken_up, *epochs)
    return kept
