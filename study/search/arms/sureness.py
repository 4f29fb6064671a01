"""Sureness of a search's answer, and the arm whose next training tells most.

The statistics are those of `study.inference`: logarithms of the energy to the target, and a spread that
arms share in part; each arm counts by itself. What a search adds is that most arms were paused: such a
training counts with what it promised to cost, and with the doubt `PREDICTION` beside that of its seed. A training that missed the target tells nothing of what those
need that reach it: what it used counts for them.

In a replay the answer is about the recorded trainings: there are only so many.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import betainc, betaln, binom

from study.inference.allocation import Rule, next_repeat
from study.inference.choice import Aim, choose
from study.inference.moderation import Usual
from study.inference.posterior import UNLIMITED, Posterior, of_all_recorded, posterior
from study.inference.repeats import Floats, Integers, Repeats
from study.search.arms.training import State, Training
from study.search.space.space import Choice

LATER, LEANING, FARTHEST = 0.3, 0.9, 1.5
"""Of logarithms over what it has used, a paused training that gets to the target comes to `LATER` more
than `LEANING` times its promise, and to no more than `FARTHEST`: promises of what hardly rises are
far too high (1,955 paused trainings of the made-up jobs 0 to 59 of `benchmarks.search.worlds`)."""

PREDICTION = 0.5
"""Standard deviation of the logarithm of what a paused training comes to, round that."""

CONTENDER = 3.0
"""An arm that costs more than the best times this is not compared: it would only blur how much
those differ that are near."""

DRAWS = 1000

FLAT = 2.0
"""Trainings that a flat distribution of a share is worth."""

USUAL = Usual(variance=0.25**2, worth=3.0)
"""Seeds of an arm differ by about this deviation of the logarithm, as long as little is known of
it: on recorded tables by 0.06 to 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """Present knowledge of the answer.

    Attributes:
        answer: The arm to use.
        right: Probability that it is at most 5 % dearer than the cheapest arm; None where no arm
            was trained twice, so that no spread is known.
        best: Probability that no other arm is cheaper; None likewise.
        repeat: The arm whose next training tells most; None where none would tell more.
        rights: Probability of being right of each arm that is compared, as `right`.
    """

    answer: Choice
    right: float | None
    best: float | None
    repeat: Choice | None
    rights: Mapping[Choice, float] = field(default_factory=dict)


def weigh(
    trainings: Mapping[Choice, Sequence[Training]],
    recorded: Mapping[Choice, int] | None = None,
    *,
    rule: Rule = Rule.KNOWLEDGE_GRADIENT,
) -> Sureness | None:
    """Weigh what is known; None where no arm has reached the target.

    Args:
        trainings: Of each arm.
        recorded: Trainings that there are of each arm; None where there is always one more.
        rule: Which training is repeated next.
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
    if not repeats.tell_a_spread:
        return Sureness(answer=lead, right=None, best=None, repeat=lead)
    every = np.asarray([_exist(trainings[arm], recorded, arm) for arm in arms])
    energy = _drawn(repeats, [trainings[arm] for arm in arms], every)
    energy = _by_itself(energy, _dearer_by_misses(trainings, arms, every))
    even = _even(energy)
    choice = choose(energy, even, Aim())
    place = int(choice.setup)
    if arms[place] not in able:  # never an arm that has not reached the target itself
        place = arms.index(lead)
    rights = {
        arm: float(right) * (1 - missed)
        for arm, right, missed in zip(arms, choice.right, misses, strict=True)
    }
    more = np.asarray([_has_more(trainings[arm], recorded, arm) for arm in arms])
    repeat = (
        arms[int(next_repeat(energy, even, Aim(), rule=rule, allowed=more))] if more.any() else None
    )
    return Sureness(
        answer=arms[place],
        right=rights[arms[place]],
        best=float(choice.cheapest[place]) * (1 - misses[place]),
        repeat=repeat,
        rights=rights,
    )


def _drawn(
    repeats: Repeats,
    trainings: Sequence[Sequence[Training]],
    every: Integers,
) -> Posterior:
    """Draws of what arms cost to the target."""
    reached = np.asarray([any(each.reached for each in many) for many in trainings])
    found = posterior(
        repeats,
        draws=DRAWS,
        usual=USUAL,
        least_variance=np.where(reached, 0.0, PREDICTION**2),
    )
    if found is None:
        message = "nothing is known of a spread"
        raise ValueError(message)
    return of_all_recorded(found, every, seen_means=_seen_means(repeats, trainings, every))


def _by_itself(drawn: Posterior, dearer: Floats) -> Posterior:
    """Draws of what arms cost, each by itself, with what misses add.

    Draws that lean on arms with the same values take effects of axes to add up. That names a good
    answer early; but an arm whose one training was unlucky is then as good as out of the question
    where its neighbours are dear, and is never trained again.
    """
    means = drawn.means + dearer
    return replace(drawn, means=means, pooled=means)


def _dearer_by_misses(
    trainings: Mapping[Choice, Sequence[Training]], arms: Sequence[Choice], every: Integers
) -> Floats:
    """Draws of the logarithm by which misses make an arm dearer than `_costs_j` takes it to be.

    Few trainings do not tell which share misses: it is drawn, from a beta distribution that begins at
    the share of all trainings of the search and is worth as much as a flat one. Of recorded trainings
    those are drawn that were not seen. Shape (draws, arms).
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
        taken = _dearer(trainings[arm])
        alone_j = math.exp(np.mean(np.log(costs_j))) / taken
        odds = np.minimum(drawn / np.maximum(1 - drawn, 0.5), 1.0)  # beyond, most miss: `_misses`
        found[:, place] = np.log1p(odds * np.mean(miss_j) / alone_j) - math.log(taken)
    return found


