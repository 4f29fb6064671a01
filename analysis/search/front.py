"""Growth of a search's Pareto front with the energy spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from study.record.objective import ACCURACY, Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontSize:
    """Hypervolume of the Pareto front at the end of a trial.

    Attributes:
        spent_j: Energy of all epochs until then.
        hypervolume: Share in [0, 1] of the rectangle that the front dominates; the rectangle spans
            accuracies from 0 to 1 and energies from 0 to that of the costliest complete training.
    """

    spent_j: float
    hypervolume: float


def front_sizes(
    epochs: pd.DataFrame,
    pairs: Mapping[str, tuple[float, float]],
    objective: Objective = ACCURACY,
) -> tuple[FrontSize, ...]:
    """Return the front's hypervolume after each complete training, in the order in which they ended.

    There is none for an objective that is not a share, since its scale has no natural ends.

    Args:
        epochs: Epochs of the search, in the order in which they were reported.
        pairs: Best value of the objective and energy in joules of each complete training, by trial.
        objective: The validation metric that decides.
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
    """Return the share of the rectangle of accuracies and energies that the points dominate.

    Args:
        points: Accuracy in [0, 1] and joules of each point.
        highest_j: Energy of the reference point, at which a point dominates nothing.
    """
    area, best = 0.0, 0.0
    for accuracy, energy_j in sorted(points, key=lambda p: (p[1], -p[0])):
        if accuracy > best:
            area += (accuracy - best) * max(0.0, highest_j - energy_j) / highest_j
            best = accuracy
    return area
