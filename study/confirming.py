"""Which setups a search trains again at its end, to tell a good setup from a lucky seed."""

import statistics
from collections.abc import Mapping, Sequence

from study.courses import Course
from study.objectives import Objective, best_of
from study.search_space import Choice

LEADERS = 3
"""So many setups are trained again, or as many as are on the front."""


def leaders(objective: Objective, courses: Mapping[Choice, Sequence[Course]]) -> tuple[Choice, ...]:
    """The best setups so far, the best first.

    Args:
        objective: What the search is after.
        courses: How the trials of each setup went.
    """
    means = {choice: mean for choice, many in courses.items() if (mean := mean_of(many))}
    found: list[Choice] = []
    while len(found) < LEADERS and means:
        best = [list(means)[i] for i in best_of(objective, list(means.values()))]
        if not best or (found and objective is Objective.ACCURACY_ENERGY):
            break
        found += best
        for choice in best:
            means.pop(choice)
    return tuple(found)


def mean_of(courses: Sequence[Course]) -> Course | None:
    """One course in the place of several seeds: their means; None without a whole one.

    A setup reaches the target only if every seed that was not stopped does.
    """
    whole = [each for each in courses if not each.stopped]
    if not whole:
        return None
    known = [each.best_accuracy for each in whole if each.best_accuracy is not None]
    reached = [each.to_target_j for each in whole if each.to_target_j is not None]
    return Course(
        target=whole[0].target,
        epochs=round(statistics.fmean(each.epochs for each in whole)),
        known_j=statistics.fmean(each.known_j for each in whole),
        time_s=statistics.fmean(each.time_s for each in whole),
        missing=sum(each.missing for each in whole),
        best_accuracy=statistics.fmean(known) if len(known) == len(whole) else None,
        to_target_j=statistics.fmean(reached) if len(reached) == len(whole) else None,
    )
