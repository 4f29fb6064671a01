"""Results of a search: its front, its energy, the energy of the whole grid, the probability of its answer.

A trial that the search stopped is a lower bound: its setup would have cost at least what it used.
It is shown as that, and is never a point of the front.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Self

import pandas as pd

from analysis.energy.known import known_sum
from analysis.search.front import FrontSize, front_sizes
from analysis.search.grid_energy import grid_j
from analysis.search.probability_of_best import ProbabilityOfBest, sureness
from study.record.manifest import Manifest, SearchAnswer, SetupFacts
from study.record.objective import Objective
from study.record.records import TrialRecord
from study.record.search.answers import Answer, answers, setup_means
from study.record.search.curves import TrialCurve, curve_of_trial
from study.record.search.goal import SearchGoal, best_of, most_epochs
from study.record.vocabulary import FAILURES, NOT_WHOLE, StopReason, TrialStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPoint:
    """A setup that the search has trained.

    Attributes:
        setup: Its number.
        batch_size: Of the setup.
        effective_batch_size: See `EpochRecord`.
        learning_rate: Of the setup.
        parameters: What the setup has besides.
        accuracy: Best value of the objective; of a stopped trial, until then.
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
    batch_size: int | None
    effective_batch_size: int | None
    learning_rate: float | None
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
    """Results of a search.

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
        answer: Numbers of the setups that the search recommends: one, or its front; none without a
            whole training that reached what the search is after.
        sure: How sure the answer is; None with a front, where no setup has two seeds, or where the search
            itself has said it.
        decided: What the search itself has said at its end: the answer, and how sure that is.
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
    answer: tuple[int, ...] = ()
    sure: ProbabilityOfBest | None = None
    decided: SearchAnswer | None = None

    @property
    def stopped(self) -> int:
        """Number of setups whose training was stopped."""
        return sum(point.stopped for point in self.points)


def search_info(manifest: Manifest, epochs: pd.DataFrame, trials: pd.DataFrame) -> SearchInfo:
    """Compute it.

    Args:
        manifest: Has the whole space, and what the search was after.
        epochs: Of the study.
        trials: Of the study, and of earlier ones that it began with.
    """
    facts = {each.setup: each for each in manifest.setups}
    rows = trials.to_dict("records")
    records = [TrialRecord.from_row({str(k): v for k, v in row.items()}) for row in rows]
    asked = _Asked.of(manifest)
    ended = [each for each in records if _is_measured(each)]
    whole = [each for each in ended if each.stop_reason not in NOT_WHOLE]
    front = _front_of(asked, records)
    sums = epochs.groupby("trial_id")["uncertainty_j"].agg(lambda s: s.sum(skipna=False))
    unsure_j = {str(trial_id): each for trial_id, each in sums.items()}
    points = [
        _point(many, asked, facts, unsure_j, on_front=many[0].setup in front)
        for many in _by_point(ended)
    ]
    points.sort(key=lambda p: (not p.on_front, p.failed, p.stopped, -asked.gain(p.accuracy)))
    to_end = [each for each in whole if each.stop_reason is not StopReason.TARGET]
    found = answers(
        asked.goal,
        records,
        target=asked.target,
        confirmed=asked.confirmed,
        objective=asked.objective,
        decided=None if manifest.answer is None else manifest.answer.setup,
    )
    is_to_target = asked.goal is SearchGoal.ENERGY_TO_TARGET
    return SearchInfo(
        points=tuple(points),
        progress=front_sizes(
            epochs,
            {
                each.trial_id: (each.best_val_score, each.energy_j)
                for each in whole
                if each.study == manifest.study
                and each.best_val_score is not None
                and each.energy_j is not None
            },
            asked.objective,
        ),
        not_run=tuple(sorted(facts.keys() - {each.setup for each in records})),
        spent_j=known_sum(epochs["epoch_energy_j"]),
        missing_epochs=int(epochs["epoch_energy_j"].isna().sum()),
        grid_j=grid_j(facts, to_end, epochs, most=most_epochs(manifest.options)),
        grid_measured={each.setup for each in to_end} >= facts.keys(),
        grid_is_limit=not to_end,
        dearer=_too_dear(ended)
        if is_to_target
        else sum(_ruled_out(point, points, asked.objective) for point in points if point.stopped),
        answer=tuple(each.setup for each in found),
        sure=None
        if len(found) != 1 or manifest.answer is not None
        else _sureness(asked, found[0], records, facts),
        decided=manifest.answer,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The goal of a search."""

    goal: SearchGoal
    objective: Objective
    target: float | None
    confirmed: bool
    study: str

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """Return what the manifest says of it."""
        options = manifest.options
        target = options.get("target")
        return cls(
            goal=SearchGoal(options.get("goal", SearchGoal.ACCURACY_ENERGY)),
            objective=manifest.objective,
            target=None if target is None else float(target),
            confirmed=bool(options.get("confirm")) or options.get("sure") is not None,
            study=manifest.study,
        )

    def gain(self, score: float | None) -> float:
        """Return a score turned so that more is better; one that is not known is the worst."""
        return -math.inf if score is None else self.objective.gain(score)

    def curve(self, trial: TrialRecord) -> TrialCurve:
        """Return how a trial went."""
        return curve_of_trial(trial, target=self.target, objective=self.objective)


