"""Intervals, ties and probabilities of a study's setups, from their repeats.

The model is that of `study.inference`: logarithms of energies, with the setups' variances partially
pooled. The cost of a setup is the energy of all its trainings per successful one. If no setup has two
repeats there is no interval and no probability, and setups are compared by their means alone.
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
    SelectionBias,
    saving_against_selected,
    selected_interval,
    selected_interval_j,
    selection_bias,
)
from study.record.objective import ACCURACY, Objective

SelectedAs = Literal["against_costliest", "against_best"]
"""Why a reference was selected; named like the selection bias in `study.inference.selection.SelectionBias`."""

_MOST_VALUES, _FEWEST_DRAWS = 2_000_000, 1000
"""Limit of draws x setups, which lowers the number of draws for many setups; and its lower bound."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posteriors:
    """Posteriors of energy and objective, and the choice that follows from them.

    Attributes:
        energy: Posterior of the setups' mean logarithms of joules.
        objective: Posterior of the setups' mean objective, turned so that higher is better; on the
            scale of `Evidence.scale` unless the objective is a share.
        choice: Choice by expected loss, with probabilities of each setup.
        selection_bias: Bias of the figures of setups that were selected for them (winner's curse).
    """

    energy: Posterior
    objective: Posterior
    choice: Choice
    selection_bias: SelectionBias


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Intervals, comparisons and probabilities of the setups that have an energy and an accuracy.

    For a setup without both, or if no setup has two repeats, its methods return None or False.

    Attributes:
        index_of: Index of each setup in all arrays, by setup number.
        aim: Requirements on a setup: tolerance and preference.
        expected_loss: Expected loss of each setup, in units of the logarithm of energy, minus that
            of the best one.
        posteriors: Posteriors from the repeats; None if no setup has two repeats.
        objective: The validation metric that decides.
        boards: Differences between boards, which were removed from the energies; None if unknown.
        scale: Scale on which the objective was drawn; None if the objective is a share.
    """

    index_of: Mapping[int, int]
    aim: Aim
    expected_loss: Mapping[int, float]
    posteriors: Posteriors | None
    objective: Objective = ACCURACY
    boards: BoardEffects | None = None
    scale: RelativeGains | None = None

    @property
    def chosen(self) -> int:
        """Number of the setup with the least expected loss."""
        return min(self.expected_loss, key=lambda number: (self.expected_loss[number], number))

    def total_j(self, setup: int) -> Interval95 | None:
        """Return the 95 % interval of a setup's energy per training in joules, with the meter's error.

        For the chosen setup it is corrected for the selection (winner's curse).
        """
        if self.posteriors is None or setup not in self.index_of:
            return None
        place, energy = self.index_of[setup], self.posteriors.energy
        if setup == self.chosen:
            return Interval95.of(
                selected_interval_j(energy, place, self.posteriors.selection_bias.energy)
            )
        return Interval95.of(intervals.total_interval_j(energy, place))

    def accuracy(self, setup: int) -> Interval95 | None:
        """Return the 95 % interval of a setup's mean best value of the objective; within [0, 1] for a share.

        For the chosen setup it is corrected for the selection (winner's curse).
        """
        if self.posteriors is None or setup not in self.index_of:
            return None
        place, gains = self.index_of[setup], self.posteriors.objective
        if setup == self.chosen:
            found = Interval95.of(
                selected_interval(gains, place, self.posteriors.selection_bias.objective)
            )
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
        self, setup: int, reference: int, *, selected_as: SelectedAs | None = None
    ) -> Interval95 | None:
        """Return the 95 % interval of the share of the reference's energy that a setup saves.

        Args:
            setup: Number of the setup.
            reference: Number of the setup that it is compared with.
            selected_as: Why the same repeats selected the reference, whose bias is then corrected if the
                setup is the chosen one; None: the reference was named beforehand.
        """
        if self.posteriors is None or not {setup, reference} <= self.index_of.keys():
            return None
        energy, at, of = self.posteriors.energy, self.index_of[setup], self.index_of[reference]
        if selected_as is None or setup != self.chosen:
            return Interval95.of(intervals.saving_interval(energy, at, of))
        bias = getattr(self.posteriors.selection_bias, selected_as)
        return Interval95.of(saving_against_selected(energy, at, of, bias))

    def differ_in_energy(
        self, setup: int, reference: int, *, selected_as: SelectedAs | None = None
    ) -> bool:
        """Return whether two setups differ in energy: the interval of `saving` excludes 0."""
        found = self.saving(setup, reference, selected_as=selected_as)
        return found is not None and not found.low <= 0 <= found.high

    def differ_in_accuracy(self, setup: int, reference: int) -> bool:
        """Return whether two setups differ in accuracy: the 95 % interval of the difference excludes 0."""
        if self.posteriors is None or not {setup, reference} <= self.index_of.keys():
            return False
        drawn = intervals.difference(
            self.posteriors.objective, self.index_of[setup], self.index_of[reference]
        )
        return not bool(intervals.interval(drawn).holds(0.0))

    def within(self, setup: int) -> float | None:
        """Return the probability that a setup's accuracy is within the tolerance of the best."""
        return self._probability("within", setup)

    def cheapest(self, setup: int) -> float | None:
        """Return the probability that a setup is the cheapest of those within the tolerance."""
        return self._probability("cheapest", setup)

    def right(self, setup: int) -> float | None:
        """Return the probability that a setup is within the tolerance and needs at most 5 % more energy than the cheapest such."""
        return self._probability("right", setup)

    def most_accurate(self, setup: int) -> float | None:
        """Return the probability that no other setup is more accurate."""
        return self._probability("most_accurate", setup)

    def _probability(self, name: str, setup: int) -> float | None:
        if self.posteriors is None or setup not in self.index_of:
            return None
        return float(getattr(self.posteriors.choice, name)[self.index_of[setup]])


def evidence_of(
    setups: Sequence[SetupEnergy], aim: Aim, objective: Objective = ACCURACY
) -> Evidence | None:
    """Compute the evidence on the setups that have an accuracy and energies above 0; None if none has.

    Args:
        setups: Energies and accuracies of the setups.
        aim: Requirements on a setup; its tolerance and point are fractions, of the best setup's value
            unless the objective is a share.
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
    posteriors = None
    if energy is not None and gains is not None:
        posteriors = Posteriors(
            energy=energy,
            objective=gains,
            choice=choose(energy, gains, aim),
            selection_bias=selection_bias(energy, gains, aim),
        )
    loss = (
        losses(energies.repeats.mean, objectives.mean, aim)
        if posteriors is None
        else posteriors.choice.expected_loss
    )
    numbers = [each.setup for each in known]
    return Evidence(
        index_of={number: place for place, number in enumerate(numbers)},
        aim=aim,
        expected_loss=dict(zip(numbers, (loss - loss.min()).tolist(), strict=True)),
        posteriors=posteriors,
        objective=objective,
        boards=energies.boards,
        scale=scale,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Energies:
    """Energies of setups and their posterior.

    Attributes:
        repeats: Logarithms of joules, with the differences between boards removed.
        boards: Differences between the boards; None if unknown.
        posterior: Posterior of the mean logarithms, in the order of the setups; None if no setup has
            two repeats.
    """

    repeats: Repeats
    boards: BoardEffects | None
    posterior: Posterior | None


def energies_of(setups: Sequence[SetupEnergy]) -> Energies:
    """Compute the posterior of setups' energies, all of which must be above 0."""
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
    """Return the logarithm of each repeat's joules, including its share of the failed trainings."""
    return [math.log(value * _per_success(setup)) for value in _values(setup.energy_j)]


def _least_variances(setups: Sequence[SetupEnergy]) -> Floats:
    """Return the lower bound on the variance of a repeat's logarithm, from its readings' uncertainty.

    Returns:
        Array of shape (setups,).
    """
    return np.asarray(
        [
            relative_deviation(each.uncertainty_own_j, each.energy_j.mean if each.energy_j else 1.0)
            ** 2
            for each in setups
        ]
    )


def _boards(setups: Sequence[SetupEnergy]) -> BoardEffects | None:
    """Estimate the differences between boards; None if boards are unknown or energies are estimated."""
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
    """Return the factor by which failures raise the energy per success; 1 if none failed."""
    overhead = None if setup.cost is None else setup.cost.overhead
    return math.exp(overhead or 0.0)
