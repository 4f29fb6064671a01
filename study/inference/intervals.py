"""Equal-tailed intervals of totals, savings and differences, from posterior draws.

Energies are compared by their logarithms. The energy of a setup is therefore that of its typical
training (the geometric mean over repeats), and a saving is 1 - exp(difference of logarithms).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from study.inference.posterior import Posterior
from study.inference.repeats import Floats, Truths

CONFIDENCE = 0.95

_LARGEST_EXPONENT = 700.0
"""Limit to which exponents are clipped, to avoid overflow; draws that far out carry no information."""


def exponential(logarithms: Floats) -> Floats:
    """Return exp of draws, clipped so that the result is finite. The same shape."""
    return np.asarray(np.exp(np.clip(logarithms, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)))


def share_saved(differences: Floats) -> Floats:
    """Return 1 - exp of differences of logarithms, clipped so that it is finite. The same shape."""
    return np.asarray(-np.expm1(np.clip(differences, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Interval that contains a quantity with some confidence, both ends included.

    Attributes:
        low: Lower end. Shape (...), that of the studies; () for one.
        high: Upper end. The same shape.
    """

    low: Floats
    high: Floats

    def holds(self, value: npt.ArrayLike) -> Truths:
        """Return whether it contains a value. Shape (...)."""
        known = np.asarray(value)
        return np.asarray((self.low <= known) & (known <= self.high))

    @property
    def width(self) -> Floats:
        """Upper minus lower end. Shape (...)."""
        return self.high - self.low


def interval(draws: Floats, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the equal-tailed interval of draws.

    Args:
        draws: Draws of a quantity. Shape (..., draws).
        confidence: Fraction of the draws within the interval, in (0, 1).

    Raises:
        ValueError: The confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        msg = f"a confidence of {confidence} is not between 0 and 1"
        raise ValueError(msg)
    tail = (1 - confidence) / 2
    # Draws may be infinite, so quantiles must be draws: interpolating with infinity is not possible.
    low, high = np.quantile(draws, [tail, 1 - tail], axis=-1, method="closest_observation")
    return Interval(low=low, high=high)


def draws_of(values: Floats, setup: npt.ArrayLike) -> Floats:
    """Return the draws of one setup.

    Args:
        values: Draws of all setups. Shape (..., draws, setups).
        setup: Index of the setup in each study. Shape (...), or () for the same in all.

    Returns:
        Shape (..., draws).
    """
    place = np.broadcast_to(np.asarray(setup), values.shape[:-2])[..., None, None]
    return np.asarray(np.take_along_axis(values, place, axis=-1)[..., 0])


def total_interval_j(energy: Posterior, setup: npt.ArrayLike) -> Interval:
    """Return the interval of the energy of a setup's typical training, in joules.

    Args:
        energy: Posterior of the logarithms of joules.
        setup: Index of the setup.
    """
    return interval(exponential(draws_of(energy.means, setup)))


def difference(quantity: Posterior, setup: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """Return draws of a setup's mean minus that of a reference setup. Shape (..., draws)."""
    return draws_of(quantity.means, setup) - draws_of(quantity.means, reference)


def saving_interval(energy: Posterior, setup: npt.ArrayLike, reference: npt.ArrayLike) -> Interval:
    """Return the interval of the fraction of a reference's energy that a setup saves.

    It is negative where the setup needs more energy. Valid for a pair that was chosen in advance; for a
    reference selected by the same repeats, such as the costliest or the most accurate setup, see
    `study.inference.selection`.

    Args:
        energy: Posterior of the logarithms of joules.
        setup: Index of the setup.
        reference: Index of the setup that it is compared with.
    """
    return interval(share_saved(difference(energy, setup, reference)))


def ties(quantity: Posterior, setup: npt.ArrayLike) -> Truths:
    """Mark the setups that are indistinguishable from one: the interval of the difference contains 0.

    Returns:
        True for such setups, and for the setup itself. Shape (..., setups).
    """
    own = draws_of(quantity.means, setup)[..., None]
    apart = np.moveaxis(quantity.means - own, -2, -1)
    return interval(apart).holds(0.0)
