"""Rule of which epochs count for a trial that was begun more than once. Standard library only.

An attempt goes on from a checkpoint of an earlier one, or begins anew. Its first epoch tells from
where: what earlier attempts have trained before that counts, and what they have trained from there
on was in vain and is `wasted`.
"""

from collections.abc import Iterable

Place = tuple[int, str, int]
"""Attempt, stage and epoch."""


def counted(places: Iterable[Place]) -> set[Place]:
    """Those of a trial's epochs that are part of its training.

    Args:
        places: All epochs of one trial; those of each attempt in the order of their training.
    """
    training: list[Place] = []
    attempt_of_last: int | None = None
    for attempt, stage, epoch in sorted(places, key=lambda place: place[0]):
        if attempt != attempt_of_last:
            attempt_of_last = attempt
            taken_up = next(
                (at for at, each in enumerate(training) if each[1] == stage and each[2] >= epoch),
                len(training),
            )
            del training[taken_up:]
        training.append((attempt, stage, epoch))
    return set(training)
