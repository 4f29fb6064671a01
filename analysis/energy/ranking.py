"""Which setup to use: by default the one that needs least energy among those accurate enough.

Accurate enough is a setup whose mean best validation accuracy is within a tolerance of the best
setup's. These come first, by the cost that was asked for (`analysis.energy.criteria`); the others follow
by accuracy; setups without a cost or an accuracy are not ranked.

Two setups tie when they cannot be told apart in energy (`analysis.energy.noise`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.energy.criteria import CRITERIA, Criterion, RankBy
from analysis.energy.noise import accuracy_noise, energy_noise_j, tied
from analysis.energy.spread import Interval, share_saved_interval
from analysis.energy.totals import SetupEnergy

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
            better in one of them beyond the noise of both (Pareto front).
        ties_with_first: Whether it is accurate enough, and its energy not distinguishable from
            the first place's.
        saving_against_best: Share of the most accurate setup's energy that it saves; negative
            where it needs more; None where that cannot be said.
        saving_against_worst: Share of the largest total energy that it saves.
        saving_against_baseline: Share of the baseline's energy that it saves; None without one.
        same_training_as: Setups with the same effective batch size and learning rate.
    """

    place: int | None
    setup: SetupEnergy
    accurate_enough: bool
    on_front: bool
    ties_with_first: bool
    saving_against_best: float | None
    saving_against_worst: float | None
    saving_against_baseline: float | None
    same_training_as: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All setups in order.

    Attributes:
        rows: Ranked setups first, then those without a place.
        tolerance: Accuracy that may be given up for energy; a share, 0.01 is one point.
        best: The most accurate setup; of several the one with least energy.
        worst: The setup with the largest total energy.
        by: What the order is by.
        baseline: The setup that the user compares with; None if none was named.
    """

    rows: tuple[RankedSetup, ...]
    tolerance: float
    best: SetupEnergy | None
    worst: SetupEnergy | None
    by: RankBy
    baseline: SetupEnergy | None

    @property
    def criterion(self) -> Criterion:
        """How the order came about."""
        return CRITERIA[self.by]

    @property
    def first(self) -> RankedSetup | None:
        """The recommended setup; None where no setup has both an energy and enough accuracy."""
        first = self.rows[0] if self.rows else None
        return first if first and first.place == 1 and first.accurate_enough else None


def rank(
    setups: Sequence[SetupEnergy],
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    by: RankBy = RankBy.ENERGY,
    baseline: int | None = None,
) -> Ranking:
    """Put the setups in order.

    Args:
        setups: Each of them once.
        tolerance: Accuracy that may be given up; a share in [0, 1].
        by: What is asked of a setup.
        baseline: Number of the setup to compare with.
    """
    criterion = CRITERIA[by]
    best = min(
        (each for each in setups if each.accuracy is not None),
        key=lambda each: (-_accuracy(each), _energy(each), each.setup),
        default=None,
    )
    worst = max((s for s in setups if s.total_j is not None), key=_energy, default=None)
    compared = next((each for each in setups if each.setup == baseline), None)
    bounded = best is not None and criterion.within_tolerance
    enough = _accuracy(best) - tolerance - _ROUNDING if best and bounded else -math.inf
    ordered = sorted(setups, key=lambda each: _order(each, enough, criterion))
    placed = [each for each in ordered if _comparable(each, criterion)]
    front = _front([each for each in setups if None not in (each.total_j, each.accuracy)])
    first = placed[0] if placed and _accuracy(placed[0]) >= enough else None

    def row(index: int, each: SetupEnergy) -> RankedSetup:
        accurate = each.accuracy is not None and each.accuracy >= enough
        return RankedSetup(
            place=None if index >= len(placed) else index + 1,
            setup=each,
            accurate_enough=accurate,
            on_front=each.setup in front,
            ties_with_first=accurate
            and first is not None
            and each is not first
            and tied(first, each),
            saving_against_best=saving(each, best),
            saving_against_worst=saving(each, worst),
            saving_against_baseline=saving(each, compared),
            same_training_as=_same_training(each, setups),
        )

    return Ranking(
        rows=tuple(row(index, each) for index, each in enumerate(ordered)),
        tolerance=tolerance,
        best=best,
        worst=worst,
        by=by,
        baseline=compared,
    )


def saving_interval(setup: SetupEnergy, reference: SetupEnergy | None) -> Interval | None:
    """Where the share that the setup saves lies with 95 % confidence; None with one repeat."""
    if reference is None or setup.energy_j is None or reference.energy_j is None:
        return None
    return share_saved_interval(reference.energy_j, setup.energy_j)


def saving(setup: SetupEnergy, reference: SetupEnergy | None) -> float | None:
    """Share of the reference's energy that the setup saves; None where either is not known."""
    if reference is None or setup.total_j is None or not reference.total_j:
        return None
    return 1 - setup.total_j / reference.total_j


def _comparable(setup: SetupEnergy, criterion: Criterion) -> bool:
    return criterion.cost(setup) is not None and setup.accuracy is not None


def _accuracy(setup: SetupEnergy) -> float:
    return -math.inf if setup.accuracy is None else setup.accuracy


def _energy(setup: SetupEnergy) -> float:
    return math.inf if setup.total_j is None else setup.total_j


def _order(setup: SetupEnergy, enough: float, criterion: Criterion) -> tuple[float, ...]:
    cost = criterion.cost(setup)
    if cost is None or setup.accuracy is None:
        return (2, setup.setup)
    if setup.accuracy >= enough:
        return (0, cost, -setup.accuracy, setup.setup)
    return (1, -setup.accuracy, cost, setup.setup)


def _front(setups: Sequence[SetupEnergy]) -> set[int]:
    """Numbers of the setups that no other dominates beyond the noise of both."""
    return {each.setup for each in setups if not any(_dominates(other, each) for other in setups)}


def _dominates(one: SetupEnergy, other: SetupEnergy) -> bool:
    saved, gained = _energy(other) - _energy(one), _accuracy(one) - _accuracy(other)
    if saved < 0 or gained < 0 or saved == gained == 0:
        return False
    return saved > energy_noise_j(one, other) or gained > accuracy_noise(one, other)


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
