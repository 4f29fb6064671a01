"""SM2, re-implemented in outline from its publication: halving by performance, energy and learning rate.

Geissler, Zhou, Suh and Lukowicz, "Spend More to Save More (SM2): An Energy-Aware Implementation of
Successive Halving for Sustainable Hyperparameter Optimization" (arXiv 2412.08526). Taken from it: a short
exploratory training of every setup, then successive halving, one setup after another, by an objective of
performance, energy (their E_k, mean power x time of an epoch) and learning rate. Our choices: the three
have equal weight, each as the rank among the remaining setups (a larger rate is better, as it learns
faster), rungs are at 1, 2, 4 ... epochs, trainings go on from checkpoints, and the last one runs to the
target.
"""

import math

from benchmarks.search.ways import Searched
from study.search.replay.arms import ArmTable
from study.search.replay.pausing import Found
from study.search.replay.table import RecordedTraining, ReplayTable, curve_of
from study.search.space.space import Choice


def sm2(table: ReplayTable, target: float, seed: int) -> Searched:
    """Search with SM2; see `benchmarks.search.ways.Way`."""
    drawn = ArmTable.of(table).draw(seed)
    left = {
        choice: many[drawn.index(table.space.learning_part(choice), 0)]
        for choice, many in table.recordings.items()
    }
    rate = next(i for i, axis in enumerate(table.space.axes) if axis.name == "learning_rate")
    spent_j, epochs, found = 0.0, 1, []
    done = dict.fromkeys(left, 0)
    while left:
        until = {
            c: len(one) if len(left) == 1 else min(epochs, len(one)) for c, one in left.items()
        }
        for choice, one in left.items():
            reached = _reached(one, target)
            end = min(until[choice], reached or until[choice])
            spent_j += sum(e.energy_j or 0.0 for e in one.epochs[done[choice] : end])
            if reached is not None and done[choice] < reached <= until[choice]:
                found.append(_found(choice, one, reached, target, spent_j))
            done[choice] = max(done[choice], end)
        if len(left) == 1:
            break
        kept = _better_half(left, until, rate)
        left = {choice: left[choice] for choice in kept}
        epochs *= 2
    return Searched(found=_best_so_far(found), spent_j=spent_j)


def _reached(one: RecordedTraining, target: float) -> int | None:
    """Return the number of the epoch that reaches the target; None if none does."""
    return next((n for n, e in enumerate(one.epochs, start=1) if (e.score or 0.0) >= target), None)


def _found(
    choice: Choice, one: RecordedTraining, reached: int, target: float, spent_j: float
) -> Found:
    return Found(
        choice=choice,
        to_target_j=curve_of(one, target=target).to_target_j or math.inf,
        score=one.epochs[reached - 1].score or 0.0,
        spent_j=spent_j,
    )


def _better_half(
    left: dict[Choice, RecordedTraining], until: dict[Choice, int], rate: int
) -> list[Choice]:
    best = {c: max(e.score or 0.0 for e in one.epochs[: until[c]]) for c, one in left.items()}
    epoch_j = {c: one.epochs[0].energy_j or 0.0 for c, one in left.items()}
    ranks = dict.fromkeys(left, 0)
    for order in (
        sorted(left, key=lambda c: -best[c]),
        sorted(left, key=lambda c: epoch_j[c]),
        sorted(left, key=lambda c: -float(c[rate])),
    ):
        for place, choice in enumerate(order):
            ranks[choice] += place
    return sorted(left, key=lambda c: ranks[c])[: math.ceil(len(left) / 2)]


def _best_so_far(found: list[Found]) -> tuple[Found, ...]:
    answers: list[Found] = []
    for each in found:
        if not answers or each.to_target_j < answers[-1].to_target_j:
            answers.append(each)
    return tuple(answers)
