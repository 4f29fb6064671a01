"""Correction for the winner's curse: the selection bias in the figures of a setup that was selected by them.

The costliest of sixteen setups looks costlier than it is, the recommended one cheaper and better: each
was selected partly for its luck. The bias is estimated by simulating the study again: true means from
the posterior, new repeats around them, the same selection rules, and the resulting figures minus the
true ones. This is a parametric bootstrap of the whole advice (Efron and Tibshirani 1993, An Introduction
to the Bootstrap, chapter 10).

The pooled noise overstates the bias where the extreme setups have little noise of their own, for example
trainings that all end at the maximum number of epochs. So a uniformly distributed fraction of the bias is
removed, between `LEAST_PART` and all of it.
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
class SelectionBias:
    """Selection bias of the figures of selected setups: mean of observed minus true values.

    Attributes:
        energy: Bias of the log energy of the recommended setup; negative where it looks too cheap.
        objective: Bias of the objective of the recommended setup; positive where it looks too good.
        against_costliest: Bias of the difference in log energy between the recommended setup and the
            costliest; NaN where the recommended setup is always the costliest.
        against_best: Bias of the difference in log energy between the recommended setup and the one with
            the best objective; NaN where the recommended setup is always that one.
    """

    energy: Floats
    objective: Floats
    against_costliest: Floats
    against_best: Floats


def selection_bias(
    energy: Posterior, objective: Posterior, aim: Aim, *, rng: np.random.Generator | int = SEED
) -> SelectionBias:
    """Estimate the selection bias of a study's figures by simulating it again. Shapes (...).

    Args:
        energy: Posterior of the logarithms of joules.
        objective: Posterior of the objective, higher is better.
        aim: Requirements on a setup.
        rng: Random generator for the noise, or a seed for one.
    """
    source = np.random.default_rng(rng)
    energies = _observed_again(energy, source)
    objectives = _observed_again(objective, source)
    chosen = losses(energies, objectives, aim).argmin(axis=-1)
    costliest, best = energies.argmax(axis=-1), objectives.argmax(axis=-1)
    off = energies - energy.means
    own = _values_at(off, chosen)
    return SelectionBias(
        energy=own.mean(axis=-1),
        objective=_values_at(objectives - objective.means, chosen).mean(axis=-1),
        against_costliest=_mean_where(own - _values_at(off, costliest), chosen != costliest),
        against_best=_mean_where(own - _values_at(off, best), chosen != best),
    )


def selection_bias_of_least(energy: Posterior, *, rng: np.random.Generator | int = SEED) -> Floats:
    """Estimate the selection bias of the log energy of the cheapest setup. Shape (...).

    Args:
        energy: Posterior of the logarithms of joules.
        rng: Random generator for the noise, or a seed for one.
    """
    energies = _observed_again(energy, np.random.default_rng(rng))
    return np.asarray(_values_at(energies - energy.means, energies.argmin(axis=-1)).mean(axis=-1))


def saving_against_selected(
    energy: Posterior,
    setup: npt.ArrayLike,
    reference: npt.ArrayLike,
    bias: Floats,
    *,
    rng: np.random.Generator | int = SEED,
) -> Interval:
    """Return the interval of the saving against a reference that the same repeats selected.

    The saving is a fraction of the reference's energy, negative where the setup needs more.

    Args:
        energy: Posterior of the logarithms of joules.
        setup: Index of the recommended setup.
        reference: Index of the costliest setup, or of the one with the best objective.
        bias: Bias of their difference: `SelectionBias.against_costliest` or `SelectionBias.against_best`.
        rng: Random generator for the fractions of the bias to remove, or a seed for one.
    """
    apart = remove_bias(difference(energy, setup, reference), bias, rng=rng)
    return interval(share_saved(apart))


def selected_interval(
    quantity: Posterior,
    setup: npt.ArrayLike,
    bias: Floats,
    *,
    rng: np.random.Generator | int = SEED,
) -> Interval:
    """Return the interval of the mean of a setup that the same repeats selected.

    Args:
        quantity: Posterior of the logarithms of joules, or of the objective.
        setup: Index of the setup.
        bias: Bias of the quantity: `SelectionBias.energy` or `SelectionBias.objective`.
        rng: Random generator for the fractions of the bias to remove, or a seed for one.
    """
    return interval(remove_bias(draws_of(quantity.means, setup), bias, rng=rng))


def selected_interval_j(energy: Posterior, setup: npt.ArrayLike, bias: Floats) -> Interval:
    """Return the interval of the energy of a setup that the same repeats selected, in joules.

    Args:
        energy: Posterior of the logarithms of joules.
        setup: Index of the setup.
        bias: Bias of the log energy: `SelectionBias.energy`, or the result of `selection_bias_of_least`.
    """
    logs = selected_interval(energy, setup, bias)
    return Interval(low=exponential(logs.low), high=exponential(logs.high))


def remove_bias(draws: Floats, bias: Floats, *, rng: np.random.Generator | int = SEED) -> Floats:
    """Subtract a random fraction of the bias, from `LEAST_PART` to 1, from each draw.

    Args:
        draws: Draws of a quantity. Shape (..., draws).
        bias: Bias of their mean; NaN counts as 0. Shape (...).
        rng: Random generator for the fractions, or a seed for one.
    """
    part = np.random.default_rng(rng).uniform(LEAST_PART, 1.0, size=draws.shape)
    return np.asarray(draws - part * np.nan_to_num(bias)[..., None])


def _observed_again(quantity: Posterior, rng: np.random.Generator) -> Floats:
    noise = rng.standard_normal(quantity.means.shape)
    return np.asarray(quantity.means + np.sqrt(quantity.mean_variances) * noise)


def _values_at(values: Floats, place: Integers) -> Floats:
    return np.asarray(np.take_along_axis(values, place[..., None], axis=-1)[..., 0])


def _mean_where(values: Floats, counted: "npt.NDArray[np.bool_]") -> Floats:
    """Return the mean over the draws that count; NaN where none does."""
    number = counted.sum(axis=-1)
    total = np.where(counted, values, 0.0).sum(axis=-1)
    mean = np.full(number.shape, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean
