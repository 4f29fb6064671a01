"""What one way of training saves against another, setup by setup and over all setups.

Frozen against unfrozen encoders (paper, Table 3), both tasks together against one by one (Table 4).
Only repeats in which both ways are known are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.energy.spread import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What a way of training saves against a reference.

    Attributes:
        reference_j: Energy of the reference.
        energy_j: Energy of the other way.
        share: Share of the reference that is saved, by the means; negative where it needs more.
        shares: The same for each pair by itself.
    """

    reference_j: Spread
    energy_j: Spread
    share: float | None
    shares: Spread | None


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
