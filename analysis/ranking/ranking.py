"""Ranking of setups, by default by least expected loss (`study.inference.choice`).

The loss is the energy, and a price for each point of accuracy that falls short of the tolerance. By
`ChoiceRule.THRESHOLD`, and by any other criterion than energy (`analysis.ranking.criteria`), setups
come first whose mean accuracy is within the tolerance of the best, by their cost; the others follow
by accuracy. Setups that cannot be distinguished from chance come after all these, and setups without a cost
or an accuracy are not ranked.

Two setups tie when the interval of what one saves against the other holds 0
(`analysis.ranking.evidence`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from analysis.energy.spread import Interval95
from analysis.energy.totals import SetupEnergy
from analysis.ranking.criteria import CRITERIA, Criterion, RankBy
from analysis.ranking.evidence import Evidence, PickedAs
from analysis.ranking.to_target import to_target_intervals
from analysis.ranking.tolerance import DEFAULT_TOLERANCE, allowed
from study.record.objective import ACCURACY, Objective

# Accuracies are shares of whole samples; less than this is how decimals are stored.
_ROUNDING = 1e-9


class ChoiceRule(StrEnum):
    """Rules by which the recommended setup is chosen."""

    EXPECTED = "expected"
    THRESHOLD = "threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedSetup:
    """A setup with its place.

    Attributes:
        place: From 1; None for a setup that has no energy or no accuracy.
        setup: The setup.
        accurate_enough: Whether its accuracy is within the tolerance of the best.
        on_front: Whether no other setup is at least as accurate with as little energy, and
            better in one of them beyond the noise of both (Pareto front).
        ties_with_first: Whether its energy cannot be told from the first place's.
        at_chance: Whether its accuracy cannot be distinguished from always naming the commonest class.
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
    at_chance: bool
    saving_against_best: float | None
    saving_against_worst: float | None
    saving_against_baseline: float | None
    same_training_as: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All setups in order.

    Attributes:
        rows: Ranked setups first, then those without a place.
        tolerance: What may be given up for energy; a share, 0.01 is one point of an objective that
            is a share and 1 % of the best setup's value of any other.
        best: The most accurate setup; of several the one with least energy.
        worst: The setup with the largest total energy.
        by: What the order is by.
        baseline: The setup that the user compares with; None if none was named.
        rule: How the first place is chosen.
        evidence: What the repeats allow to be said; None where no setup can be compared.
        objective: The validation metric that decides.
        answer: Setups that a search recommends, of which the first place is one; empty elsewhere.
        otherwise: Number of the setup that the other rule of choice would put first; None where there
            is none, and where setups are ranked by another criterion than energy.
        to_target: Intervals of the energy to the target, by setup; empty where the order is by another
            criterion.
    """

    rows: tuple[RankedSetup, ...]
    tolerance: float
    best: SetupEnergy | None
    worst: SetupEnergy | None
    by: RankBy
    baseline: SetupEnergy | None
    rule: ChoiceRule
    evidence: Evidence | None
    objective: Objective = ACCURACY
    answer: frozenset[int] = frozenset()
    otherwise: int | None = None
    to_target: Mapping[int, Interval95] = field(default_factory=dict)

    @property
    def tolerated(self) -> float | None:
        """Value of the objective from which a setup is good enough; None where none is known."""
        if self.best is None or self.best.accuracy is None:
            return None
        less = allowed(self.tolerance, [self.best], self.objective)
        return self.objective.gain(self.objective.gain(self.best.accuracy) - less)

    @property
    def by_expected_loss(self) -> bool:
        """Return whether the order is that of expected losses."""
        return self.rule is ChoiceRule.EXPECTED and self.by is RankBy.ENERGY

    @property
    def criterion(self) -> Criterion:
        """The criterion of the order."""
        return CRITERIA[self.by]

    @property
    def title(self) -> str:
        """The criterion in words, with the name of the objective."""
        return self.criterion.title.format(objective=self.objective.name)

    @property
    def first(self) -> RankedSetup | None:
        """The recommended setup; None where no setup has both an energy and enough accuracy."""
        if self.answer:
            leading = (row for row in self.rows[:1] if row.place)
            return next((row for row in leading if row.setup.setup in self.answer), None)
        if not any(row.place and row.accurate_enough for row in self.rows):
            return None
        first = self.rows[0]
        return first if first.accurate_enough or self.by_expected_loss else None

    @property
    def right(self) -> float | None:
        """Probability that the first place is right; None where that is not what it is first for.

        A search with one answer has a probability of its own, of what it was after.
        """
        first = self.first
        if not self.by_expected_loss or len(self.answer) == 1 or self.evidence is None:
            return None
        return None if first is None else self.evidence.right(first.setup.setup)


def rank(
    setups: Sequence[SetupEnergy],
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    by: RankBy = RankBy.ENERGY,
    baseline: int | None = None,
    rule: ChoiceRule = ChoiceRule.EXPECTED,
    evidence: Evidence | None = None,
    at_chance: AbstractSet[int] = frozenset(),
    objective: Objective = ACCURACY,
    answer: AbstractSet[int] = frozenset(),
) -> Ranking:
    """Put the setups in order.

    Args:
        setups: Each of them once.
        tolerance: What may be given up of the objective; a share, see `Ranking`.
        by: What is asked of a setup.
        baseline: Number of the setup to compare with.
        rule: How the first place is chosen, where setups are ranked by energy.
        evidence: What the repeats allow to be said.
        at_chance: Numbers of the setups whose accuracy cannot be distinguished from chance.
        objective: The validation metric that decides.
        answer: Setups that a search recommends: the one that comes first among them comes first of
            all, so that a search has one answer.
    """

    def gain(setup: SetupEnergy) -> float:
        return -math.inf if setup.accuracy is None else objective.gain(setup.accuracy)

    criterion = CRITERIA[by]
    best = min(
        (each for each in setups if each.accuracy is not None),
        key=lambda each: (-gain(each), _energy(each), each.setup),
        default=None,
    )
    worst = max((s for s in setups if s.total_j is not None), key=_energy, default=None)
    compared = next((each for each in setups if each.setup == baseline), None)
    bounded = best is not None and criterion.within_tolerance
    enough = -math.inf
    if best is not None and bounded:
        enough = gain(best) - allowed(tolerance, setups, objective) - _ROUNDING
    expected = {} if evidence is None or by is not RankBy.ENERGY else evidence.expected_loss
    losses, other = (expected, {}) if rule is ChoiceRule.EXPECTED else ({}, expected)
    last = at_chance if any(each.setup not in at_chance for each in setups) else frozenset()

    def in_order(losses: Mapping[int, float]) -> list[SetupEnergy]:
        return sorted(
            setups, key=lambda each: _order(each, gain(each), enough, criterion, losses, last)
        )

    ordered = in_order(losses)
    found = next((s for s in ordered if s.setup in answer and _comparable(s, criterion)), None)
    if found is not None:
        ordered = [found, *(each for each in ordered if each is not found)]
    placed = [each for each in ordered if _comparable(each, criterion)]
    front = _front(
        [s for s in setups if s.setup not in last and None not in (s.total_j, s.accuracy)],
        gain,
        evidence,
    )
    first = placed[0] if placed else None
    by_other = in_order(other)[0] if expected else None
    if by_other and not (_comparable(by_other, criterion) and (other or gain(by_other) >= enough)):
        by_other = None

    def row(index: int, each: SetupEnergy) -> RankedSetup:
        accurate = each.accuracy is not None and gain(each) >= enough
        return RankedSetup(
            place=None if index >= len(placed) else index + 1,
            setup=each,
            accurate_enough=accurate,
            on_front=each.setup in front,
            ties_with_first=first is not None
            and each is not first
            and _tied(evidence, first, each, picked_as(each, best, worst)),
            at_chance=each.setup in at_chance,
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
        rule=rule,
        evidence=evidence,
        objective=objective,
        answer=frozenset(answer),
        otherwise=None if by_other is None else by_other.setup,
        to_target=to_target_intervals(setups) if by is RankBy.ENERGY_TO_TARGET else {},
    )


def saving(setup: SetupEnergy, reference: SetupEnergy | None) -> float | None:
    """Share of the reference's energy that the setup saves; None where either is not known."""
    if reference is None or setup.total_j is None or not reference.total_j:
        return None
    return 1 - setup.total_j / reference.total_j


