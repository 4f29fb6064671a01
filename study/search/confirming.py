"""Choice of the setups that a search repeats at its end, to tell good setups from lucky seeds."""

import statistics
from collections.abc import Mapping, Sequence

from study.record.search.curves import TrialCurve, mean_of
from study.record.search.goal import SearchGoal, best_of
from study.search.space.space import Choice

LEADERS = 3
"""Number of setups that are trained again; for a Pareto front, all of its setups are."""


def leaders(goal: SearchGoal, curves: Mapping[Choice, Sequence[TrialCurve]]) -> tuple[Choice, ...]:
    """Return the best setups so far, best first.

    Args:
        goal: Goal of the search.
        curves: Curves of the trials of each setup.
    """
    means = {choice: mean for choice, many in curves.items() if (mean := mean_of(many))}
    if goal is SearchGoal.ENERGY_TO_TARGET:
        return _cheapest(means, curves)
    found: list[Choice] = []
    while len(found) < LEADERS and means:
        best = [list(means)[i] for i in best_of(goal, list(means.values()))]
        if not best or (found and goal is SearchGoal.ACCURACY_ENERGY):
            break
        found += best
        for choice in best:
            means.pop(choice)
    return tuple(found)


def _cheapest(
    means: Mapping[Choice, TrialCurve], curves: Mapping[Choice, Sequence[TrialCurve]]
) -> tuple[Choice, ...]:
    """Return the setup with the least energy to the target, followed by the next cheapest ones.

    A setup that was stopped counts with the cost predicted from its pace, since a single slow seed may
    have been a bad one. Empty where no setup has reached the target: there is nothing to confirm.
    """
    costs = {c: mean.to_target_j for c, mean in means.items() if mean.to_target_j is not None}
    if not costs:
        return ()
    best = min(costs, key=lambda choice: costs[choice])
    for choice, many in curves.items():
        pace = [j for each in many if (j := each.pace_j) is not None]
        if choice not in means and pace:
            costs[choice] = statistics.fmean(pace)
    others = sorted(costs.keys() - {best}, key=lambda choice: (costs[choice], str(choice)))
    return (best, *others[: LEADERS - 1])