def _is_measured(trial: TrialRecord) -> bool:
    """Return whether a trial has ended, with an energy."""
    return trial.status is TrialStatus.FINISHED and trial.energy_j is not None and trial.epochs > 0


def _front_of(asked: _Asked, trials: Iterable[TrialRecord]) -> set[int]:
    """Numbers of the setups that no other whole one is better and cheaper than."""
    means = setup_means(trials, target=asked.target, objective=asked.objective)
    best = best_of(SearchGoal.ACCURACY_ENERGY, [each.curve for each in means])
    return {means[index].setup for index in best}


def _by_point(trials: Iterable[TrialRecord]) -> list[list[TrialRecord]]:
    """The trainings behind each point: the whole ones of a setup, or one that was broken off."""
    whole: dict[int, list[TrialRecord]] = {}
    broken = []
    for trial in trials:
        if trial.stop_reason in NOT_WHOLE:
            broken.append([trial])
        else:
            whole.setdefault(trial.setup, []).append(trial)
    return [*whole.values(), *(each for each in broken if each[0].setup not in whole)]


def _sureness(
    asked: _Asked, answer: Answer, trials: Iterable[TrialRecord], facts: Mapping[int, SetupFacts]
) -> ProbabilityOfBest | None:
    """Probability of being best, of setups that reached the target or were stopped, or of all."""
    parameters = {number: each.chosen for number, each in facts.items()}
    curves: dict[int, list[TrialCurve]] = {}
    for trial in trials:
        if _is_measured(trial):
            curves.setdefault(trial.setup, []).append(asked.curve(trial))
    if asked.goal is SearchGoal.ACCURACY:
        rated = {setup: _costs_of_scores(many, asked) for setup, many in curves.items()}
        return sureness(rated, answer=answer.setup, parameters=parameters)
    costs: dict[int, list[float]] = {}
    least: dict[int, list[float]] = {}
    for setup, many in curves.items():
        ended = [each for each in many if not each.stopped]
        reached = [j for each in ended if (j := each.to_target_j) is not None]
        if len(reached) < len(ended):
            continue  # with a seed that missed the target the setup has missed it
        costs[setup] = reached
        least[setup] = [j for each in many if (j := each.least_to_target_j) is not None]
    return sureness(costs, answer=answer.setup, least=least, parameters=parameters)


def _costs_of_scores(curves: Sequence[TrialCurve], asked: _Asked) -> list[float]:
    """Costs that stand for scores where a score is looked for: less is better, and none is below 0."""
    ended = [each for each in curves if not each.stopped]
    scores = [s for each in ended if (s := each.best_score) is not None and s > 0]
    if len(scores) < len(ended) or any(each.failed for each in ended):
        return []
    return [1 / s if asked.objective.mode == "max" else s for s in scores]


def _point(
    trials: Sequence[TrialRecord],
    asked: _Asked,
    facts: Mapping[int, SetupFacts],
    unsure_j: Mapping[str, float],
    *,
    on_front: bool,
) -> SearchPoint:
    """One setup, from its whole trainings or from the one that was broken off."""
    trial = trials[-1]
    energies_j = [each.energy_j for each in trials if each.energy_j is not None]
    known = [each.best_val_score for each in trials if each.best_val_score is not None]
    low_j: float | None = min(energies_j)
    high_j: float | None = max(energies_j)
    if len(trials) == 1:
        own = trial.study == asked.study
        low_j, high_j = _measured(energies_j[0], unsure_j.get(trial.trial_id) if own else None)
    return SearchPoint(
        setup=trial.setup,
        batch_size=trial.batch_size,
        effective_batch_size=trial.effective_batch_size,
        learning_rate=trial.learning_rate,
        parameters=facts[trial.setup].parameters if trial.setup in facts else {},
        accuracy=fmean(known) if known else None,
        energy_j=fmean(energies_j),
        low_j=low_j,
        high_j=high_j,
        stopped=trial.stop_reason is StopReason.STOPPED,
        failed=trial.stop_reason in FAILURES,
        on_front=on_front,
        seeds=len(trials),
        studies=tuple(sorted({each.study for each in trials if each.study != asked.study})),
    )


def _measured(energy_j: float, width_j: float | None) -> tuple[float | None, float | None]:
    """The interval in which the measured energy of one training lies."""
    if width_j is None or pd.isna(width_j):
        return None, None
    return max(0.0, energy_j - float(width_j)), energy_j + float(width_j)


def _too_dear(trials: Sequence[TrialRecord]) -> int:
    """Stopped trials that could not have got to the target for less than the best one."""
    known = [each.energy_to_target_j for each in trials if each.energy_to_target_j is not None]
    best_j = min(known, default=math.inf)
    return sum(
        (each.energy_j or 0.0) * (1 + 1 / each.epochs) >= best_j
        for each in trials
        if each.stop_reason is StopReason.STOPPED
    )


def _ruled_out(point: SearchPoint, points: Sequence[SearchPoint], objective: Objective) -> bool:
    """Return whether a front point is cheaper than this lower bound, and as accurate as it was."""
    return any(
        each.on_front
        and each.energy_j <= point.energy_j
        and (point.accuracy is None or objective.reaches(each.accuracy, point.accuracy))
        for each in points
    )
