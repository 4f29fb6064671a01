"""Results of a search: its Pareto front and energy, the energy of the whole grid, the probability of its answer.

The energy of a trial that the search stopped is a lower bound on that of its setup. It is shown as
such, and such a trial is never on the front.
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
from analysis.search.probability_of_best import ProbabilityOfBest, probability_of_best
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
        setup: Number of the setup.
        batch_size: Requested batch size; None if the setup has none.
        effective_batch_size: See `EpochRecord`.
        learning_rate: Requested learning rate; None if the setup has none.
        parameters: Further parameters of the setup.
        accuracy: Best value of the objective, mean over its seeds; for a stopped trial, until it was
            stopped; None if unknown.
        energy_j: Energy of its epochs, mean over its seeds; for a stopped trial a lower bound.
        low_j: Least energy of its seeds; with one seed, lower end of the interval from the uncertainty
            of its readings; None if unknown.
        high_j: Largest energy of its seeds; with one seed, upper end of that interval; None if unknown.
        stopped: Whether the search stopped it early.
        failed: Whether it diverged or ran out of memory, so that its energy is not that of a training.
        on_front: Whether it is on the Pareto front: no other complete training dominates it.
        seeds: Number of trainings that it is the mean of.
        studies: Names of the earlier studies that some of these trainings are from.
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
        points: Every setup that was trained: first the front, by the objective, then the other complete
            trainings, those that were stopped, and those that failed.
        progress: Hypervolume of the front after each complete training.
        not_run: Numbers of the setups that were not trained.
        spent_j: Energy of all epochs with a reading; None if none has one.
        missing_epochs: Number of epochs without a reading; the true energy is higher by theirs.
        grid_j: Energy of training every setup once to its end; an upper limit, by the maximum number
            of epochs, if no training ended by itself; None if no epoch has an energy.
        grid_measured: Whether every setup was trained to its end, so that `grid_j` is not an estimate.
        grid_is_limit: Whether `grid_j` assumes the maximum number of epochs.
        answer: Numbers of the setups that the search recommends: one, or a front; empty without a
            complete training that meets the search's goal.
        probability: Probability of the answer; None if the answer is not a single setup, if no setup has two
            seeds, or if the search itself has decided.
        decided: Answer that the search itself gave at its end, with its probability; None if it gave
            none.
        ruled_out: Number of stopped setups that are ruled out, for the seed that they ran with. If the goal
            is the energy to a target, one more epoch would have brought them to the energy of the best
            one; otherwise their lower bound is at least the energy of a point of the front that is at
            least as accurate as they were.
    """

    points: tuple[SearchPoint, ...]
    progress: tuple[FrontSize, ...]
    not_run: tuple[int, ...]
    spent_j: float | None
    missing_epochs: int
    grid_j: float | None
    grid_measured: bool
    grid_is_limit: bool
    ruled_out: int
    answer: tuple[int, ...] = ()
    probability: ProbabilityOfBest | None = None
    decided: SearchAnswer | None = None

    @property
    def stopped(self) -> int:
        """Number of setups whose training was stopped early."""
        return sum(point.stopped for point in self.points)


def search_info(manifest: Manifest, epochs: pd.DataFrame, trials: pd.DataFrame) -> SearchInfo:
    """Compute the results of a search.

    Args:
        manifest: Manifest of the search, with the whole search space and the goal.
        epochs: Epochs of the search, with the columns of `EpochRecord`.
        trials: Trials of the search and of the earlier studies that it started from, with the columns
            of `TrialRecord`.
    """
    facts = {each.setup: each for each in manifest.setups}
    rows = trials.to_dict("records")
    records = [TrialRecord.from_row({str(k): v for k, v in row.items()}) for row in rows]
    goal = _Goal.of(manifest)
    ended = [each for each in records if _is_measured(each)]
    whole = [each for each in ended if each.stop_reason not in NOT_WHOLE]
    front = _front_of(goal, records)
    sums = epochs.groupby("trial_id")["uncertainty_j"].agg(lambda s: s.sum(skipna=False))
    unsure_j = {str(trial_id): each for trial_id, each in sums.items()}
    points = [
        _point(many, goal, facts, unsure_j, on_front=many[0].setup in front)
        for many in _by_point(ended)
    ]
    points.sort(key=lambda p: (not p.on_front, p.failed, p.stopped, -goal.gain(p.accuracy)))
    to_end = [each for each in whole if each.stop_reason is not StopReason.TARGET]
    found = answers(
        goal.kind,
        records,
        target=goal.target,
        confirmed=goal.confirmed,
        objective=goal.objective,
        decided=None if manifest.answer is None else manifest.answer.setup,
    )
    is_to_target = goal.kind is SearchGoal.ENERGY_TO_TARGET
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
            goal.objective,
        ),
        not_run=tuple(sorted(facts.keys() - {each.setup for each in records})),
        spent_j=known_sum(epochs["epoch_energy_j"]),
        missing_epochs=int(epochs["epoch_energy_j"].isna().sum()),
        grid_j=grid_j(facts, to_end, epochs, most=most_epochs(manifest.options)),
        grid_measured={each.setup for each in to_end} >= facts.keys(),
        grid_is_limit=not to_end,
        ruled_out=_too_dear(ended)
        if is_to_target
        else sum(_ruled_out(point, points, goal.objective) for point in points if point.stopped),
        answer=tuple(each.setup for each in found),
        probability=None
        if len(found) != 1 or manifest.answer is not None
        else _answer_probability(goal, found[0], records, facts),
        decided=manifest.answer,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Goal:
    """The goal of a search, from its manifest.

    Attributes:
        kind: Quantity that the search optimizes.
        objective: The validation metric that decides.
        target: Value of the objective to reach; None if there is none.
        confirmed: Whether the search trains leading setups again with further seeds.
        study: Name of the search.
    """

    kind: SearchGoal
    objective: Objective
    target: float | None
    confirmed: bool
    study: str

    @classmethod
    def of(cls, manifest: Manifest) -> Self:
        """Read the goal from a manifest's options."""
        options = manifest.options
        target = options.get("target")
        return cls(
            kind=SearchGoal(options.get("goal", SearchGoal.ACCURACY_ENERGY)),
            objective=manifest.objective,
            target=None if target is None else float(target),
            confirmed=bool(options.get("confirm")) or options.get("sure") is not None,
            study=manifest.study,
        )

    def gain(self, score: float | None) -> float:
        """Return a score, negated if less is better; minus infinity if unknown."""
        return -math.inf if score is None else self.objective.gain(score)

    def curve(self, trial: TrialRecord) -> TrialCurve:
        """Return the trial's curve toward the goal."""
        return curve_of_trial(trial, target=self.target, objective=self.objective)


