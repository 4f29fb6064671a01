"""Repeats and posteriors for the tests of inference."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from study.inference.posterior import Posterior, posterior
from study.inference.repeats import Repeats


def drawn(repeats: Repeats, *, draws: int = 4000) -> Posterior:
    """Return the posterior of repeats; at least one setup must have two."""
    found = posterior(repeats, draws=draws)
    assert found is not None
    return found


def certain(means: npt.ArrayLike, *, deviation: float = 1e-9) -> Posterior:
    """Return the posterior of practically noiseless means, from two repeats each."""
    middle = np.asarray(means, dtype=float)
    return drawn(Repeats.of_array(np.stack([middle - deviation, middle + deviation], axis=-1)))


def energies(values_j: Sequence[Sequence[float]]) -> Posterior:
    """Return the posterior of energies in joules, by setup and repeat."""
    return drawn(Repeats.of_energies_j(values_j))
