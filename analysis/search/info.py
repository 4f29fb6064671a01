"""What a search says: its front, what it spent for it, what the grid would have cost, how sure it is.

A trial that the search stopped is a lower bound: its setup would have cost at least what it used.
It is shown as that, and is never a point of the front.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pandas as pd

from analysis.energy.totals import BROKEN_OFF, known_sum
from analysis.search.front import FrontSize, front_sizes
from analysis.search.probability_of_best import ProbabilityOfBest, sureness
from study.record.manifest import Manifest, SetupFacts
from study.record.records import StopReason, TrialStatus

TO_TARGET = "energy-to-target"
"""The value of `--goal` with which a target is looked for."""


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
        energy_j: Energy of its epochs, the mean over its seeds; of a stopped trial, a lower bound.
        low_j: The least of its seeds; with one seed, the lower end of the interval in which the
            measured energy lies; None if not known.
        high_j: The most of its seeds, or the upper end.
        stopped: Whether the search ended it early.
        failed: Whether it diverged or ran out of memory: its energy is not that of a training.
        on_front: Whether no other whole training is both more accurate and cheaper.
        seeds: Whole trainings that it is the mean of.
        studies: Earlier studies that some of them are of.
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
    seeds: int = 1
    studies: tuple[str, ...] = ()


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
        grid_j: What training every setup once to its end would cost. Where no training came to its
            own end nobody knows how long they are: it is then what the most epochs that are allowed
            would cost; None without any epoch.
        grid_measured: Whether every setup was trained to its end, so that `grid_j` is no estimate.
        grid_is_limit: Whether it is what the most epochs would cost.
        sure: How sure the answer is; None with a front, or where no setup has two seeds.
        dearer: Setups that were stopped and are ruled out for this seed: where the energy to a
            target is looked for, with one more epoch they would have used as much as the best one
            needed; else their lower bound exceeds a point of the front that is at least as accurate
            as they were.
    """

    points: tuple[SearchPoint, ...]
    progress: tuple[FrontSize, ...]
    not_run: tuple[int, ...]
    spent_j: float | None
    missing_epochs: int
    grid_j: float | None
    grid_measured: bool
    grid_is_limit: bool
    dearer: int
    sure: ProbabilityOfBest | None = None

    @property
    def stopped(self) -> int:
        """Number of setups whose training was stopped."""
        return sum(point.stopped for point in self.points)


def search_info(manifest: Manifest, epochs: pd.DataFrame, trials: pd.DataFrame) -> SearchInfo:
    """Compute it.

    Args:
        manifest: Has the whole space, and what the search was after.
        epochs: Of the study.
        trials: Of the study, and of earlier ones that it was told of.
    """
    facts = {each.setup: each for each in manifest.setups}
    rows = _ended(trials)
    by_setup = _whole_by_setup(rows)
    pairs = {n: _mean_pair(many) for n, many in by_setup.items() if all(map(_is_known, many))}
    front = {n for n, one in pairs.items() if not any(_beats(o, one) for o in pairs.values())}
    sums = epochs.groupby("trial_id")["uncertainty_j"].agg(lambda s: s.sum(skipna=False))
    unsure_j = {str(trial_id): each for trial_id, each in sums.items()}
    broken: list[list[Mapping[str, Any]]] = [
        [row] for row in rows if not _is_whole(row) and int(row["setup"]) not in by_setup
    ]
    points = [
        _point(many, facts, unsure_j, manifest.study, on_front=int(many[0]["setup"]) in front)
        for many in [*by_setup.values(), *broken]
    ]
    points.sort(key=lambda p: (not p.on_front, p.failed, p.stopped, -(p.accuracy or 0.0)))
    tried = {int(n) for n in trials["setup"]}
    whole = [row for row in rows if _is_whole(row)]
    own = [row for row in whole if row["study"] == manifest.study]
    to_end = [row for row in whole if row["stop_reason"] != StopReason.TARGET.value]
    return SearchInfo(
        points=tuple(points),
        progress=front_sizes(
            epochs, {row["trial_id"]: _pair(row) for row in own if _is_known(row)}
        ),
        not_run=tuple(number for number in facts if number not in tried),
        spent_j=known_sum(epochs["epoch_energy_j"]),
        missing_epochs=int(epochs["epoch_energy_j"].isna().sum()),
        grid_j=_grid_j(facts, to_end, epochs, most=int(manifest.options["max_epochs"])),
        grid_measured={int(row["setup"]) for row in to_end} >= facts.keys(),
        grid_is_limit=not to_end,
        dearer=_too_dear(rows)
        if manifest.options.get("goal") == TO_TARGET
        else sum(_ruled_out(point, points) for point in points if point.stopped),
        sure=_sureness(manifest.options, by_setup, rows),
    )


