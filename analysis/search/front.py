"""Growth of a search's front with the energy spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from study.record.objective import ACCURACY, Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontSize:
    """Hypervolume of the front when a trial had ended.

    Attributes:
        spent_j: Energy of all epochs until then.
        hypervolume: Share, in [0, 1], of the rectangle from accuracy 0 to 1 and from no energy to
            that of the costliest whole training, that is beaten by a point of the front.
    """

    spent_j: float
    hypervolume: float


def front_sizes(
    epochs: pd.DataFrame,
    pairs: Mapping[str, tuple[float, float]],
    objective: Objective = ACCURACY,
) -> tuple[FrontSize, ...]:
    """The front's size after each whole training, in the order in which they ended.

    Rows of epochs lie in the order in which they were reported. Of an objective that is no share
    there is no such size: nothing says where its scale ends.
    """
    highest_j = max((energy_j for _, energy_j in pairs.values()), default=0.0)
    if not highest_j or not objective.is_share:
        return ()
    spent_j = epochs["epoch_energy_j"].fillna(0.0).cumsum()
    last = epochs.reset_index(drop=True).drop_duplicates("trial_id", keep="last")["trial_id"]
    so_far: list[tuple[float, float]] = []
    found = []
    for position, trial_id in last.items():
        if str(trial_id) not in pairs:
            continue
        score, energy_j = pairs[str(trial_id)]
        so_far.append((score if objective.mode == "max" else 1 - score, energy_j))
        size = hypervolume(so_far, highest_j=highest_j)
        found.append(FrontSize(spent_j=float(spent_j.iloc[int(str(position))]), hypervolume=size))
    return tuple(found)


def hypervolume(points: Sequence[tuple[float, float]], *, highest_j: float) -> float:
    """Share of the rectangle of accuracies and energies that is beaten by one of the points.

    Args:
        points: Accuracy and joules.
        highest_j: Energy at which nothing is won.
    """
    area, best = 0.0, 0.0
    for accuracy, energy_j in sorted(points, key=lambda p: (p[1], -p[0])):
        if accuracy > best:
            area += (accuracy - best) * max(0.0, highest_j - energy_j) / highest_j
            best = accuracy
    return area
