"""Choice of the setup to train once more, and the probability that the answer is right already.

The statistics are those of `study.inference`, and what goes into them is what the report takes:
energies of whole trainings, times what one success costs where a setup has failed too, and the best
score of each. Trainings that still run count as if they had come to what is known of their setup.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from study.inference.allocation import next_repeat
from study.inference.boards import CALIBRATION, BoardEffects, board_effects, with_board_errors
from study.inference.choice import Aim, RelativeGains, choose
from study.inference.failure import CostOfSuccess, cost_of_success, with_failed_shares
from study.inference.log_odds import Ends
from study.inference.posterior import Posterior, axes_of, posterior
from study.inference.repeats import HALF_WIDTH, Integers, Repeats
from study.record.objective import ACCURACY, Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """Result of a training that has ended.

    Attributes:
        energy_j: Its energy; None if it is not known.
        gain: Its best score, turned so that more is better; None without one.
        is_whole: Whether it was trained to its end.
        board: What its energy was measured on; None where that is not known, or it is an estimate.
    """

    energy_j: float | None
    gain: float | None
    is_whole: bool
    board: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Present knowledge, and the training that would add most to it.

    Attributes:
        answer: Number of the setup to use.
        right: Probability that it is within the tolerance and at most 5 % dearer than the cheapest
            such.
        repeat: Number of the setup whose next training tells most.
    """

    answer: int
    right: float
    repeat: int


def decide(
    trainings: Mapping[int, Sequence[TrainingResult]],
    running: Mapping[int, int],
    aim: Aim,
    parameters: Mapping[int, Mapping[str, object]] | None = None,
    *,
    objective: Objective = ACCURACY,
) -> Decision | None:
    """Weigh what is known; None where no setup has two results, so that no spread is known.

    Args:
        trainings: Of each setup those that have ended, by its number.
        running: How many trainings of a setup still run; none is 0.
        aim: What is asked of a setup.
        parameters: What each setup chooses, by name; setups that share a value lean on each other.
        objective: What decides; of one that is no share the aim is in shares of the best value.
    """
    numbers = [setup for setup, several in trainings.items() if _results(several)]
    if not numbers:
        return None
    boards = _boards([trainings[setup] for setup in numbers])
    energy = (
        Repeats.of([_logarithms(trainings[setup]) for setup in numbers])
        if boards is None
        else boards.repeats
    )
    gains = [[each.gain for each in _results(trainings[setup])] for setup in numbers]
    reached = [[one for one in several if one is not None] for several in gains]
    if not objective.is_share:
        scale = RelativeGains.of(reached)
        aim, reached = aim.relative, [scale.places(several).tolist() for several in reached]
    gain = Repeats.of(reached)
    axes = None if parameters is None else axes_of([parameters[setup] for setup in numbers])
    costs = [_cost(trainings[setup]) for setup in numbers]
    drawn = _posteriors(energy, gain, axes, boards, costs, objective.gain_ends)
    if drawn is None:
        return None
    more = np.asarray([running.get(setup, 0) for setup in numbers])
    expected = _posteriors(
        energy.expecting(more), gain.expecting(more), axes, boards, costs, objective.gain_ends
    )
    choice = choose(*drawn, aim)
    return Decision(
        answer=numbers[int(choice.setup)],
        right=float(choice.of_chosen(choice.right)),
        repeat=numbers[int(next_repeat(*(expected or drawn), aim))],
    )


def _results(trainings: Sequence[TrainingResult]) -> list[TrainingResult]:
    """The trainings that setups are compared by."""
    return [
        each
        for each in trainings
        if each.is_whole and each.gain is not None and each.energy_j is not None
        if each.energy_j > 0
    ]


def _logarithms(trainings: Sequence[TrainingResult]) -> list[float]:
    """Logarithms of what whole trainings cost in joules, with the failures for each success."""
    whole = [each.energy_j for each in _results(trainings) if each.energy_j is not None]
    cost = _cost(trainings)
    overhead = 0.0 if cost is None else cost.overhead or 0.0
    return [math.log(energy_j) + overhead for energy_j in whole]


def _cost(trainings: Sequence[TrainingResult]) -> CostOfSuccess | None:
    """The cost of a success with the failures; None where none has failed."""
    used = [(each.energy_j, each.is_whole) for each in trainings if each.energy_j]
    if all(good for _, good in used):
        return None
    return cost_of_success([energy_j for energy_j, _ in used], [good for _, good in used])


def _boards(trainings: Sequence[Sequence[TrainingResult]]) -> BoardEffects | None:
    """Effects of the boards; None where one is not known."""
    ran_on = [[each.board for each in _results(several)] for several in trainings]
    known = [[board for board in own if board is not None] for own in ran_on]
    if known != ran_on:
        return None
    names = sorted({board for own in known for board in own})
    calibrations = dict.fromkeys(names, CALIBRATION / HALF_WIDTH)
    return board_effects([_logarithms(several) for several in trainings], known, calibrations)


def _posteriors(
    energies: Repeats,
    gains: Repeats,
    axes: Integers | None,
    boards: BoardEffects | None,
    costs: Sequence[CostOfSuccess | None],
    ends: Ends | None,
) -> tuple[Posterior, Posterior] | None:
    # Seeds as in the report, which is to name the same setup with nearly the same probability.
    energy = posterior(energies, axes=axes)
    gain = posterior(gains, axes=axes, rng=1, ends=ends)
    if energy is None or gain is None:
        return None
    if boards is not None:
        energy = with_board_errors(energy, boards, rng=2)
    return with_failed_shares(energy, costs, rng=3), gain
