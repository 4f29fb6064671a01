"""Intervals, ties and probabilities of a study's setups, from their repeats.

The model is that of `study.inference`: logarithms of energies, with a spread that all setups share
in part. What one setup costs is the energy of all its attempts for each success. Where no setup has
two repeats there is no interval and no probability, and setups are compared by their means alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.energy.known import known_mean
from analysis.energy.spread import Interval95, Spread
from analysis.energy.totals import SetupEnergy
from study.inference import intervals
from study.inference.boards import CALIBRATION, BoardEffects, board_effects, with_board_errors
from study.inference.choice import (
    Aim,
    Choice,
    RelativeGains,
    choose,
    losses,
)
from study.inference.failure import with_failed_shares
from study.inference.posterior import DRAWS, Posterior, axes_of, posterior
from study.inference.repeats import HALF_WIDTH, Floats, Integers, Repeats, relative_deviation
from study.inference.selection import (
    Luck,
    luck,
    picked_interval,
    picked_interval_j,
    saving_against_picked,
)
from study.record.objective import ACCURACY, Objective

PickedAs = Literal["against_costliest", "against_best"]
"""What a reference was picked for: the names of its bias in `study.inference.selection.Luck`."""

_MOST_VALUES, _FEWEST_DRAWS = 2_000_000, 1000
"""Of many setups each has fewer draws: so many values in all, but never fewer draws than these."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt:
    """Posteriors of energy and accuracy, and what follows from them.

    Attributes:
        energy: Of logarithms of joules.
        objective: Of the validation score, the higher the better; of one that is no share, on the
            scale of `Evidence.scale`.
        choice: By expected loss, with probabilities.
        luck: What the picking does to the figures of what was picked.
    """

    energy: Posterior
    objective: Posterior
    choice: Choice
    luck: Luck


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Energies and accuracies of the setups that have both.

    Attributes:
        places: Place in all arrays, by the setup's number.
        aim: What is asked of a setup.
        expected_loss: Of each setup, in logarithms of energy, less that of the best one.
        doubt: What the repeats tell; None where no setup has two.
        objective: The validation metric that decides.
        boards: What the boards differ by, which is taken off; None where they are not known.
        scale: That of the objective in the draws, where it is no share; None where it is.
    """

    places: Mapping[int, int]
    aim: Aim
    expected_loss: Mapping[int, float]
    doubt: Doubt | None
    objective: Objective = ACCURACY
    boards: BoardEffects | None = None
    scale: RelativeGains | None = None

    @property
    def chosen(self) -> int:
        """Number of the setup with the least expected loss."""
        return min(self.expected_loss, key=lambda number: (self.expected_loss[number], number))

    def total_j(self, setup: int) -> Interval95 | None:
        """95 % interval of the energy of a training, with what the meter may be wrong by."""
        if self.doubt is None or setup not in self.places:
            return None
        place, energy = self.places[setup], self.doubt.energy
        if setup == self.chosen:
            return Interval95.of(picked_interval_j(energy, place, self.doubt.luck.energy))
        return Interval95.of(intervals.total_interval_j(energy, place))

    def accuracy(self, setup: int) -> Interval95 | None:
        """95 % interval of the mean best value of the objective; of a share, within [0, 1]."""
        if self.doubt is None or setup not in self.places:
            return None
        place, gains = self.places[setup], self.doubt.objective
        if setup == self.chosen:
            found = Interval95.of(picked_interval(gains, place, self.doubt.luck.objective))
        else:
            found = Interval95.of(intervals.interval(intervals.draws_of(gains.means, place)))
        ends = (
            (found.low, found.high)
            if self.scale is None
            else self.scale.gains((found.low, found.high))
        )
        low, high = sorted(self.objective.gain(float(end)) for end in ends)
        if not self.objective.is_share:
            return Interval95(low=low, high=high)
        return Interval95(low=max(low, 0.0), high=min(high, 1.0))

    def saving(
        self, setup: int, reference: int, *, picked: PickedAs | None = None
    ) -> Interval95 | None:
        """95 % interval of the share of the reference's energy that a setup saves.

        Args:
            setup: Number of the setup.
            reference: Number of the setup that it is compared with.
            picked: What the reference was picked for, where the same repeats picked it out and the
                setup is the chosen one; left out: both were named beforehand.
        """
        if self.doubt is None or not {setup, reference} <= self.places.keys():
            return None
        energy, at, of = self.doubt.energy, self.places[setup], self.places[reference]
        if picked is None or setup != self.chosen:
            return Interval95.of(intervals.saving_interval(energy, at, of))
        bias = getattr(self.doubt.luck, picked)
        return Interval95.of(saving_against_picked(energy, at, of, bias))

    def told_apart(self, setup: int, reference: int, *, picked: PickedAs | None = None) -> bool:
        """Return whether two energies differ for sure: the interval of `saving` does not hold 0."""
        found = self.saving(setup, reference, picked=picked)
        return found is not None and not found.low <= 0 <= found.high

    def told_apart_in_accuracy(self, setup: int, reference: int) -> bool:
        """Return whether two accuracies differ for sure."""
        if self.doubt is None or not {setup, reference} <= self.places.keys():
            return False
        drawn = intervals.difference(
            self.doubt.objective, self.places[setup], self.places[reference]
        )
        return not bool(intervals.interval(drawn).holds(0.0))

    def within(self, setup: int) -> float | None:
        """Probability that the accuracy is within the tolerance of the best."""
        return self._probability("within", setup)

    def cheapest(self, setup: int) -> float | None:
        """Probability that it is the cheapest of those."""
        return self._probability("cheapest", setup)

    def right(self, setup: int) -> float | None:
        """Probability that it is within the tolerance and at most 5 % dearer than the cheapest."""
        return self._probability("right", setup)

    def most_accurate(self, setup: int) -> float | None:
        """Probability that no other setup is more accurate."""
        return self._probability("most_accurate", setup)

    def _probability(self, name: str, setup: int) -> float | None:
        if self.doubt is None or setup not in self.places:
            return None
        return float(getattr(self.doubt.choice, name)[self.places[setup]])


def evidence_of(
    setups: Sequence[SetupEnergy], aim: Aim, objective: Objective = ACCURACY
) -> Evidence | None:
    """Weigh the setups that have an accuracy and energies above 0; None where none has.

    Args:
        setups: The setups.
        aim: What is asked of a setup; tolerance and point as shares, of the best setup's value where
            the objective is none.
        objective: The validation metric that decides.
    """
    known = [
        each
        for each in setups
        if each.energy_j is not None and each.best_accuracy is not None and each.total_j is not None
        if min(each.energy_j.values) > 0
    ]
    if not known:
        return None
    energies = energies_of(known)
    reached = [
        [objective.gain(value) for value in _values(each.shared_accuracy or each.best_accuracy)]
        for each in known
    ]
    scale = None if objective.is_share else RelativeGains.of(reached)
    if scale is not None:
        aim, reached = aim.relative, [scale.places(each).tolist() for each in reached]
    objectives = Repeats.of(reached)
    energy = energies.posterior
    gains = posterior(
        objectives, axes=_axes(known), rng=1, draws=_draws(known), ends=objective.gain_ends
    )
    doubt = None
    if energy is not None and gains is not None:
        doubt = Doubt(
            energy=energy,
            objective=gains,
            choice=choose(energy, gains, aim),
            luck=luck(energy, gains, aim),
        )
    loss = (
        losses(energies.repeats.mean, objectives.mean, aim)
        if doubt is None
        else doubt.choice.expected_loss
    )
    numbers = [each.setup for each in known]
    return Evidence(
        places={number: place for place, number in enumerate(numbers)},
        aim=aim,
        expected_loss=dict(zip(numbers, (loss - loss.min()).tolist(), strict=True)),
        doubt=doubt,
        objective=objective,
        boards=energies.boards,
        scale=scale,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Energies:
    """Energies of setups, and what their repeats tell of them.

    Attributes:
        repeats: Logarithms of joules, without what boards differ by.
        boards: What the boards differ by; None where they are not known.
        posterior: Of the logarithms, in the order of the setups; None where no setup has two repeats.
    """

    repeats: Repeats
    boards: BoardEffects | None
    posterior: Posterior | None


def energies_of(setups: Sequence[SetupEnergy]) -> Energies:
    """Weigh energies of setups, all above 0."""
    boards = _boards(setups)
    repeats = (
        Repeats.of([_logarithms(each) for each in setups]) if boards is None else boards.repeats
    )
    found = posterior(
        repeats, axes=_axes(setups), least_variance=_least_variances(setups), draws=_draws(setups)
    )
    if found is not None and boards is not None:
        found = with_board_errors(found, boards, rng=2)
    if found is not None:
        found = with_failed_shares(found, [each.cost for each in setups], rng=3)
    return Energies(repeats=repeats, boards=boards, posterior=found)


def _axes(setups: Sequence[SetupEnergy]) -> Integers | None:
    return axes_of(
        [
            {"batch_size": each.batch_size, "learning_rate": each.learning_rate, **each.parameters}
            for each in setups
        ]
    )


def _draws(setups: Sequence[SetupEnergy]) -> int:
    return max(min(DRAWS, _MOST_VALUES // len(setups)), _FEWEST_DRAWS)


def _logarithms(setup: SetupEnergy) -> list[float]:
    """Logarithms of what each repeat cost in joules, with the failures for each success."""
    return [math.log(value * _per_success(setup)) for value in _values(setup.energy_j)]


def _least_variances(setups: Sequence[SetupEnergy]) -> Floats:
    """Least variance of one repeat's logarithm, from the uncertainty of its readings. Shape (setups,)."""
    return np.asarray(
        [
            relative_deviation(each.uncertainty_own_j, each.energy_j.mean if each.energy_j else 1.0)
            ** 2
            for each in setups
        ]
    )


def _boards(setups: Sequence[SetupEnergy]) -> BoardEffects | None:
    """Effects of the boards; None where they are not known, or energies are estimated."""
    if any(each.estimated for each in setups):
        return None
    ran_on = [[board for board in each.boards if board is not None] for each in setups]
    if any(
        len(own) < len(_values(each.energy_j)) for own, each in zip(ran_on, setups, strict=True)
    ):
        return None
    calibrations = {
        board: (known_mean(s.calibration for s in setups if board in s.boards) or CALIBRATION)
        / HALF_WIDTH
        for board in sorted({board for own in ran_on for board in own})
    }
    return board_effects([_logarithms(each) for each in setups], ran_on, calibrations)


def _values(spread: Spread | None) -> tuple[float, ...]:
    return () if spread is None else spread.values


def _per_success(setup: SetupEnergy) -> float:
    """Factor by which failures raise the energy of a success; 1 where none failed."""
    overhead = None if setup.cost is None else setup.cost.overhead
    return math.exp(overhead or 0.0)
