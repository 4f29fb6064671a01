"""Rule for which epochs count in a trial that was started more than once. Standard library only.

An attempt resumes from a checkpoint of an earlier attempt, or starts over. Its first epoch shows from
where: epochs that earlier attempts trained before that point count; those from that point on were lost,
and their energy is `wasted`.
"""

from collections.abc import Iterable

Place = tuple[int, str, int]
"""Attempt, stage and epoch."""


def counted(places: Iterable[Place]) -> set[Place]:
    """Return the epochs of a trial that count as its training, dropping those that were repeated.

    Args:
        places: All epochs of one trial; within each attempt, in the order in which they were trained.
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
