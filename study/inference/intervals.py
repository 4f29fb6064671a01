"""Equal-tailed intervals of totals, savings and differences, from draws.

Energies are compared by their logarithms, so what is meant by the energy of a setup is its typical
training (the geometric mean over repeats), and a saving is 1 - exp(difference of logarithms).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from study.inference.posterior import Posterior
from study.inference.repeats import Floats, Truths

CONFIDENCE = 0.95

_LARGEST_EXPONENT = 700.0
"""Where exponents are cut off: more is no float, and of so few repeats that draws go there nothing
is known anyway."""


def exponential(logarithms: Floats) -> Floats:
    """Return e to the power of draws, finite whatever they are. The same shape."""
    return np.asarray(np.exp(np.clip(logarithms, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)))


def share_saved(differences: Floats) -> Floats:
    """Return 1 - e to the power of differences of logarithms, finite. The same shape."""
    return np.asarray(-np.expm1(np.clip(differences, -_LARGEST_EXPONENT, _LARGEST_EXPONENT)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Interval that holds a quantity with some confidence, both ends included.

    Attributes:
        low: Lower end; of many studies an array of shape (...).
        high: Upper end, likewise.
    """

    low: Floats
    high: Floats

    def holds(self, value: npt.ArrayLike) -> Truths:
        """Return whether it contains a value. Shape (...)."""
        known = np.asarray(value)
        return np.asarray((self.low <= known) & (known <= self.high))

    @property
    def width(self) -> Floats:
        """Upper less lower end. Shape (...)."""
        return self.high - self.low


def interval(draws: Floats, *, confidence: float = CONFIDENCE) -> Interval:
    """Cut equal tails off draws.

    Args:
        draws: Shape (..., draws).
        confidence: Share of the draws that is kept; in (0, 1).

    Raises:
        ValueError: The confidence is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        msg = f"a confidence of {confidence} is not between 0 and 1"
        raise ValueError(msg)
    tail = (1 - confidence) / 2
    # Of what can be endless a quantile is a draw, not a point between a number and infinity.
    low, high = np.quantile(draws, [tail, 1 - tail], axis=-1, method="closest_observation")
    return Interval(low=low, high=high)


def draws_of(values: Floats, setup: npt.ArrayLike) -> Floats:
    """The draws of one setup.

    Args:
        values: Shape (..., draws, setups).
        setup: Its place, in each study. Shape (...), or () for the same in all.

    Returns:
        Shape (..., draws).
    """
    place = np.broadcast_to(np.asarray(setup), values.shape[:-2])[..., None, None]
    return np.asarray(np.take_along_axis(values, place, axis=-1)[..., 0])


def total_interval_j(energy: Posterior, setup: npt.ArrayLike) -> Interval:
    """Interval of the energy of a setup's typical training, in joules.

    Args:
        energy: Of logarithms of joules.
        setup: Place of the setup.
    """
    return interval(exponential(draws_of(energy.means, setup)))


def difference(quantity: Posterior, setup: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """Draws of a setup's mean less that of a reference. Shape (..., draws)."""
    return draws_of(quantity.means, setup) - draws_of(quantity.means, reference)


def saving_interval(energy: Posterior, setup: npt.ArrayLike, reference: npt.ArrayLike) -> Interval:
    """Interval of the share of the reference's energy that a setup saves; negative: it needs more.

    For a pair that was named beforehand. Against a reference that the same repeats picked out, as
    the costliest or the most accurate, see `study.inference.selection`.

    Args:
        energy: Of logarithms of joules.
        setup: Place of the setup.
        reference: Place of the setup that it is compared with.
    """
    return interval(share_saved(difference(energy, setup, reference)))


def ties(quantity: Posterior, setup: npt.ArrayLike) -> Truths:
    """Mark the setups that cannot be told from one: the interval of the difference holds 0.

    Returns:
        Shape (..., setups); the setup itself is True.
    """
    own = draws_of(quantity.means, setup)[..., None]
    apart = np.moveaxis(quantity.means - own, -2, -1)
    return interval(apart).holds(0.0)
