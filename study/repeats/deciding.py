"""Decision which setup to train once more, and how probable it is that the present answer is right.

The statistics are those of `study.inference`, on the same inputs as in the report: the energies of
complete trainings (scaled by the cost per success if trainings of the setup failed) and their best
scores. Trainings that still run are counted as if they confirmed what is known of their setup.
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
        energy_j: Energy of the training; None if it is not known.
        gain: Best score of the training, with its sign such that higher is better; None if there is none.
        is_whole: Whether it was trained to its end, without failing or being stopped.
        board: UUID of the device whose energy was measured; None if it is not known, or the energy is
            an estimate.
    """

    energy_j: float | None
    gain: float | None
    is_whole: bool
    board: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The present answer, and the training that would be most informative.

    Attributes:
        answer: Number of the setup to use.
        right: Probability that this setup is within the tolerance, and needs at most 5 % more energy
            than the cheapest such setup.
        repeat: Number of the setup whose next training is most informative.
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
    """Choose the answer and the next training; None if no setup has two results, so that no spread is known.

    Args:
        trainings: Trainings of each setup that have ended, by the setup's number.
        running: Number of trainings that still run, by the setup's number; absent means 0.
        aim: Requirements on the setup to use.
        parameters: Parameters of each setup by name; setups that share a value inform each other's
            estimates. None to treat setups independently.
        objective: Objective that decides. If it is not a share, the aim is relative to the best value.
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
    """Return the complete trainings with known score and energy, by which setups are compared."""
    return [
        each
        for each in trainings
        if each.is_whole and each.gain is not None and each.energy_j is not None
        if each.energy_j > 0
    ]


def _logarithms(trainings: Sequence[TrainingResult]) -> list[float]:
    """Return the logarithms of the joules of complete trainings, including the failures per success."""
    whole = [each.energy_j for each in _results(trainings) if each.energy_j is not None]
    cost = _cost(trainings)
    overhead = 0.0 if cost is None else cost.overhead or 0.0
    return [math.log(energy_j) + overhead for energy_j in whole]


def _cost(trainings: Sequence[TrainingResult]) -> CostOfSuccess | None:
    """Return the cost of a success including failures; None if no training failed."""
    used = [(each.energy_j, each.is_whole) for each in trainings if each.energy_j]
    if all(good for _, good in used):
        return None
    return cost_of_success([energy_j for energy_j, _ in used], [good for _, good in used])


def _boards(trainings: Sequence[Sequence[TrainingResult]]) -> BoardEffects | None:
    """Return the effects of the boards on energy; None if the board of any training is not known."""
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
    # The same random seeds as in the report, so that both name the same setup with almost the same
    # probability.
    energy = posterior(energies, axes=axes)
    gain = posterior(gains, axes=axes, rng=1, ends=ends)
    if energy is None or gain is None:
        return None
    if boards is not None:
        energy = with_board_errors(energy, boards, rng=2)
    return with_failed_shares(energy, costs, rng=3), gain
