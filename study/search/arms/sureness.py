"""Sureness of a search's answer, and the arm whose next training tells most.

The statistics are those of `study.inference`: logarithms of the energy to the target, a spread that
arms share in part, draws that lean on arms with the same values. What a search adds is that most
arms were paused: such a training counts with what it promised to cost, and with the doubt
`PREDICTION` beside that of its seed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import betainc

from study.inference.allocation import next_repeat
from study.inference.choice import Aim, choose
from study.inference.posterior import Posterior, axes_of, posterior
from study.inference.repeats import Repeats
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

SPREAD, SPREAD_WORTH = 0.05, 4
"""Seeds of an arm differ by at least this deviation of the logarithm while little is known of it:
the floor falls as if it were worth so many repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """Present knowledge of the answer.

    Attributes:
        answer: The arm to use.
        right: Probability that it is at most 5 % dearer than the cheapest arm; None where no arm
            was trained twice, so that no spread is known.
        best: Probability that no other arm is cheaper; None likewise.
        repeat: The arm whose next training tells most.
        rights: Probability of being right of each arm that is compared, as `right`.
    """

    answer: Choice
    right: float | None
    best: float | None
    repeat: Choice
    rights: Mapping[Choice, float] = field(default_factory=dict)


def weigh(trainings: Mapping[Choice, Sequence[Training]], axes: Sequence[str]) -> Sureness | None:
    """Weigh what is known; None where no arm has reached the target.

    Args:
        trainings: Of each arm.
        axes: Names of what an arm chooses.
    """
    costs = {arm: _costs_j(many) for arm, many in trainings.items() if many}
    means = {arm: math.exp(np.mean(np.log(each))) for arm, each in costs.items() if each}
    able = {arm: j for arm, j in means.items() if any(t.reached for t in trainings[arm])}
    if not able:
        return None
    lead = min(able, key=lambda arm: able[arm])
    arms = [arm for arm, j in means.items() if j <= able[lead] * CONTENDER]
    repeats = Repeats.of_energies_j([costs[arm] for arm in arms])
    spread = SPREAD**2 * SPREAD_WORTH / (SPREAD_WORTH + int(repeats.freedom.sum()))
    doubt = spread + np.asarray(
        [0.0 if any(t.reached for t in trainings[arm]) else PREDICTION**2 for arm in arms]
    )
    energy = posterior(
        repeats,
        axes=axes_of([dict(zip(axes, arm, strict=True)) for arm in arms]),
        draws=DRAWS,
        least_variance=doubt,
    )
    if energy is None:
        return Sureness(answer=lead, right=None, best=None, repeat=lead)
    even = _even(energy)
    choice = choose(energy, even, Aim())
    place = int(choice.setup)
    if arms[place] not in able:  # never an arm that has not reached the target itself
        place = arms.index(lead)
    rights = {
        arm: float(right) * (1 - _mostly_misses(trainings, arm))
        for arm, right in zip(arms, choice.right, strict=True)
    }
    return Sureness(
        answer=arms[place],
        right=rights[arms[place]],
        best=float(choice.cheapest[place]) * (1 - _mostly_misses(trainings, arms[place])),
        repeat=arms[int(next_repeat(energy, even, Aim()))],
        rights=rights,
    )


def _costs_j(trainings: Sequence[Training]) -> list[float]:
    """Cost of each training to the target, known or promised."""
    return [
        each.promised_j * (1.0 if each.reached else LATER)
        for each in trainings
        if each.promised_j > 0
    ]


def _mostly_misses(trainings: Mapping[Choice, Sequence[Training]], arm: Choice) -> float:
    """Probability that an arm misses the target with most seeds, though one has reached it.

    With a flat prior of its share of misses; less where hardly any training of the search that
    came to its end has missed.
    """
    reached = sum(each.reached for each in trainings[arm])
    missed = sum(each.state is State.ENDED and not each.reached for each in trainings[arm])
    ended = [each for many in trainings.values() for each in many if each.state is State.ENDED]
    share = (sum(not each.reached for each in ended) + 0.5) / (len(ended) + 1)
    alone = float(betainc(reached + 1, missed + 1, 0.5))
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
