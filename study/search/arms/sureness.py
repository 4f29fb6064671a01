"""Sureness of a search's answer, and the arm whose next training tells most.

The statistics are those of `study.inference`: logarithms of the energy to the target, a spread that
arms share in part, draws that lean on arms with the same values. What a search adds is that most
arms were paused: such a training counts with what it promised to cost, and with the doubt
`PREDICTION` beside that of its seed. A training that missed the target tells nothing of what those
need that reach it: what it used counts for them.

In a replay the answer is about the recorded trainings: there are only so many.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import betainc
from scipy.stats import betabinom

from study.inference.allocation import Rule, next_repeat
from study.inference.choice import Aim, choose
from study.inference.moderation import Usual
from study.inference.posterior import UNLIMITED, Posterior, axes_of, of_all_recorded, posterior
from study.inference.repeats import Integers, Repeats
from study.search.arms.training import State, Training
from study.search.space.space import Choice

LATER = 1.28
"""By so much a paused training that gets to the target costs more than it promised, in the mean of
logarithms (0.25 on 60 made-up worlds of `benchmarks.search.worlds`, 0.14 to 0.6 on recorded ones)."""

PREDICTION = 0.35
"""Standard deviation of the logarithm of what a paused training comes to, over what it promised."""

CONTENDER = 3.0
"""An arm that costs more than the best times this is not compared: it would only blur how much
those differ that are near."""

DRAWS = 2000

USUAL = Usual(variance=0.15**2, worth=2.0)
"""Seeds of an arm differ by about this deviation of the logarithm, as long as little is known of
it: on recorded tables by 0.06 to 0.5, on made-up jobs by 0.03 to 0.3."""


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
    axes: Sequence[str],
    recorded: Mapping[Choice, int] | None = None,
    *,
    rule: Rule = Rule.KNOWLEDGE_GRADIENT,
) -> Sureness | None:
    """Weigh what is known; None where no arm has reached the target.

    Args:
        trainings: Of each arm.
        axes: Names of what an arm chooses.
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
    energy = _drawn(repeats, [trainings[arm] for arm in arms], axes, arms, every)
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
    axes: Sequence[str],
    arms: Sequence[Choice],
    every: Integers,
) -> Posterior:
    """Draws of what arms cost to the target."""
    reached = np.asarray([any(each.reached for each in many) for many in trainings])
    found = posterior(
        repeats,
        axes=axes_of([dict(zip(axes, arm, strict=True)) for arm in arms]),
        draws=DRAWS,
        usual=USUAL,
        least_variance=np.where(reached, 0.0, PREDICTION**2),
    )
    if found is None:
        message = "nothing is known of a spread"
        raise ValueError(message)
    return of_all_recorded(found, every)


def _costs_j(trainings: Sequence[Training]) -> list[float]:
    """Cost of each training to the target, known or promised.

    What those used that missed it counts for those that reached it, as for a job that has to be
    trained again. Where all have missed, what they would need counts.
    """
    missed = [each for each in trainings if each.missed]
    others = [each for each in trainings if not each.missed] or missed
    known = [each.promised_j * (1.0 if each.reached else LATER) for each in others]
    known = [each for each in known if each > 0]
    if others is missed or not known:
        return known
    mean_j = math.exp(np.mean(np.log(known)))
    dearer = 1 + sum(each.used_j for each in missed) / (len(known) * mean_j)
    return [each * dearer for each in known]


def _exist(
    trainings: Sequence[Training], recorded: Mapping[Choice, int] | None, arm: Choice
) -> int:
    """Trainings of an arm whose mean is meant; `UNLIMITED` where one of them was only promised."""
    if recorded is None or not all(each.reached or each.missed for each in trainings):
        return UNLIMITED
    reached = sum(each.reached for each in trainings)
    return max(reached, recorded[arm] - (len(trainings) - reached)) if reached else UNLIMITED


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
        alone = float(
            betabinom.sf(math.ceil(recorded / 2) - missed - 1, left, missed + 1, reached + 1)
        )
    return alone if missed else alone * min(1.0, 2 * share)


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
