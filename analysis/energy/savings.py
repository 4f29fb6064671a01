"""Energy savings of one way of training over another, setup by setup and over all setups.

Used for frozen against unfrozen encoders (paper, Table 3) and for tasks trained together against one
by one (Table 4). Only repeats in which both energies are known are compared. The interval over all
setups is Fieller's for the ratio of the sums. That of one setup comes from its repeats' ratios, by a
model in which the setups' variances are partially pooled.
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
    """Energy saved by a way of training relative to a reference.

    Attributes:
        reference_j: Energies of the reference.
        energy_j: Energies of the other way of training, paired with those of the reference.
        share: Share of the reference's mean energy that is saved; negative if more is needed; None if
            the reference's is 0.
        shares: The saved share of each pair.
        interval: 95 % interval of the share; None if no setup has two repeats.
    """

    reference_j: Spread
    energy_j: Spread
    share: float | None
    shares: Spread | None
    interval: Interval95 | None = None

    @property
    def excludes_zero(self) -> bool:
        """Return whether the interval excludes 0, so that one of the two clearly needs less energy."""
        return self.interval is not None and not self.interval.low <= 0 <= self.interval.high


def saved_share(reference_j: float | None, energy_j: float | None) -> float | None:
    """Return the share of the reference that is saved; None if an energy is unknown or the reference 0."""
    if energy_j is None or not reference_j:
        return None
    return 1 - energy_j / reference_j


def saving_over(pairs: Sequence[tuple[float | None, float | None]]) -> Saving | None:
    """Compute the saving over pairs of (reference, other) energies in joules, without an interval.

    Pairs in which an energy is None are left out; the result is None if no pair is left.
    """
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
    """Add intervals to the savings of a study's setups; unchanged if no setup has two repeats.

    Args:
        savings: Saving of each setup over its repeats; None where unknown.
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
    """Compute the saving from the setups' mean energies, averaged as in the paper; None if none is known."""
    known = [each for each in savings if each is not None]
    over = saving_over([(each.reference_j.mean, each.energy_j.mean) for each in known])
    if over is None:
        return None
    if len(known) == 1:  # the setup's own interval, so that the same saving is not shown with two
        return replace(over, interval=known[0].interval)
    ratio = ratio_of_sums(
        by_repeat([each.energy_j.values for each in known]),
        by_repeat([each.reference_j.values for each in known]),
    )
    # The spread of a setup with a single repeat is unknown, and the interval would leave it out.
    if ratio is None or ratio.setups < len(known):
        return over
    ends = ratio.interval
    return replace(over, interval=Interval95(low=1 - float(ends.high), high=1 - float(ends.low)))


def by_repeat(values: Sequence[Sequence[float]]) -> Floats:
    """Return the setups' values as an array, padded with NaN where a setup has fewer repeats.

    Returns:
        Array of shape (setups, repeats).
    """
    longest = max(map(len, values), default=0)
    return np.asarray([[*each, *[math.nan] * (longest - len(each))] for each in values])


def _log_ratios(saving: Saving | None) -> list[float]:
    if saving is None:
        return []
    pairs = zip(saving.reference_j.values, saving.energy_j.values, strict=True)
    return [math.log(energy / reference) for reference, energy in pairs]
