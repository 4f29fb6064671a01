"""Savings of one way of training against another, setup by setup and over all setups.

Frozen against unfrozen encoders (paper, Table 3), tasks together against one by one (Table 4). Only
repeats in which both ways are known are compared. The interval over all setups is Fieller's for the
ratio of the sums; that of one setup comes from its repeats' ratios, with a spread that all setups
share in part.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.energy.spread import Interval95, Spread
from study.inference.intervals import draws_of, interval, share_saved
from study.inference.posterior import posterior
from study.inference.ratios import ratio_of_sums
from study.inference.repeats import Floats, Repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Saving of a way of training against a reference.

    Attributes:
        reference_j: Energy of the reference.
        energy_j: Energy of the other way, in the same order.
        share: Share of the reference that is saved, by the means; negative where it needs more.
        shares: The same for each pair by itself.
        interval: 95 % interval of the share; None where no setup has two repeats.
    """

    reference_j: Spread
    energy_j: Spread
    share: float | None
    shares: Spread | None
    interval: Interval95 | None = None

    @property
    def is_sure(self) -> bool:
        """Return whether one of the two ways surely needs less: the interval does not hold 0."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high


def saved_share(reference_j: float | None, energy_j: float | None) -> float | None:
    """Share of the reference that is saved; None where it cannot be said."""
    if energy_j is None or not reference_j:
        return None
    return 1 - energy_j / reference_j


def saving_over(pairs: Sequence[tuple[float | None, float | None]]) -> Saving | None:
    """The saving over pairs of (reference, other) energies in joules; None where no pair is whole."""
    whole = [pair for pair in pairs if pair[0] is not None and pair[1] is not None]
    reference, energy = Spread.of(p[0] for p in whole), Spread.of(p[1] for p in whole)
    if reference is None or energy is None:
        return None
    return Saving(
        reference_j=reference,
        energy_j=energy,
        share=saved_share(reference.mean, energy.mean),
        shares=Spread.of(saved_share(*pair) for pair in whole),
    )


def with_intervals(savings: Sequence[Saving | None]) -> list[Saving | None]:
    """The savings of a study's setups with their intervals; unchanged where no setup has two repeats.

    Args:
        savings: Of each setup, over its repeats.
    """
    positive = [
        place
        for place, each in enumerate(savings)
        if each is not None and min(*each.reference_j.values, *each.energy_j.values) > 0
    ]
    if not positive:
        return list(savings)
    ratios = posterior(Repeats.of([_log_ratios(savings[place]) for place in positive]))
    if ratios is None:
        return list(savings)
    found = list(savings)
    for row, place in enumerate(positive):
        each = savings[place]
        if each is not None:
            ends = interval(share_saved(draws_of(ratios.means, row)))
            found[place] = replace(each, interval=Interval95.of(ends))
    return found


def saving_over_setups(savings: Sequence[Saving | None]) -> Saving | None:
    """The saving by the setups' mean energies, as the paper averages; None where none is known."""
    known = [each for each in savings if each is not None]
    over = saving_over([(each.reference_j.mean, each.energy_j.mean) for each in known])
    if over is None:
        return None
    if len(known) == 1:  # that setup's own, so that one saving has one interval
        return replace(over, interval=known[0].interval)
    ratio = ratio_of_sums(
        by_repeat([each.energy_j.values for each in known]),
        by_repeat([each.reference_j.values for each in known]),
    )
    # Of setups with one repeat nothing is known of the spread: the interval would not be of them.
    if ratio is None or ratio.setups < len(known):
        return over
    ends = ratio.interval
    return replace(over, interval=Interval95(low=1 - float(ends.high), high=1 - float(ends.low)))


def by_repeat(values: Sequence[Sequence[float]]) -> Floats:
    """Values of setups, of any number each, as an array with NaN where there are fewer.

    Returns:
        Shape (setups, repeats).
    """
    longest = max(map(len, values), default=0)
    return np.asarray([[*each, *[math.nan] * (longest - len(each))] for each in values])


def _log_ratios(saving: Saving | None) -> list[float]:
    if saving is None:
        return []
    pairs = zip(saving.reference_j.values, saving.energy_j.values, strict=True)
    return [math.log(energy / reference) for reference, energy in pairs]