def _ended(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the trials that have ended, with an energy; those of the search itself last."""
    ended = trials[trials["status"] == TrialStatus.FINISHED.value]
    kept = ended[ended["energy_j"].notna() & (ended["epochs"] > 0)]
    return [{str(k): v for k, v in row.items()} for row in kept.to_dict("records")]


def _whole_by_setup(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    """The whole trainings of each setup."""
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        if _is_whole(row):
            found.setdefault(int(row["setup"]), []).append(row)
    return found


def _sureness(
    options: Mapping[str, Any],
    by_setup: Mapping[int, Sequence[Mapping[str, Any]]],
    rows: Sequence[Mapping[str, Any]],
) -> ProbabilityOfBest | None:
    """Of setups that got to the target or were stopped; of all where accuracy is looked for."""
    confirmed = bool(options.get("confirm"))
    if options.get("goal") == TO_TARGET:
        reached = {
            number: [float(row["energy_to_target_j"]) for row in many]
            for number, many in by_setup.items()
            if all(pd.notna(row["energy_to_target_j"]) for row in many)
        }
        missed = by_setup.keys() - reached.keys()
        least: dict[int, list[float]] = {}
        for row in rows:
            if _is_stopped(row) and int(row["setup"]) not in missed:
                found_j = _least_to_target_j(row, float(options["target_accuracy"]))
                least.setdefault(int(row["setup"]), []).append(found_j)
        return sureness(reached, confirmed=confirmed, least=least)
    if options.get("goal") == "accuracy":
        rated = {
            number: [1 / float(row["best_val_score"]) for row in many]
            for number, many in by_setup.items()
            if all(_is_known(row) and row["best_val_score"] > 0 for row in many)
        }
        return sureness(rated, confirmed=confirmed)
    return None


def _point(
    rows: Sequence[Mapping[str, Any]],
    facts: Mapping[int, SetupFacts],
    unsure_j: Mapping[str, float],
    study: str,
    *,
    on_front: bool,
) -> SearchPoint:
    """One setup, from its whole trainings or from the one that was stopped."""
    row, number = rows[-1], int(rows[-1]["setup"])
    effective = row["effective_batch_size"]
    energies_j = [float(each["energy_j"]) for each in rows]
    known = [float(r["best_val_score"]) for r in rows if _is_known(r)]
    low_j: float | None = min(energies_j)
    high_j: float | None = max(energies_j)
    if len(rows) == 1:
        low_j, high_j = _measured(row, unsure_j) if row["study"] == study else (None, None)
    return SearchPoint(
        setup=number,
        batch_size=int(row["batch_size"]),
        effective_batch_size=None if pd.isna(effective) else int(effective),
        learning_rate=float(row["learning_rate"]),
        parameters=facts[number].parameters if number in facts else {},
        accuracy=fmean(known) if known else None,
        energy_j=fmean(energies_j),
        low_j=low_j,
        high_j=high_j,
        stopped=_is_stopped(row),
        failed=not _is_whole(row) and not _is_stopped(row),
        on_front=on_front,
        seeds=len(rows),
        studies=tuple(sorted({str(r["study"]) for r in rows if r["study"] != study})),
    )


def _measured(
    row: Mapping[str, Any], unsure_j: Mapping[str, float]
) -> tuple[float | None, float | None]:
    """The interval in which the measured energy of one training lies."""
    energy_j, width_j = float(row["energy_j"]), unsure_j.get(row["trial_id"])
    if width_j is None or pd.isna(width_j):
        return None, None
    return max(0.0, energy_j - float(width_j)), energy_j + float(width_j)


def _grid_j(
    facts: Mapping[int, SetupFacts],
    whole: Sequence[Mapping[str, Any]],
    epochs: pd.DataFrame,
    *,
    most: int,
) -> float | None:
    """The grid's energy: what was measured of whole trainings, else an estimate or a limit.

    A setup that was not trained to its end is taken to have as many epochs as the whole trainings
    on average, each at its own mean energy, or where it never ran at the mean of all. How long one
    would have gone on that ended at the target nobody knows, so such ones tell no length.

    Args:
        facts: All setups.
        whole: Trainings that came to their own end, of earlier studies too.
        epochs: Of the search.
        most: Epochs after which a training ends at the latest.
    """
    if not epochs["epoch_energy_j"].notna().any():
        return None
    to_end: dict[int, list[float]] = {}
    for row in whole:
        to_end.setdefault(int(row["setup"]), []).append(float(row["energy_j"]))
    length = fmean(float(row["epochs"]) for row in whole) if whole else float(most)
    each_j = epochs.groupby("setup")["epoch_energy_j"].mean().to_dict()
    mean_j = float(epochs["epoch_energy_j"].mean())
    return sum(
        fmean(to_end[n]) if n in to_end else length * float(each_j.get(n, mean_j)) for n in facts
    )


def _least_to_target_j(row: Mapping[str, Any], target: float) -> float:
    """The least that a stopped trial can have needed: one more epoch, and no faster than so far."""
    energy_j = float(row["energy_j"])
    next_j = energy_j * (1 + 1 / float(row["epochs"]))
    accuracy = row["best_val_score"]
    return (
        max(next_j, energy_j * target / float(accuracy)) if _is_known(row) and accuracy else next_j
    )


def _too_dear(rows: Sequence[Mapping[str, Any]]) -> int:
    """Stopped trials that could not have got to the target for less than the best one."""
    known = [
        float(row["energy_to_target_j"]) for row in rows if pd.notna(row["energy_to_target_j"])
    ]
    best_j = min(known, default=float("inf"))
    return sum(
        float(row["energy_j"]) * (1 + 1 / float(row["epochs"])) >= best_j
        for row in rows
        if _is_stopped(row)
    )


def _ruled_out(point: SearchPoint, points: Sequence[SearchPoint]) -> bool:
    """Whether a front point is cheaper than this lower bound, and as accurate as it was."""
    return any(
        each.on_front
        and each.energy_j <= point.energy_j
        and (each.accuracy or 0.0) >= (point.accuracy or 0.0)
        for each in points
    )


def _is_stopped(row: Mapping[str, Any]) -> bool:
    return bool(row["stop_reason"] == StopReason.STOPPED.value)


def _is_whole(row: Mapping[str, Any]) -> bool:
    """Whether neither the search nor a failure broke it off."""
    return row["stop_reason"] not in BROKEN_OFF


def _is_known(row: Mapping[str, Any]) -> bool:
    return bool(pd.notna(row["best_val_score"]))


def _mean_pair(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    pairs = [_pair(row) for row in rows]
    return fmean(a for a, _ in pairs), fmean(j for _, j in pairs)


def _pair(row: Mapping[str, Any]) -> tuple[float, float]:
    return float(row["best_val_score"]), float(row["energy_j"])


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] <= other[1]
