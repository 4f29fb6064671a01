"""Uncertainty of the break-even of pretraining, from a study's repeats.

Over all setups it is the ratio of the sums of energies with Fieller's interval; of one setup it is
drawn from the three energies' posteriors. The best and the worst setup were picked, so their
intervals are wider, and what noise alone would make of one true value stands beside them
(`study.inference.break_even`).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analysis.energy.savings import by_repeat
from analysis.energy.spread import Interval95
from study.inference import intervals
from study.inference.break_even import (
    StagePosteriors,
    noise_alone,
    pooled_cycles,
    setup_cycles,
)
from study.inference.posterior import posterior
from study.inference.repeats import Repeats

Triple = tuple[float, float, float]
"""E_enc, E_enc+class and E_class of one repeat, in joules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledCycles:
    """Break-even over all setups and repeats.

    Attributes:
        cycles: Sum of the encoders' energies over the sum of what a cycle saves; infinite where
            nothing is saved.
        interval: Fieller's 95 % interval, which may have no upper end; None where no setup has two
            repeats.
        setups: Number of setups that it is over.
    """

    cycles: float
    interval: Interval95 | None
    setups: int

    @property
    def pays(self) -> bool:
        """Return whether anything is saved in a cycle."""
        return math.isfinite(self.cycles)


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleDoubt:
    """Intervals of each setup's break-even.

    Attributes:
        by_setup: 95 % interval of each setup; infinite is never.
        picked: The same of a setup that is named because it pays soonest or last of all: wider for its
            having been picked.
        noise_best: What the best setup would mostly come to if all had the pooled break-even.
        noise_worst: The same of the worst; infinite where one would mostly never pay.
    """

    by_setup: Mapping[int, Interval95]
    picked: Mapping[int, Interval95]
    noise_best: float
    noise_worst: float


def pooled(triples: Mapping[int, Sequence[Triple]]) -> PooledCycles | None:
    """Break-even over all setups; None where no repeat is whole.

    Args:
        triples: Of each setup its whole repeats.
    """
    known = [each for each in triples.values() if each]
    if not known:
        return None
    means = [[math.fsum(part) / len(each) for part in zip(*each, strict=True)] for each in known]
    encoder, together, classifier = (math.fsum(part) for part in zip(*means, strict=True))
    saved = together - classifier
    parts = [by_repeat([[triple[i] for triple in each] for each in known]) for i in range(3)]
    ratio = pooled_cycles(*parts)
    interval = None
    # Setups with one repeat have no part in the interval, which would then be of others.
    if ratio is not None and ratio.setups == len(known):
        interval = Interval95.of(ratio.interval)
    return PooledCycles(
        cycles=encoder / saved if saved > 0 else math.inf, interval=interval, setups=len(known)
    )


def doubt_of(triples: Mapping[int, Sequence[Triple]], cycles: float) -> CycleDoubt | None:
    """Intervals of the setups; None where no setup has two repeats, or an energy is 0.

    Args:
        triples: Of each setup its whole repeats.
        cycles: The pooled break-even.
    """
    known = {number: each for number, each in triples.items() if each}
    if not known or min(part for each in known.values() for t in each for part in t) <= 0:
        return None
    stages = [
        posterior(Repeats.of_energies_j([[t[i] for t in each] for each in known.values()]), rng=i)
        for i in range(3)
    ]
    encoder, together, classifier = stages
    if encoder is None or together is None or classifier is None:
        return None
    posteriors = StagePosteriors(encoder=encoder, together=together, classifier=classifier)
    found = setup_cycles(posteriors)
    noise = noise_alone(posteriors, cycles) if math.isfinite(cycles) else None
    return CycleDoubt(
        by_setup=_by_setup(known, found.interval),
        picked=_by_setup(known, found.picked),
        noise_best=math.inf if noise is None else float(noise.best),
        noise_worst=math.inf if noise is None else float(noise.worst),
    )


def _by_setup(setups: Iterable[int], found: intervals.Interval) -> dict[int, Interval95]:
    ends = zip(setups, found.low, found.high, strict=True)
    return {number: Interval95(low=float(low), high=float(high)) for number, low, high in ends}
