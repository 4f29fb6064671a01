"""Likeness of trainings by what they choose: a Gaussian process over the axes.

The logarithm of a quantity (joules of an epoch, number of epochs) is taken to be

    level + an effect of each axis + an effect of their combination + a setup's own + noise

An axis of numbers acts by a straight line and a smooth curve over the logarithm of its value, one of
words by a value of its own for each. How large each effect is, is learnt (`study.forecast.sizes`).
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from study.inference.repeats import Floats, Integers

LEVEL = 2.0
"""Standard deviation of the level beforehand, in natural logarithms."""

_REACH = 0.5
"""How far along an axis, whose ends are 2 apart, a smooth curve is like itself."""

_FEWEST_ON_A_LINE = 3

_AXIS, _COMBINATION, _OWN, _SEED = (0.03, 1.5), (0.02, 0.7), (0.005, 0.4), (0.02, 0.7)
"""Ends of the prior of each effect's standard deviation, in natural logarithms."""

_NOISE = (0.002, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """Effects that trainings share.

    Attributes:
        shared: For each effect how far two trainings share it. Shape (effects, n, n).
        least: Lower ends of the priors of their standard deviations, the noise's last. Shape
            (effects + 1,).
        most: Upper ends. The same shape.
    """

    shared: Floats
    least: Floats
    most: Floats

    def covariance(self, sizes: Floats) -> Floats:
        """Covariance of the logarithms without their noise. Shape (n, n).

        Args:
            sizes: Standard deviations of the effects, the noise's last. Shape (effects + 1,).
        """
        return np.asarray(LEVEL**2 + np.einsum("k,kij->ij", sizes[:-1] ** 2, self.shared))

    def at(self, places: Integers) -> Self:
        """Return the likeness of some trainings, each as often as it is named. Shape (m,)."""
        return replace(self, shared=self.shared[:, places[:, None], places])


def likeness(
    settings: Sequence[Mapping[str, object]], shares: Sequence[Hashable] | None = None
) -> Likeness:
    """Compare trainings by what they choose.

    Args:
        settings: Of each training, its value on each axis.
        shares: Of each training, what it shares with those of the same value beyond the axes: its
            seed with its setup, where setups differ in what changes nothing in learning. None for
            nothing.
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
    return Likeness(
        shared=np.stack(shared) if shared else np.zeros((0, size, size)), least=least, most=most
    )


def _places(column: Sequence[object]) -> Floats | None:
    """Places of an axis' values from -1 to 1 by their logarithms; None where they are no line."""
    numbers = [v for v in column if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) < len(column) or min(numbers) <= 0 or len(set(numbers)) < _FEWEST_ON_A_LINE:
        return None
    logs = np.asarray([math.log(each) for each in numbers])
    return np.asarray(2 * (logs - logs.min()) / (logs.max() - logs.min()) - 1)


def _near(column: Sequence[object]) -> Floats:
    """Nearness of values to each other, from 0 to 1."""
    places = _places(column)
    if places is None:
        return _same([repr(each) for each in column])
    return np.asarray(np.exp(-(((places[:, None] - places) / _REACH) ** 2) / 2))


def _shared_axis(column: Sequence[object]) -> Floats:
    places = _places(column)
    near = _near(column)
    return near if places is None else (near + places[:, None] * places) / 2


def _same(values: Sequence[Hashable]) -> Floats:
    number = {value: place for place, value in enumerate(dict.fromkeys(values))}
    places = np.asarray([number[value] for value in values])
    return np.asarray(places[:, None] == places, dtype=float)
