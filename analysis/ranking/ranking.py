"""Ranking of setups, by default by least expected loss (`study.inference.choice`).

The loss is the logarithm of the energy, plus a price for each point by which the accuracy falls short
of the best by more than the tolerance. With `ChoiceRule.THRESHOLD`, setups whose mean accuracy is
within the tolerance of the best come first, ordered by energy, and the others follow by accuracy.
Any other criterion than energy (`analysis.ranking.criteria`) orders in that way by its own cost; some
ignore the tolerance. Setups that cannot be distinguished from chance come after all these, and
setups without a cost or an accuracy have no place.

Two setups tie if the 95 % interval of the saving of one against the other contains 0
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
from analysis.ranking.evidence import Evidence, SelectedAs
from analysis.ranking.to_target import to_target_intervals
from analysis.ranking.tolerance import DEFAULT_TOLERANCE, allowed_shortfall
from study.record.objective import ACCURACY, Objective

# Accuracies are fractions of a number of samples; smaller differences than this are rounding errors.
_ROUNDING = 1e-9


class ChoiceRule(StrEnum):
    """Rules by which the recommended setup is chosen."""

    EXPECTED = "expected"
    THRESHOLD = "threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedSetup:
    """A setup and its place in the ranking.

    Attributes:
        place: Place from 1; None for a setup without a cost or an accuracy.
        setup: Energy and accuracy of the setup.
        accurate_enough: Whether its mean accuracy is within the tolerance of the best; True for any
            accuracy if the criterion has no tolerance.
        on_front: Whether it is on the Pareto front of accuracy and energy: no other setup is at least
            as accurate with at most its energy and, beyond the noise of both, better in one of them.
        ties_with_first: Whether its energy cannot be distinguished from that of the first place.
        at_chance: Whether its accuracy cannot be distinguished from always predicting one class.
        saving_against_best: Share of the most accurate setup's energy that it saves; None if unknown.
        saving_against_worst: Share of the largest total energy that it saves; None if unknown.
        saving_against_baseline: Share of the baseline's energy that it saves; None without a baseline.
        same_training_as: Other setups with the same effective batch size, rate and further parameters.
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
    """All setups of a study in order, with what the order is based on.

    Attributes:
        rows: Ranked setups first, then those without a place.
        tolerance: How much of the objective may be given up to save energy, as a fraction: 0.01 is one
            percentage point if the objective is a share, and 1 % of the best setup's value otherwise.
        best: The most accurate setup, of several the one with the least energy; None if no accuracy
            is known.
        worst: The setup with the largest total energy; None if no energy is known.
        by: Criterion that the setups are ranked by.
        baseline: Setup that the user compares with; None if none was named.
        rule: Rule that chooses the first place when ranking by energy.
        evidence: Intervals and probabilities from the repeats; None if no setup can be compared.
        objective: The validation metric that decides.
        answer: Numbers of the setups that a search recommends, of which one has the first place; empty
            if the study is not a search.
        other_rule_setup: Number of the setup that the other choice rule would put first; None if there is
            none, or if setups are ranked by another criterion than energy.
        to_target: 95 % interval of the energy to the target in joules, by setup; empty if setups are
            ranked by another criterion.
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
    other_rule_setup: int | None = None
    to_target: Mapping[int, Interval95] = field(default_factory=dict)

    @property
    def tolerated(self) -> float | None:
        """Worst value of the objective that is within the tolerance of the best; None if none is known."""
        if self.best is None or self.best.accuracy is None:
            return None
        less = allowed_shortfall(self.tolerance, [self.best], self.objective)
        return self.objective.gain(self.objective.gain(self.best.accuracy) - less)

    @property
    def by_expected_loss(self) -> bool:
        """Return whether setups are ordered by expected loss."""
        return self.rule is ChoiceRule.EXPECTED and self.by is RankBy.ENERGY

    @property
    def criterion(self) -> Criterion:
        """The criterion that the setups are ranked by."""
        return CRITERIA[self.by]

    @property
    def title(self) -> str:
        """Title of the ranking: the criterion in words, with the name of the objective."""
        return self.criterion.title.format(objective=self.objective.name)

    @property
    def first(self) -> RankedSetup | None:
        """The recommended setup; None if no setup has both a cost and enough accuracy.

        In a search it is one of its answers, or None if none of them has a cost.
        """
        if self.answer:
            leading = (row for row in self.rows[:1] if row.place)
            return next((row for row in leading if row.setup.setup in self.answer), None)
        if not any(row.place and row.accurate_enough for row in self.rows):
            return None
        first = self.rows[0]
        return first if first.accurate_enough or self.by_expected_loss else None

    @property
    def probability_right(self) -> float | None:
        """Probability that the first place is right; None if the first place is not chosen by expected loss.

        None also for a search with a single answer, which has its own probability
        (`analysis.search.probability_of_best`).
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
    """Rank the setups.

    Args:
        setups: Energies of the setups, each setup once.
        tolerance: How much of the objective may be given up, as a fraction; see `Ranking`.
        by: Criterion to rank by.
        baseline: Number of the setup to compare with; None: no baseline.
        rule: Rule that chooses the first place when ranking by energy.
        evidence: Intervals and probabilities from the repeats, with the expected losses; None if no
            setup can be compared.
        at_chance: Numbers of the setups whose accuracy cannot be distinguished from chance.
        objective: The validation metric that decides.
        answer: Numbers of the setups that a search recommends: the one that ranks first among them is
            put first of all, so that ranking and search agree.
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
        enough = gain(best) - allowed_shortfall(tolerance, setups, objective) - _ROUNDING
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
            and _tied(evidence, first, each, selection_of(each, best, worst)),
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
        other_rule_setup=None if by_other is None else by_other.setup,
        to_target=to_target_intervals(setups) if by is RankBy.ENERGY_TO_TARGET else {},
    )


def saving(setup: SetupEnergy, reference: SetupEnergy | None) -> float | None:
    """Return the share of the reference's energy that the setup saves; None if either is unknown."""
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
    # A repeat of 0 J (idle power subtracted) has no logarithm, so its setup has no expected loss.
    if gain >= enough and not losses:
        return (0, cost, -gain, setup.setup)
    return (1, -gain, cost, setup.setup)


def selection_of(
    setup: SetupEnergy, best: SetupEnergy | None, worst: SetupEnergy | None
) -> SelectedAs | None:
    """Return which reference a setup was selected as by its repeats; None if it was not selected."""
    if best is not None and setup.setup == best.setup:
        return "against_best"
    return "against_costliest" if worst is not None and setup.setup == worst.setup else None


def _tied(
    evidence: Evidence | None,
    first: SetupEnergy,
    other: SetupEnergy,
    selected_as: SelectedAs | None,
) -> bool:
    """Return whether two setups cannot be told apart in energy; False without an interval."""
    if evidence is None or evidence.saving(first.setup, other.setup) is None:
        return False
    return not evidence.differ_in_energy(first.setup, other.setup, selected_as=selected_as)


def _front(
    setups: Sequence[SetupEnergy],
    gain: Callable[[SetupEnergy], float],
    evidence: Evidence | None,
) -> set[int]:
    """Return the numbers of the setups that no other dominates beyond the noise of both."""
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
    if evidence is None or evidence.posteriors is None:
        return True
    return evidence.differ_in_energy(one.setup, other.setup) or evidence.differ_in_accuracy(
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
