"""Which setup to use: the one that needs least energy among those that are accurate enough.

Accurate enough is a setup whose mean best validation accuracy is within a tolerance of the best
setup's. These come first, by mean total energy; the others follow by accuracy; setups without an
energy or an accuracy are not ranked.

Two setups tie when their mean energies differ by less than the standard deviation of that
difference over repeats, sqrt(s1^2 + s2^2). With one repeat it is not known, and nobody ties.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.energy import SetupEnergy

DEFAULT_TOLERANCE = 0.01

# Accuracies are shares of whole samples; less than this is how decimals are stored.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedSetup:
    """A setup with its place.

    Attributes:
        place: From 1; None for a setup that has no energy or no accuracy.
        setup: The setup.
        accurate_enough: Whether its accuracy is within the tolerance of the best.
        on_front: Whether no other setup is at least as accurate with as little energy, and
            better in one of them (Pareto front).
        ties_with_first: Whether it is accurate enough, and its energy not distinguishable from
            the first place's.
        saving_against_best: Share of the most accurate setup's energy that it saves; negative
            where it needs more; None where that cannot be said.
        saving_against_worst: Share of the largest total energy that it saves.
        same_training_as: Setups with the same effective batch size and learning rate.
    """

    place: int | None
    setup: SetupEnergy
    accurate_enough: bool
    on_front: bool
    ties_with_first: bool
    saving_against_best: float | None
    saving_against_worst: float | None
    same_training_as: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All setups in order.

    Attributes:
        rows: Ranked setups first, then those without a place.
        tolerance: Accuracy that may be given up for energy; a share, 0.01 is one point.
        best: The most accurate setup; of several the one with least energy.
        worst: The setup with the largest total energy.
    """

    rows: tuple[RankedSetup, ...]
    tolerance: float
    best: SetupEnergy | None
    worst: SetupEnergy | None

    @property
    def first(self) -> RankedSetup | None:
        """The recommended setup; None where no setup has both an energy and enough accuracy."""
        first = self.rows[0] if self.rows else None
        return first if first and first.place == 1 and first.accurate_enough else None


def rank(setups: Sequence[SetupEnergy], *, tolerance: float = DEFAULT_TOLERANCE) -> Ranking:
    """Put the setups in order of energy, among those that are accurate enough.

    Args:
        setups: Each of them once.
        tolerance: Accuracy that may be given up; a share in [0, 1].
    """
    best = min(
        (each for each in setups if each.accuracy is not None),
        key=lambda each: (-_accuracy(each), _energy(each), each.setup),
        default=None,
    )
    worst = max((s for s in setups if s.total_j is not None), key=_energy, default=None)
    enough = math.inf if best is None else _accuracy(best) - tolerance - _ROUNDING
    ordered = sorted(setups, key=lambda each: _order(each, enough))
    placed = [each for each in ordered if _comparable(each)]
    front = _front(placed)
    first = placed[0] if placed and _accuracy(placed[0]) >= enough else None
    return Ranking(
        rows=tuple(
            RankedSetup(
                place=None if index >= len(placed) else index + 1,
                setup=each,
                accurate_enough=each.accuracy is not None and each.accuracy >= enough,
                on_front=each.setup in front,
                ties_with_first=first is not None
                and each is not first
                and _accuracy(each) >= enough
                and tied(first, each),
                saving_against_best=saving(each, best),
                saving_against_worst=saving(each, worst),
                same_training_as=_same_training(each, setups),
            )
            for index, each in enumerate(ordered)
        ),
        tolerance=tolerance,
        best=best,
        worst=worst,
    )


def saving(setup: SetupEnergy, reference: SetupEnergy | None) -> float | None:
    """Share of the reference's energy that the setup saves; None where either is not known."""
    if reference is None or setup.total_j is None or not reference.total_j:
        return None
    return 1 - setup.total_j / reference.total_j


def tied(one: SetupEnergy, other: SetupEnergy) -> bool:
    """Whether the repeats leave open which of two setups needs less energy."""
    if one.energy_j is None or other.energy_j is None:
        return False
    if one.energy_j.std is None or other.energy_j.std is None:
        return False
    noise_j = math.hypot(one.energy_j.std, other.energy_j.std)
    return abs(one.energy_j.mean - other.energy_j.mean) < noise_j


def _comparable(setup: SetupEnergy) -> bool:
    return setup.total_j is not None and setup.accuracy is not None


def _accuracy(setup: SetupEnergy) -> float:
    return -math.inf if setup.accuracy is None else setup.accuracy


def _energy(setup: SetupEnergy) -> float:
    return math.inf if setup.total_j is None else setup.total_j


def _order(setup: SetupEnergy, enough: float) -> tuple[float, ...]:
    if not _comparable(setup):
        return (2, setup.setup)
    if _accuracy(setup) >= enough:
        return (0, _energy(setup), -_accuracy(setup), setup.setup)
    return (1, -_accuracy(setup), _energy(setup), setup.setup)


def _front(setups: Sequence[SetupEnergy]) -> set[int]:
    """Numbers of the setups on the Pareto front: walk up in energy, keep each gain in accuracy."""
    front: set[int] = set()
    reached = (-math.inf, math.inf)
    for each in sorted(setups, key=lambda s: (_energy(s), -_accuracy(s))):
        point = (_accuracy(each), _energy(each))
        if point[0] > reached[0] or point == reached:
            front.add(each.setup)
            reached = point
    return front


def _same_training(setup: SetupEnergy, setups: Sequence[SetupEnergy]) -> tuple[int, ...]:
    if setup.effective_batch_size is None:
        return ()
    return tuple(
        other.setup
        for other in setups
        if other.setup != setup.setup
        and other.effective_batch_size == setup.effective_batch_size
        and other.learning_rate == setup.learning_rate
        and other.parameters == setup.parameters
    )
