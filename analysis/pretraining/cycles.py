"""Uncertainty of the break-even of pretraining, from a study's repeats.

The break-even over all setups is a ratio of sums of energies, with Fieller's interval; the interval of one
setup is drawn from the posteriors of the three energies. The best and the worst setup were
selected by their results, so their intervals are wider, and are shown next to the extremes that
noise alone would produce if all setups had the same true break-even (`study.inference.break_even`).
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
        cycles: Sum of the encoders' energies divided by the sum of the savings per cycle; infinite if
            nothing is saved.
        interval: Fieller's 95 % interval, whose upper end may be infinite; None unless every setup has
            two repeats.
        setups: Number of setups with a repeat in which all energies are known.
    """

    cycles: float
    interval: Interval95 | None
    setups: int

    @property
    def pays(self) -> bool:
        """Return whether a cycle saves energy, so that pretraining pays at some point."""
        return math.isfinite(self.cycles)


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleIntervals:
    """Intervals of each setup's break-even, in cycles.

    Attributes:
        by_setup: 95 % interval of each setup; an infinite end means never.
        if_selected: 95 % interval of each setup if it is named for paying soonest or last; wider, to allow
            for that selection.
        noise_best: Typical break-even of the best setup if all had the pooled one and differed by noise
            alone.
        noise_worst: Typical break-even of the worst setup in that case; infinite if that would
            usually never pay.
    """

    by_setup: Mapping[int, Interval95]
    if_selected: Mapping[int, Interval95]
    noise_best: float
    noise_worst: float


def pooled(triples: Mapping[int, Sequence[Triple]]) -> PooledCycles | None:
    """Compute the break-even over all setups; None if no repeat has all three energies.

    Args:
        triples: Repeats with all three energies, by setup number.
    """
    known = [each for each in triples.values() if each]
    if not known:
        return None
    means = [[math.fsum(part) / len(each) for part in zip(*each, strict=True)] for each in known]
    encoder, from_scratch, classifier = (math.fsum(part) for part in zip(*means, strict=True))
    saved = from_scratch - classifier
    parts = [by_repeat([[triple[i] for triple in each] for each in known]) for i in range(3)]
    ratio = pooled_cycles(*parts)
    interval = None
    # Setups with one repeat cannot enter the interval, which would then be over fewer setups.
    if ratio is not None and ratio.setups == len(known):
        interval = Interval95.of(ratio.interval)
    return PooledCycles(
        cycles=encoder / saved if saved > 0 else math.inf, interval=interval, setups=len(known)
    )


def cycle_intervals(
    triples: Mapping[int, Sequence[Triple]], cycles: float
) -> CycleIntervals | None:
    """Compute the intervals of the setups; None if no setup has two repeats or an energy is 0.

    Args:
        triples: Repeats with all three energies, by setup number.
        cycles: The pooled break-even.
    """
    known = {number: each for number, each in triples.items() if each}
    if not known or min(part for each in known.values() for t in each for part in t) <= 0:
        return None
    stages = [
        posterior(Repeats.of_energies_j([[t[i] for t in each] for each in known.values()]), rng=i)
        for i in range(3)
    ]
    encoder, from_scratch, classifier = stages
    if encoder is None or from_scratch is None or classifier is None:
        return None
    posteriors = StagePosteriors(encoder=encoder, from_scratch=from_scratch, classifier=classifier)
    found = setup_cycles(posteriors)
    noise = noise_alone(posteriors, cycles) if math.isfinite(cycles) else None
    return CycleIntervals(
        by_setup=_by_setup(known, found.interval),
        if_selected=_by_setup(known, found.if_selected),
        noise_best=math.inf if noise is None else float(noise.best),
        noise_worst=math.inf if noise is None else float(noise.worst),
    )


def _by_setup(setups: Iterable[int], found: intervals.Interval) -> dict[int, Interval95]:
    ends = zip(setups, found.low, found.high, strict=True)
    return {number: Interval95(low=float(low), high=float(high)) for number, low, high in ends}