def _comparable(setup: SetupEnergy, criterion: Criterion) -> bool:
    return criterion.cost(setup) is not None and setup.accuracy is not None


def _energy(setup: SetupEnergy) -> float:
    return math.inf if setup.total_j is None else setup.total_j


def _order(
    setup: SetupEnergy,
    gain: float,
    enough: float,
    criterion: Criterion,
    losses: Mapping[int, float],
    last: AbstractSet[int],
) -> tuple[float, ...]:
    cost = criterion.cost(setup)
    if cost is None or setup.accuracy is None:
        return (3, setup.setup)
    if setup.setup in last:
        return (2, -gain, cost, setup.setup)
    if setup.setup in losses:
        return (0, losses[setup.setup], cost, -gain, setup.setup)
    # What has a repeat without energy (less idle power) has no logarithm of one, and no loss.
    if gain >= enough and not losses:
        return (0, cost, -gain, setup.setup)
    return (1, -gain, cost, setup.setup)


def picked_as(
    setup: SetupEnergy, best: SetupEnergy | None, worst: SetupEnergy | None
) -> PickedAs | None:
    """Return what the repeats picked a setup out for; None where they did not."""
    if best is not None and setup.setup == best.setup:
        return "against_best"
    return "against_costliest" if worst is not None and setup.setup == worst.setup else None


def _tied(
    evidence: Evidence | None, first: SetupEnergy, other: SetupEnergy, picked: PickedAs | None
) -> bool:
    """Return whether it is open which of two setups needs less energy; False without evidence."""
    if evidence is None or evidence.saving(first.setup, other.setup) is None:
        return False
    return not evidence.told_apart(first.setup, other.setup, picked=picked)


def _front(
    setups: Sequence[SetupEnergy],
    gain: Callable[[SetupEnergy], float],
    evidence: Evidence | None,
) -> set[int]:
    """Numbers of the setups that no other dominates beyond the noise of both."""
    return {
        each.setup
        for each in setups
        if not any(_dominates(other, each, gain(other) - gain(each), evidence) for other in setups)
    }


def _dominates(
    one: SetupEnergy, other: SetupEnergy, gained: float, evidence: Evidence | None
) -> bool:
    saved = _energy(other) - _energy(one)
    if saved < 0 or gained < 0 or saved == gained == 0:
        return False
    if evidence is None or evidence.doubt is None:
        return True
    return evidence.told_apart(one.setup, other.setup) or evidence.told_apart_in_accuracy(
        one.setup, other.setup
    )


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
