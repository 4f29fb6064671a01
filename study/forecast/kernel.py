"""Covariance of trainings by their settings: a Gaussian process over the axes.

The logarithm of a quantity (joules per epoch, number of epochs) is modelled as

    level + an effect of each axis + an effect of their combination + a setup's own + noise

A numeric axis has a linear and a smooth effect (squared-exponential kernel) over the logarithm of its value; a
categorical axis has an independent effect for each value. The size of each effect is learnt
(`study.forecast.sizes`).
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from study.inference.repeats import Floats, Integers

LEVEL = 2.0
"""Prior standard deviation of the level, in natural logarithms."""

_LENGTH_SCALE = 0.5
"""Length scale of the smooth effect along an axis that is scaled to run from -1 to 1."""

_FEWEST_NUMERIC = 3
"""Minimum number of different values with which a numeric axis is not treated as categorical."""

_AXIS, _COMBINATION, _OWN, _SEED = (0.03, 1.5), (0.02, 0.7), (0.005, 0.4), (0.02, 0.7)
"""Range of the log-uniform prior of each effect's standard deviation, in natural logarithms."""

_NOISE = (0.002, 0.8)
"""The same for the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Effects that trainings share, as the terms of a covariance.

    Attributes:
        shared: Correlation of each effect between any two trainings. Shape (effects, n, n).
        least: Lower ends of the priors of the effects' standard deviations, with the noise last. Shape
            (effects + 1,).
        most: Upper ends of those priors. Shape (effects + 1,).
    """

    shared: Floats
    least: Floats
    most: Floats

    def covariance(self, sizes: Floats) -> Floats:
        """Return the covariance of the logarithms, without noise. Shape (n, n).

        Args:
            sizes: Standard deviations of the effects, with the noise last. Shape (effects + 1,).
        """
        return np.asarray(LEVEL**2 + np.einsum("k,kij->ij", sizes[:-1] ** 2, self.shared))

    def at(self, places: Integers) -> Self:
        """Return the kernel of the trainings at `places`, which may repeat.

        Args:
            places: Indices of trainings. Shape (m,).
        """
        return replace(self, shared=self.shared[:, places[:, None], places])


def kernel_of(
    settings: Sequence[Mapping[str, object]], shares: Sequence[Hashable] | None = None
) -> Kernel:
    """Return the kernel of trainings from their settings.

    Args:
        settings: Value of each training on each axis.
        shares: A key for each training: trainings with equal keys share an effect beyond the axes.
            Used for seed and learning setup when setups differ in axes that change only the cost, so
            that trainings of equal key learn the same. None for no such effect.
    """
    names = dict.fromkeys(name for each in settings for name in each)
    columns = [[each.get(name) for each in settings] for name in names]
    varied = [column for column in columns if len(set(map(repr, column))) > 1]
    axes = [_shared_axis(column) for column in varied]
    near = [_near(column) for column in varied]
    shared = [*axes]
    bounds = [_AXIS] * len(axes)
    if len(axes) > 1:
        shared.append(np.asarray(np.prod(near, axis=0)))
        bounds.append(_COMBINATION)
    if axes:
        shared.append(_same([repr(sorted(each.items())) for each in settings]))
        bounds.append(_OWN)
    if shares is not None:
        shared.append(_same(shares))
        bounds.append(_SEED)
    size = len(settings)
    least, most = np.asarray([*bounds, _NOISE]).T
    return Kernel(
        shared=np.stack(shared) if shared else np.zeros((0, size, size)), least=least, most=most
    )


def _places(column: Sequence[object]) -> Floats | None:
    """Return the logarithms of an axis' values, scaled to -1 to 1. Shape (n,).

    None if the axis is treated as categorical: a value is not a number above 0, or fewer than
    `_FEWEST_NUMERIC` values differ.
    """
    numbers = [v for v in column if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(column) or min(numbers) <= 0 or len(set(numbers)) < _FEWEST_NUMERIC:
        return None
    logs = np.asarray([math.log(each) for each in numbers])
    return np.asarray(2 * (logs - logs.min()) / (logs.max() - logs.min()) - 1)


def _near(column: Sequence[object]) -> Floats:
    """Return the correlation of an axis' smooth effect between trainings, from 0 to 1. Shape (n, n)."""
    places = _places(column)
    if places is None:
        return _same([repr(each) for each in column])
    return np.asarray(np.exp(-(((places[:, None] - places) / _LENGTH_SCALE) ** 2) / 2))


def _shared_axis(column: Sequence[object]) -> Floats:
    places = _places(column)
    near = _near(column)
    return near if places is None else (near + places[:, None] * places) / 2


def _same(values: Sequence[Hashable]) -> Floats:
    number = {value: place for place, value in enumerate(dict.fromkeys(values))}
    places = np.asarray([number[value] for value in values])
    return np.asarray(places[:, None] == places, dtype=float)
