"""The winner's curse: bias of the figures of a setup that was picked for them.

The costliest of sixteen setups looks dearer than it is, the recommended one cheaper and better:
each was picked partly for its luck. How much luck there is, is found by repeating the study in
simulation: true means from the posterior, new repeats round them, the same rules of picking, and
the figures that these give less the true ones. A parametric bootstrap of the whole advice (Efron
and Tibshirani 1993, An Introduction to the Bootstrap, chapter 10).

The pooled noise overstates the luck where the extreme setups have little noise of their own, as
trainings that all end at the limit of epochs. So between a part and the whole of the bias is taken
away (`LEAST_PART`), each part as probable as the others.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from study.inference.choice import Aim, losses
from study.inference.intervals import (
    Interval,
    difference,
    draws_of,
    exponential,
    interval,
    share_saved,
)
from study.inference.posterior import SEED, Posterior
from study.inference.repeats import Floats, Integers

LEAST_PART = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """Mean error of the figures of what was picked: as observed, less the truth.

    Attributes:
        energy: Logarithm of the recommended setup's energy; negative, it looks too cheap.
        objective: The recommended setup's objective; positive, it looks too good.
        against_costliest: Logarithm of the recommended setup's energy, less the costliest one's.
        against_best: The same, less that of the setup with the best objective. NaN where the
            recommended one is always the best itself, as the one before where it is the costliest.
    """

    energy: Floats
    objective: Floats
    against_costliest: Floats
    against_best: Floats


def luck(
    energy: Posterior, objective: Posterior, aim: Aim, *, rng: np.random.Generator | int = SEED
) -> Luck:
    """Simulate the study again and see how far its figures are off. Shapes (...).

    Args:
        energy: Of logarithms of joules.
        objective: The higher the better.
        aim: What is asked for.
        rng: Source of the noise, or a seed for one.
    """
    source = np.random.default_rng(rng)
    energies = _observed_again(energy, source)
    objectives = _observed_again(objective, source)
    chosen = losses(energies, objectives, aim).argmin(axis=-1)
    costliest, best = energies.argmax(axis=-1), objectives.argmax(axis=-1)
    off = energies - energy.means
    own = _picked(off, chosen)
    return Luck(
        energy=own.mean(axis=-1),
        objective=_picked(objectives - objective.means, chosen).mean(axis=-1),
        against_costliest=_mean_where(own - _picked(off, costliest), chosen != costliest),
        against_best=_mean_where(own - _picked(off, best), chosen != best),
    )


def luck_of_least(energy: Posterior, *, rng: np.random.Generator | int = SEED) -> Floats:
    """Simulate the study again and see how far the energy of the least setup is off. Shape (...).

    Args:
        energy: Of logarithms of joules.
        rng: Source of the noise, or a seed for one.
    """
    energies = _observed_again(energy, np.random.default_rng(rng))
    return np.asarray(_picked(energies - energy.means, energies.argmin(axis=-1)).mean(axis=-1))


def saving_against_picked(
    energy: Posterior,
    setup: npt.ArrayLike,
    reference: npt.ArrayLike,
    bias: Floats,
    *,
    rng: np.random.Generator | int = SEED,
) -> Interval:
    """Interval of what a recommended setup saves against one that the same repeats picked out.

    Args:
        energy: Of logarithms of joules.
        setup: Place of the recommended setup.
        reference: Place of the costliest, or of the best.
        bias: Of their difference: `Luck.against_costliest` or `Luck.against_best`.
        rng: Source of the parts of the bias that are taken away, or a seed for one.
    """
    apart = without_luck(difference(energy, setup, reference), bias, rng=rng)
    return interval(share_saved(apart))


def picked_interval(
    quantity: Posterior,
    setup: npt.ArrayLike,
    bias: Floats,
    *,
    rng: np.random.Generator | int = SEED,
) -> Interval:
    """Interval of the mean of a setup that the same repeats picked out.

    Args:
        quantity: Logarithms of joules, or the objective.
        setup: Place of the setup.
        bias: `Luck.energy` or `Luck.objective`.
        rng: Source of the parts of the bias that are taken away, or a seed for one.
    """
    return interval(without_luck(draws_of(quantity.means, setup), bias, rng=rng))


def picked_interval_j(energy: Posterior, setup: npt.ArrayLike, bias: Floats) -> Interval:
    """Interval of the energy of a setup that the same repeats picked out, in joules.

    Args:
        energy: Of logarithms of joules.
        setup: Place of the setup.
        bias: `Luck.energy`, or `luck_of_least`.
    """
    logs = picked_interval(energy, setup, bias)
    return Interval(low=exponential(logs.low), high=exponential(logs.high))


def without_luck(draws: Floats, bias: Floats, *, rng: np.random.Generator | int = SEED) -> Floats:
    """Take the bias away from draws, in each another part of it.

    Args:
        draws: Shape (..., draws).
        bias: Of their mean; NaN counts as 0. Shape (...).
        rng: Source of the parts, or a seed for one.
    """
    part = np.random.default_rng(rng).uniform(LEAST_PART, 1.0, size=draws.shape)
    return np.asarray(draws - part * np.nan_to_num(bias)[..., None])


def _observed_again(quantity: Posterior, rng: np.random.Generator) -> Floats:
    noise = rng.standard_normal(quantity.means.shape)
    return np.asarray(quantity.means + np.sqrt(quantity.mean_variances) * noise)


def _picked(values: Floats, place: Integers) -> Floats:
    return np.asarray(np.take_along_axis(values, place[..., None], axis=-1)[..., 0])


def _mean_where(values: Floats, counted: "npt.NDArray[np.bool_]") -> Floats:
    """Mean over the draws that count; NaN where none does."""
    number = counted.sum(axis=-1)
    total = np.where(counted, values, 0.0).sum(axis=-1)
    mean = np.full(number.shape, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean
