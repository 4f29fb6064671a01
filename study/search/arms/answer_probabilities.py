"""Probability that a search's answer is right, and the arm whose next training is most informative.

The statistics are those of `study.inference`: logarithms of the energy to the target, with a variance that
is partly shared between arms, but without pooling their means. Unlike in a grid, most arms were paused in
a search: such a training counts with its predicted cost, with the uncertainty `PREDICTION` added to that
of its seed. A training that missed the target says nothing about the cost of those that reach it; its
energy is charged to them.

In a replay the answer refers to the recorded trainings, of which there is a finite number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import betainc, betaln, binom

from study.inference.allocation import Rule, next_repeat
from study.inference.choice import Aim, choose
from study.inference.moderation import VariancePrior
from study.inference.posterior import UNLIMITED, Posterior, of_all_recorded, posterior
from study.inference.repeats import Floats, Integers, Repeats
from study.search.arms.training import State, Training
from study.search.space.space import Choice

COST_OFFSET, COST_SLOPE, MAX_LOG_COST = 0.3, 0.9, 1.5
"""Coefficients for the expected cost of a paused training that would reach the target.

On the log scale and relative to the energy used so far, the cost is `COST_OFFSET` plus `COST_SLOPE` times the
predicted one, but at most `MAX_LOG_COST`, because predictions for curves that hardly rise are far too high.
Fitted to 1,955 paused trainings of the synthetic jobs 0 to 59 of `benchmarks.search.worlds`."""

PREDICTION = 0.5
"""Standard deviation of the log cost of a paused training around its expected value."""

CONTENDER = 3.0
"""Arms that cost more than this times the best are not compared.

They would only distort the estimated spread of the arms close to the best."""

DRAWS = 1000

FLAT = 2.0
"""Weight of a flat prior for a share, in trainings."""

VARIANCE_PRIOR = VariancePrior(variance=0.25**2, degrees_of_freedom=3.0)
"""Prior for the variance of the log cost between seeds of an arm.

On recorded tables the standard deviation is between 0.06 and 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerProbabilities:
    """Present answer of a search, with its probabilities.

    Attributes:
        answer: The arm to use.
        right: Probability that it needs at most 5 % more energy than the cheapest arm; None where no arm
            was trained twice, so that no spread is known.
        best: Probability that no other arm is cheaper; None where `right` is None.
        repeat: The arm whose next training is most informative; None where none would add information.
        right_by_arm: The same probability as `right` for each arm that is compared; empty where unknown.
    """

    answer: Choice
    right: float | None
    best: float | None
    repeat: Choice | None
    right_by_arm: Mapping[Choice, float] = field(default_factory=dict)


def assess(
    trainings: Mapping[Choice, Sequence[Training]],
    recorded: Mapping[Choice, int] | None = None,
    *,
    rule: Rule = Rule.KNOWLEDGE_GRADIENT,
) -> AnswerProbabilities | None:
    """Return the answer and its probabilities; None where no arm has reached the target.

    Args:
        trainings: Trainings of each arm.
        recorded: Number of recorded trainings of each arm, in a replay; None where another one can
            always be trained.
        rule: Rule that chooses what is repeated next.
    """
    costs = {arm: costs_j for arm, many in trainings.items() if (costs_j := _costs_j(many))}
    means = {arm: math.exp(np.mean(np.log(each))) for arm, each in costs.items()}
    able = {arm: j for arm, j in means.items() if any(t.reached for t in trainings[arm])}
    if not able:
        return None
    lead = min(able, key=lambda arm: able[arm])
    arms = [arm for arm, j in means.items() if j <= able[lead] * CONTENDER]
    misses = [_misses(trainings, arm, None if recorded is None else recorded[arm]) for arm in arms]
    repeats = Repeats.of_energies_j([costs[arm] for arm in arms])
    if not repeats.have_spread:
        return AnswerProbabilities(answer=lead, right=None, best=None, repeat=lead)
    every = np.asarray([_exist(trainings[arm], recorded, arm) for arm in arms])
    energy = _drawn(repeats, [trainings[arm] for arm in arms], every)
    energy = _unpooled(energy, _log_miss_factors(trainings, arms, every))
    objective = _constant_objective(energy)
    choice = choose(energy, objective, Aim())
    place = int(choice.setup)
    if arms[place] not in able:  # the answer must be an arm that has itself reached the target
        place = arms.index(lead)
    right_by_arm = {
        arm: float(right) * (1 - missed)
        for arm, right, missed in zip(arms, choice.right, misses, strict=True)
    }
    more = np.asarray([_has_more(trainings[arm], recorded, arm) for arm in arms])
    repeat = (
        arms[int(next_repeat(energy, objective, Aim(), rule=rule, allowed=more))]
        if more.any()
        else None
    )
    return AnswerProbabilities(
        answer=arms[place],
        right=right_by_arm[arms[place]],
        best=float(choice.cheapest[place]) * (1 - misses[place]),
        repeat=repeat,
        right_by_arm=right_by_arm,
    )


def _drawn(
    repeats: Repeats,
    trainings: Sequence[Sequence[Training]],
    every: Integers,
) -> Posterior:
    """Return posterior draws of the log energy to the target of each arm."""
    reached = np.asarray([any(each.reached for each in many) for many in trainings])
    found = posterior(
        repeats,
        draws=DRAWS,
        variance_prior=VARIANCE_PRIOR,
        least_variance=np.where(reached, 0.0, PREDICTION**2),
    )
    if found is None:
        message = "nothing is known of a spread"
        raise ValueError(message)
    return of_all_recorded(found, every, seen_means=_seen_means(repeats, trainings, every))


def _unpooled(drawn: Posterior, log_miss_factors: Floats) -> Posterior:
    """Return the draws without pooling, with the cost of missed targets added.

    Pooled draws assume that the effects of axes are additive. That finds a good answer early, but an arm
    whose only training was unlucky, and whose neighbours are costly, would be practically excluded and
    never be trained again.
    """
    means = drawn.means + log_miss_factors
    return replace(drawn, means=means, pooled=means)


def _log_miss_factors(
    trainings: Mapping[Choice, Sequence[Training]], arms: Sequence[Choice], every: Integers
) -> Floats:
    """Draw how much, in logarithms, missed targets change an arm's cost relative to `_costs_j`.

    A few trainings do not determine the share that misses the target. It is drawn from a beta
    distribution whose prior is centred on the share of all trainings of the search, with the weight of a
    flat prior. For recorded trainings, the number of misses among those not seen is drawn. Shape
    (draws, arms).
    """
    ended = [each for many in trainings.values() for each in many if each.state is State.ENDED]
    missed = [each for each in ended if each.missed]
    share = (len(missed) + 0.5) / (len(ended) + 1)
    source = np.random.default_rng(2)
    found = np.zeros((DRAWS, len(arms)))
    for place, arm in enumerate(arms):
        costs_j = _costs_j(trainings[arm])
        own = [each for each in trainings[arm] if each.missed]
        miss_j = [each.used_j for each in own or missed]
        if not miss_j:
            continue
        reached = sum(each.reached for each in trainings[arm])
        drawn = source.beta(len(own) + FLAT * share, reached + FLAT * (1 - share), size=DRAWS)
        if every[place] != UNLIMITED:
            exist = int(every[place]) + len(own)
            more = source.binomial(max(0, exist - reached - len(own)), drawn)
            drawn = (len(own) + more) / exist
        taken = _miss_factor(trainings[arm])
        alone_j = math.exp(np.mean(np.log(costs_j))) / taken
        odds = np.minimum(drawn / np.maximum(1 - drawn, 0.5), 1.0)  # `_misses` covers higher odds
        found[:, place] = np.log1p(odds * np.mean(miss_j) / alone_j) - math.log(taken)
    return found


def _costs_j(trainings: Sequence[Training]) -> list[float]:
    """Return the energy to the target of each training, known or expected; empty where all missed it.

    The energy of trainings that missed the target is charged to the others, as for a job that has to be
    trained again.
    """
    miss_factor = _miss_factor(trainings)
    return [each * miss_factor for each in _known_j(trainings)]


def _known_j(trainings: Sequence[Training]) -> list[float]:
    """Return the energy to the target of each training that has not missed it, known or expected."""
    return [
        each.estimated_cost_j if each.reached else _expected_j(each)
        for each in trainings
        if not each.missed and each.used_j > 0
    ]


def _miss_factor(trainings: Sequence[Training]) -> float:
    """Return the factor by which missed trainings raise the cost of the others; 1 where unknown."""
    known = _known_j(trainings)
    missed_j = sum(each.used_j for each in trainings if each.missed)
    return 1 + missed_j / (len(known) * math.exp(np.mean(np.log(known)))) if known else 1.0


def _expected_j(training: Training) -> float:
    """Return the expected cost of a paused training, from its predicted cost; see `COST_OFFSET`."""
    log_estimate = math.log(training.estimated_cost_j / training.used_j)
    return training.used_j * math.exp(min(COST_OFFSET + COST_SLOPE * log_estimate, MAX_LOG_COST))


def _exist(
    trainings: Sequence[Training], recorded: Mapping[Choice, int] | None, arm: Choice
) -> int:
    """Return the number of trainings whose mean is estimated: the recorded ones that reach the target.

    `UNLIMITED` where another one can always be trained.
    """
    if recorded is None:
        return UNLIMITED
    others = sum(not each.missed for each in trainings)
    return max(1, others, recorded[arm] - (len(trainings) - others))


def _seen_means(
    repeats: Repeats, trainings: Sequence[Sequence[Training]], every: Integers
) -> Floats:
    """Draw the means of the trainings that were started. Shape (draws, arms).

    The final cost of a paused one varies around its expected cost, and is at least what it has used.
    """
    source = np.random.default_rng(1)
    means = np.broadcast_to(repeats.mean, (DRAWS, len(every))).copy()
    for place, many in enumerate(trainings):
        paused = [t for t in many if not t.reached and not t.missed and t.used_j > 0]
        for each in paused:
            expected, used = math.log(_expected_j(each)), math.log(each.used_j)
            drawn = np.maximum(expected + PREDICTION * source.standard_normal(DRAWS), used)
            means[:, place] += (drawn - expected) / repeats.count[place]
    return means


def _has_more(
    trainings: Sequence[Training], recorded: Mapping[Choice, int] | None, arm: Choice
) -> bool:
    """Return whether an arm can be trained further: another training, or resuming a paused one."""
    is_paused = any(each.state is State.PAUSED and not each.repeat_number for each in trainings)
    return recorded is None or is_paused or len(trainings) < recorded[arm]


def _misses(
    trainings: Mapping[Choice, Sequence[Training]], arm: Choice, recorded: int | None
) -> float:
    """Return the probability that an arm misses the target with most of its seeds.

    The share of misses has a flat prior. For an arm without a miss the probability is reduced where few
    of the search's ended trainings have missed the target.
    """
    reached = sum(each.reached for each in trainings[arm])
    missed = sum(each.missed for each in trainings[arm])
    ended = [each for many in trainings.values() for each in many if each.state is State.ENDED]
    share = (sum(each.missed for each in ended) + 0.5) / (len(ended) + 1)
    if recorded is None:
        alone = float(betainc(reached + 1, missed + 1, 0.5))
    else:
        left = max(0, recorded - reached - missed)
        most = np.arange(max(0, math.ceil(recorded / 2) - missed), left + 1)
        alone = float(_beta_binomial(most, left, missed + 1, reached + 1).sum())
    return alone if missed else alone * min(1.0, 2 * share)


def _beta_binomial(misses: Integers, of: int, missed: int, reached: int) -> Floats:
    """Return the beta-binomial probability of each number of misses among `of` trainings."""
    ways = betaln(misses + missed, of - misses + reached) - betaln(missed, reached)
    return np.asarray(binom(of, misses) * np.exp(ways))


def _constant_objective(energy: Posterior) -> Posterior:
    """Return an objective that is equal for all arms, since the target makes them equivalent."""
    count = energy.repeats.count
    none = np.zeros(count.shape)
    still = np.zeros_like(energy.means)
    return Posterior(
        repeats=Repeats(count=count, mean=none, variance=np.where(count > 1, 0.0, math.nan)),
        means=still,
        pooled=still,
        variances=still,
    )
