"""What a search says: its front, what it spent for it, what the grid would have cost, how sure it is.

A trial that the search stopped is a lower bound: its setup would have cost at least what it used.
It is shown as that, and is never a point of the front.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from analysis.energy import BROKEN_OFF, known_sum
from study.manifest import SetupFacts
from study.records import StopReason, TrialStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPoint:
    """A setup that the search has trained.

    Attributes:
        setup: Its number.
        batch_size: Of the setup.
        effective_batch_size: See `EpochRecord`.
        learning_rate: Of the setup.
        parameters: What the setup has besides.
        accuracy: Best validation accuracy; of a stopped trial, until then.
        energy_j: Energy of its epochs; of a stopped trial, a lower bound.
        low_j: Lower end of the interval in which the measured energy lies; None if not known.
        high_j: Its upper end.
        stopped: Whether the search ended it early.
        failed: Whether it diverged or ran out of memory: its energy is not that of a training.
        on_front: Whether no other whole training is both more accurate and cheaper.
    """

    setup: int
    batch_size: int
    effective_batch_size: int | None
    learning_rate: float
    parameters: Mapping[str, Any]
    accuracy: float | None
    energy_j: float
    low_j: float | None
    high_j: float | None
    stopped: bool
    failed: bool
    on_front: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontSize:
    """How much of accuracy and energy the front has won when a trial had ended.

    Attributes:
        spent_j: Energy of all epochs until then.
        hypervolume: Share, in [0, 1], of the rectangle from accuracy 0 to 1 and from no energy to
            that of the costliest whole training, that is beaten by a point of the front.
    """

    spent_j: float
    hypervolume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchInfo:
    """What a search says.

    Attributes:
        points: Every setup that was trained: the front by accuracy, the other whole trainings,
            those that were stopped, and those that failed.
        progress: The front's size after each whole training.
        not_run: Numbers of the setups that were not trained.
        spent_j: Energy of all epochs that have a reading; None where none has.
        missing_epochs: Epochs without a reading: more was spent by what they used.
        grid_j: What training every setup once to its end would cost; None where no training
            came to its own end.
        grid_measured: Whether every setup was trained to its end, so that `grid_j` is no estimate.
        dearer: Setups whose lower bound already exceeds the cheapest point of the front that is at
            least as accurate as they were: they are ruled out for this seed.
    """

    points: tuple[SearchPoint, ...]
    progress: tuple[FrontSize, ...]
    not_run: tuple[int, ...]
    spent_j: float | None
    missing_epochs: int
    grid_j: float | None
    grid_measured: bool
    dearer: int

    @property
    def stopped(self) -> int:
        """Number of setups whose training was stopped."""
        return sum(point.stopped for point in self.points)


def search_info(
    setups: Sequence[SetupFacts], epochs: pd.DataFrame, trials: pd.DataFrame
) -> SearchInfo:
    """Compute it.

    Args:
        setups: The whole space.
        epochs: Of the study.
        trials: Of the study.
    """
    facts = {each.setup: each for each in setups}
    ended = trials[trials["status"] == TrialStatus.FINISHED.value]
    kept = ended[ended["energy_j"].notna() & (ended["epochs"] > 0)]
    rows = [{str(k): v for k, v in row.items()} for row in kept.to_dict("records")]
    whole = [row for row in rows if row["stop_reason"] not in BROKEN_OFF]
    pairs = {row["setup"]: _pair(row) for row in whole if pd.notna(row["best_val_accuracy"])}
    front = {n for n, one in pairs.items() if not any(_beats(o, one) for o in pairs.values())}
    unsure_j = epochs.groupby("trial_id")["uncertainty_j"].agg(lambda s: s.sum(skipna=False))
    points = [
        _point(row, facts, unsure_j.get(row["trial_id"]), on_front=row["setup"] in front)
        for row in rows
    ]
    points.sort(key=lambda p: (not p.on_front, p.failed, p.stopped, -(p.accuracy or 0.0)))
    tried = {int(n) for n in trials["setup"]}
    return SearchInfo(
        points=tuple(points),
        progress=_progress(epochs, pairs, {row["trial_id"]: row["setup"] for row in whole}),
        not_run=tuple(number for number in facts if number not in tried),
        spent_j=known_sum(epochs["epoch_energy_j"]),
        missing_epochs=int(epochs["epoch_energy_j"].isna().sum()),
        grid_j=_grid_j(facts, whole, epochs),
        grid_measured=len(whole) == len(facts)
        and all(row["stop_reason"] != StopReason.TARGET.value for row in whole),
        dearer=sum(_ruled_out(point, points) for point in points if point.stopped),
    )


def _point(
    row: Mapping[str, Any],
    facts: Mapping[int, SetupFacts],
    unsure_j: float | None,
    *,
    on_front: bool,
) -> SearchPoint:
    energy_j, number = float(row["energy_j"]), int(row["setup"])
    known = unsure_j is not None and not pd.isna(unsure_j)
    effective, accuracy = row["effective_batch_size"], row["best_val_accuracy"]
    return SearchPoint(
        setup=number,
        batch_size=int(row["batch_size"]),
        effective_batch_size=None if pd.isna(effective) else int(effective),
        learning_rate=float(row["learning_rate"]),
        parameters=facts[number].parameters if number in facts else {},
        accuracy=None if pd.isna(accuracy) else float(accuracy),
        energy_j=energy_j,
        low_j=max(0.0, energy_j - float(unsure_j or 0.0)) if known else None,
        high_j=energy_j + float(unsure_j or 0.0) if known else None,
        stopped=row["stop_reason"] == StopReason.STOPPED.value,
        failed=row["stop_reason"] in BROKEN_OFF - {StopReason.STOPPED},
        on_front=on_front,
    )


def _progress(
    epochs: pd.DataFrame,
    pairs: Mapping[int, tuple[float, float]],
    setup_of: Mapping[str, int],
) -> tuple[FrontSize, ...]:
    """The front's size after each whole training, in the order in which they ended.

    Rows of epochs lie in the order in which they were reported.
    """
    highest_j = max((energy_j for _, energy_j in pairs.values()), default=0.0)
    if not highest_j:
        return ()
    spent_j = epochs["epoch_energy_j"].fillna(0.0).cumsum()
    last = epochs.reset_index(drop=True).drop_duplicates("trial_id", keep="last")["trial_id"]
    so_far: list[tuple[float, float]] = []
    found = []
    for position, trial_id in last.items():
        number = setup_of.get(str(trial_id))
        if number is None or number not in pairs:
            continue
        so_far.append(pairs[number])
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


def _grid_j(
    facts: Mapping[int, SetupFacts], whole: Sequence[Mapping[str, Any]], epochs: pd.DataFrame
) -> float | None:
    """The grid's energy: what was measured of whole trainings, else an estimate.

    A setup that was not trained to its end is taken to have as many epochs as the whole trainings
    on average, each at its own mean energy, or where it never ran at the mean of all. How long one
    would have gone on that ended at the target nobody knows, so such ones tell no length.
    """
    to_end = {
        int(row["setup"]): row for row in whole if row["stop_reason"] != StopReason.TARGET.value
    }
    if not to_end:
        return None
    length = fmean(float(row["epochs"]) for row in to_end.values())
    each_j = epochs.groupby("setup")["epoch_energy_j"].mean().to_dict()
    mean_j = float(epochs["epoch_energy_j"].mean())
    return sum(
        float(to_end[n]["energy_j"]) if n in to_end else length * float(each_j.get(n, mean_j))
        for n in facts
    )


def _ruled_out(point: SearchPoint, points: Sequence[SearchPoint]) -> bool:
    """Whether a front point is cheaper than this lower bound, and as accurate as it was."""
    return any(
        each.on_front
        and each.energy_j <= point.energy_j
        and (each.accuracy or 0.0) >= (point.accuracy or 0.0)
        for each in points
    )


def _pair(row: Mapping[str, Any]) -> tuple[float, float]:
    return float(row["best_val_accuracy"]), float(row["energy_j"])


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] <= other[1]