def _is_measured(trial: TrialRecord) -> bool:
    """Return whether a trial has ended and has an energy and at least one epoch."""
    return trial.status is TrialStatus.FINISHED and trial.energy_j is not None and trial.epochs > 0


def _front_of(goal: _Goal, trials: Iterable[TrialRecord]) -> set[int]:
    """Return the numbers of the setups on the Pareto front of objective and energy."""
    means = setup_means(trials, target=goal.target, objective=goal.objective)
    best = best_of(SearchGoal.ACCURACY_ENERGY, [each.curve for each in means])
    return {means[index].setup for index in best}


def _by_point(trials: Iterable[TrialRecord]) -> list[list[TrialRecord]]:
    """Group the trials by point: all complete trainings of a setup, or a single incomplete one."""
    whole: dict[int, list[TrialRecord]] = {}
    broken = []
    for trial in trials:
        if trial.stop_reason in NOT_WHOLE:
            broken.append([trial])
        else:
            whole.setdefault(trial.setup, []).append(trial)
    return [*whole.values(), *(each for each in broken if each[0].setup not in whole)]


def _answer_probability(
    goal: _Goal, answer: Answer, trials: Iterable[TrialRecord], facts: Mapping[int, SetupFacts]
) -> ProbabilityOfBest | None:
    """Return the probability that an answer is the best setup; None if it cannot be given.

    If the goal is a score, all setups are compared by their scores; otherwise those that reached the
    target or were stopped before it, by their energy to target.
    """
    parameters = {number: each.chosen for number, each in facts.items()}
    curves: dict[int, list[TrialCurve]] = {}
    for trial in trials:
        if _is_measured(trial):
            curves.setdefault(trial.setup, []).append(goal.curve(trial))
    if goal.kind is SearchGoal.ACCURACY:
        rated = {setup: _costs_of_scores(many, goal) for setup, many in curves.items()}
        return probability_of_best(rated, answer=answer.setup, parameters=parameters)
    costs: dict[int, list[float]] = {}
    least: dict[int, list[float]] = {}
    for setup, many in curves.items():
        ended = [each for each in many if not each.stopped]
        reached = [j for each in ended if (j := each.to_target_j) is not None]
        if len(reached) < len(ended):
            continue  # a setup counts as having missed the target if one of its seeds did
        costs[setup] = reached
        least[setup] = [j for each in many if (j := each.least_to_target_j) is not None]
    return probability_of_best(costs, answer=answer.setup, least=least, parameters=parameters)


def _costs_of_scores(curves: Sequence[TrialCurve], goal: _Goal) -> list[float]:
    """Turn scores into positive costs, so that less is better; empty if a training failed or has none."""
    ended = [each for each in curves if not each.stopped]
    scores = [s for each in ended if (s := each.best_score) is not None and s > 0]
    if len(scores) < len(ended) or any(each.failed for each in ended):
        return []
    return [1 / s if goal.objective.mode == "max" else s for s in scores]


def _point(
    trials: Sequence[TrialRecord],
    goal: _Goal,
    facts: Mapping[int, SetupFacts],
    unsure_j: Mapping[str, float],
    *,
    on_front: bool,
) -> SearchPoint:
    """Return the point of a setup, from its complete trainings or from a single incomplete one."""
    trial = trials[-1]
    energies_j = [each.energy_j for each in trials if each.energy_j is not None]
    known = [each.best_val_score for each in trials if each.best_val_score is not None]
    low_j: float | None = min(energies_j)
    high_j: float | None = max(energies_j)
    if len(trials) == 1:
        own = trial.study == goal.study
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
        studies=tuple(sorted({each.study for each in trials if each.study != goal.study})),
    )


def _measured(energy_j: float, width_j: float | None) -> tuple[float | None, float | None]:
    """Return the interval of one training's energy, given its half-width; None for both ends if unknown."""
    if width_j is None or pd.isna(width_j):
        return None, None
    return max(0.0, energy_j - float(width_j)), energy_j + float(width_j)


def _too_dear(trials: Sequence[TrialRecord]) -> int:
    """Count the stopped trials that could not have reached the target with less energy than the best."""
    known = [each.energy_to_target_j for each in trials if each.energy_to_target_j is not None]
    best_j = min(known, default=math.inf)
    return sum(
        (each.energy_j or 0.0) * (1 + 1 / each.epochs) >= best_j
        for each in trials
        if each.stop_reason is StopReason.STOPPED
    )


def _ruled_out(point: SearchPoint, points: Sequence[SearchPoint], objective: Objective) -> bool:
    """Return whether a point of the front is no dearer than this lower bound and at least as accurate."""
    return any(
        each.on_front
        and each.energy_j <= point.energy_j
        and (point.accuracy is None or objective.reaches(each.accuracy, point.accuracy))
        for each in points
    )