def _costs_j(trainings: Sequence[Training]) -> list[float]:
    """Cost of each training to the target, known or promised; none where all have missed it.

    What those used that missed it counts for those that reached it, as for a job that has to be
    trained again.
    """
    dearer = _dearer(trainings)
    return [each * dearer for each in _known_j(trainings)]


def _known_j(trainings: Sequence[Training]) -> list[float]:
    """Cost of each training that has not missed the target, known or promised."""
    return [
        each.promised_j if each.reached else _expected_j(each)
        for each in trainings
        if not each.missed and each.used_j > 0
    ]


def _dearer(trainings: Sequence[Training]) -> float:
    """Factor by which what missed makes those dearer that did not; 1 where nothing is known."""
    known = _known_j(trainings)
    missed_j = sum(each.used_j for each in trainings if each.missed)
    return 1 + missed_j / (len(known) * math.exp(np.mean(np.log(known)))) if known else 1.0


def _expected_j(training: Training) -> float:
    """Expected cost of a paused training: by its promise, as long as that is near."""
    promised = math.log(training.promised_j / training.used_j)
    return training.used_j * math.exp(min(LATER + LEANING * promised, FARTHEST))


def _exist(
    trainings: Sequence[Training], recorded: Mapping[Choice, int] | None, arm: Choice
) -> int:
    """Trainings of an arm whose mean is meant: all recorded ones that do not miss the target."""
    if recorded is None:
        return UNLIMITED
    others = sum(not each.missed for each in trainings)
    return max(1, others, recorded[arm] - (len(trainings) - others))


def _seen_means(
    repeats: Repeats, trainings: Sequence[Sequence[Training]], every: Integers
) -> Floats:
    """Draws of the means of the trainings that were begun. Shape (draws, arms).

    A paused one comes to something round what is expected of it, and to no less than it has used.
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
    """Return whether one more training of an arm would tell more."""
    is_paused = any(each.state is State.PAUSED and not each.again for each in trainings)
    return recorded is None or is_paused or len(trainings) < recorded[arm]


def _misses(
    trainings: Mapping[Choice, Sequence[Training]], arm: Choice, recorded: int | None
) -> float:
    """Probability that an arm misses the target with most seeds, though one has reached it.

    With a flat prior of its share of misses; less where hardly any training of the search that
    came to its end has missed.
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
    """Probability of so many misses, their share being drawn from a beta distribution."""
    ways = betaln(misses + missed, of - misses + reached) - betaln(missed, reached)
    return np.asarray(binom(of, misses) * np.exp(ways))


def _even(energy: Posterior) -> Posterior:
    """An objective in which no arm differs: all of them have reached the target."""
    count = energy.repeats.count
    none = np.zeros(count.shape)
    still = np.zeros_like(energy.means)
    return Posterior(
        repeats=Repeats(count=count, mean=none, variance=np.where(count > 1, 0.0, math.nan)),
        means=still,
        pooled=still,
        variances=still,
    )
