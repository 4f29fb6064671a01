"""Analysis of variance: how much batch size, learning rate and other axes explain of energy and duration.

A type II analysis of variance (nested linear models) with a factor for each axis on which setups
differ. The interaction comprises all joint effects of the axes. The effect size is eta squared, the
share of the variance that a factor explains. Its interval is from a bootstrap of the repeats within
each setup, and is rough with two repeats. With one repeat an interaction cannot be told from noise:
it is not tested, and is part of the residual.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.energy.spread import Interval95, Spread
from analysis.energy.totals import SetupEnergy
from study.inference.intervals import CONFIDENCE
from study.record.vocabulary import axis_words

BATCH_SIZE, LEARNING_RATE, INTERACTION = "batch size", "learning rate", "interaction"
SIGNIFICANT = 0.05

_SEED = 0
_RESAMPLES = 2000

_Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Effect of a factor on a quantity.

    Attributes:
        factor: `batch size`, `learning rate`, the name of another axis, or `interaction`.
        share: Eta squared: share of the variance that the factor explains; in [0, 1].
        interval: 95 % bootstrap interval of the share; None if a setup has a single repeat.
        f: F statistic; None if not tested, or if the residual is zero.
        p: Probability of an F at least as large if the factor had no effect; None if not tested.
    """

    factor: str
    share: float
    interval: Interval95 | None
    f: float | None
    p: float | None

    @property
    def significant(self) -> bool:
        """Return whether the factor's effect is significant at the 5 % level."""
        return self.p is not None and self.p < SIGNIFICANT


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorInfo:
    """Analysis of variance of one quantity.

    Attributes:
        quantity: `energy per epoch`, `epochs to stop` or `total energy`.
        trials: Number of values, one for each trial.
        effects: Effects of each axis and, with repeats, of their interaction; empty without a test.
        reason: Why nothing, or not the interaction, was tested; empty if everything was.
    """

    quantity: str
    trials: int
    effects: tuple[Effect, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """Residual sum of squares of a linear model, and its degrees of freedom."""

    squares: float
    degrees: int


_QUANTITIES: tuple[tuple[str, Callable[[SetupEnergy], Spread | None]], ...] = (
    ("energy per epoch", lambda setup: setup.energy_per_epoch_j),
    ("epochs to stop", lambda setup: setup.epochs),
    ("total energy", lambda setup: setup.energy_j),
)


def factor_infos(setups: Sequence[SetupEnergy]) -> tuple[FactorInfo, ...]:
    """Analyse the variance of energy per epoch, epochs to stop and total energy."""
    return tuple(_factors(name, setups, spread) for name, spread in _QUANTITIES)


def verdict(infos: Sequence[FactorInfo]) -> str:
    """Return a sentence on whether the paper's conclusion holds in this study.

    The paper concludes that batch size rules efficiency (energy per epoch) and learning rate rules
    duration (epochs to stop).

    Args:
        infos: Results of `factor_infos`.
    """
    by_quantity = {info.quantity: info for info in infos}
    efficiency, duration = by_quantity["energy per epoch"], by_quantity["epochs to stop"]
    untested = next(
        (
            f"{each.quantity}: {reason}"
            for each in (efficiency, duration)
            if (reason := _lacks(each))
        ),
        None,
    )
    if untested is not None:
        return (
            "Whether batch size rules efficiency and learning rate rules duration cannot be "
            f"tested here ({untested})."
        )
    first = _rules(efficiency, BATCH_SIZE, LEARNING_RATE)
    second = _rules(duration, LEARNING_RATE, BATCH_SIZE)
    held = {(True, True): "hold", (False, False): "do not hold"}.get(
        (first, second), "hold in part"
    )
    return (
        f'The paper\'s conclusions "batch size rules efficiency" and "learning rate rules '
        f'duration" {held} in this study: {_said(efficiency, BATCH_SIZE)}; '
        f"{_said(duration, LEARNING_RATE)}."
    )


def _lacks(info: FactorInfo) -> str:
    """Return why the paper's conclusion cannot be tested with this quantity; empty if it can."""
    if not info.effects:
        return info.reason
    tested = {each.factor for each in info.effects}
    missing = [each for each in (BATCH_SIZE, LEARNING_RATE) if each not in tested]
    return f"there are values of one {missing[0]} only" if missing else ""


def _rules(info: FactorInfo, factor: str, other: str) -> bool:
    """Return whether a factor is significant and explains more than the other, beyond both intervals."""
    effects = {each.factor: each for each in info.effects}
    one, two = effects[factor], effects[other]
    low = one.share if one.interval is None else one.interval.low
    high = two.share if two.interval is None else two.interval.high
    return one.significant and low > high


def _p_text(p: float | None) -> str:
    """Format a p-value as papers do; None becomes `p not known`."""
    if p is None:
        return "p not known"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"  # noqa: PLR2004 - as is usual


def _said(info: FactorInfo, factor: str) -> str:
    shares = {each.factor: each for each in info.effects}
    other = LEARNING_RATE if factor == BATCH_SIZE else BATCH_SIZE
    one, two = shares[factor], shares[other]
    return (
        f"{factor} explains {100 * one.share:.0f} % of the variance of {info.quantity} "
        f"({_p_text(one.p)}), "
        f"{other} {100 * two.share:.0f} %"
    )


def _factors(
    quantity: str, setups: Sequence[SetupEnergy], spread: Callable[[SetupEnergy], Spread | None]
) -> FactorInfo:
    measured = [(setup, found) for setup in setups if (found := spread(setup))]
    values = np.asarray([value for _, found in measured for value in found.values])
    counts = [found.count for _, found in measured]
    axes = [_axes(setup) for setup, _ in measured]
    levels = {
        name: np.repeat(_numbered([each.get(name) for each in axes]), counts)
        for name in _names(setups)
    }
    reason = _why_not(levels, values)
    if reason:
        return FactorInfo(quantity=quantity, trials=len(values), effects=(), reason=reason)
    cell = np.repeat(np.arange(len(measured)), counts)
    one = np.ones((len(values), 1))
    columns = {name: _dummies(level) for name, level in levels.items()}
    repeated = len(values) > len(measured)
    draws = _within_cells(values, cell) if repeated and min(counts) > 1 else None
    models = {
        "all": np.hstack([one, *columns.values()]),
        "cells": _dummies(cell, drop=0),
        **{
            name: np.hstack([one, *(each for other, each in columns.items() if other != name)])
            for name in columns
        },
    }
    return FactorInfo(
        quantity=quantity,
        trials=len(values),
        effects=_effects(models, list(columns), values, draws, repeated=repeated),
        reason="" if repeated else "one repeat: the interaction is not tested and counts as chance",
    )


def _axes(setup: SetupEnergy) -> dict[str, object]:
    """Return a setup's value on each axis, by the name of the factor."""
    others = {axis_words(name)[0]: value for name, value in setup.parameters.items()}
    return {BATCH_SIZE: setup.batch_size, LEARNING_RATE: setup.learning_rate, **others}


def _names(setups: Sequence[SetupEnergy]) -> list[str]:
    """Return the factors: the axes on which setups differ.

    Without such an axis other than batch size and learning rate, these two are the factors in any case.
    """
    axes = [_axes(setup) for setup in setups]
    names = list(dict.fromkeys(name for each in axes for name in each))
    others = [n for n in names[2:] if len({repr(each.get(n)) for each in axes}) > 1]
    if not others:
        return [BATCH_SIZE, LEARNING_RATE]
    plain = [n for n in (BATCH_SIZE, LEARNING_RATE) if len({each[n] for each in axes}) > 1]
    return [*plain, *others]


def _numbered(levels: Sequence[object]) -> _Array:
    """Number the levels of a factor, which may be of any type; equal levels get the same number."""
    numbers = {level: place for place, level in enumerate(dict.fromkeys(map(repr, levels)))}
    return np.asarray([numbers[repr(level)] for level in levels], dtype=np.float64)


def _why_not(levels: dict[str, _Array], values: _Array) -> str:
    for name, numbers in levels.items():
        if len(np.unique(numbers)) < 2:  # noqa: PLR2004 - one level cannot differ
            return f"there are values of one {name} only" if len(values) else "nothing was measured"
    if len(values) <= sum(len(np.unique(each)) - 1 for each in levels.values()) + 1:
        return f"there are too few trials for so many values of {' and '.join(levels)}"
    if np.ptp(values) == 0:
        return "all values are the same"
    return ""


def _effects(
    models: dict[str, _Array],
    factors: Sequence[str],
    values: _Array,
    draws: _Array | None,
    *,
    repeated: bool,
) -> tuple[Effect, ...]:
    fits = {name: _fit(design, values) for name, design in models.items()}
    full = fits["cells"] if repeated else fits["all"]
    pairs = [(name, name, "all") for name in factors]
    if repeated and len(factors) > 1:
        pairs.append((INTERACTION, "all", "cells"))
    total = _left_over(np.ones((len(values), 1)), values[:, None])[0]
    effects = []
    for factor, without, with_it in pairs:
        squares = fits[without].squares - fits[with_it].squares
        degrees = fits[without].degrees - fits[with_it].degrees
        f, p = _f_test(squares, degrees, full, values)
        share = max(squares, 0.0) / total
        interval = None
        if draws is not None:
            interval = _interval(models[without], models[with_it], draws, share)
        effects.append(Effect(factor=factor, share=share, interval=interval, f=f, p=p))
    return tuple(effects)


def _fit(design: _Array, values: _Array) -> _Fit:
    """Fit a linear model by least squares."""
    basis = _basis(design)
    return _Fit(
        squares=float(_beyond(basis, values[:, None])[0]), degrees=len(values) - basis.shape[1]
    )


def _f_test(
    squares: float, degrees: int, full: _Fit, values: _Array
) -> tuple[float | None, float | None]:
    """Return F and p of a factor's sum of squares against the residual of the full model."""
    from scipy.stats import f as distribution  # noqa: PLC0415 - slow to import

    if degrees <= 0 or full.degrees <= 0:
        return None, None
    if full.squares <= 1e-12 * float((values**2).sum()):
        # The repeats agree to the last digit, so there is no noise and any difference is significant.
        return (None, 0.0) if squares > full.squares else (None, None)
    f = max(squares, 0.0) / degrees / (full.squares / full.degrees)
    return f, float(distribution.sf(f, degrees, full.degrees))


def _interval(without: _Array, with_it: _Array, draws: _Array, share: float) -> Interval95:
    total = _left_over(np.ones((len(draws), 1)), draws)
    squares = _left_over(without, draws) - _left_over(with_it, draws)
    shares = np.divide(squares, total, out=np.zeros_like(total), where=total > 0)
    low, high = np.quantile(np.clip(shares, 0, 1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    # Resampling adds noise, which inflates small shares, so the interval may miss the measured one.
    return Interval95(low=min(float(low), share), high=max(float(high), share))


def _left_over(design: _Array, draws: _Array) -> _Array:
    """Return the residual sum of squares of a linear model, for each column of values."""
    return _beyond(_basis(design), draws)


def _basis(design: _Array) -> _Array:
    """Return an orthonormal basis of a design's column space; the columns may be linearly dependent."""
    basis, sizes, _ = np.linalg.svd(design, full_matrices=False)
    return np.asarray(basis[:, sizes > sizes[0] * 1e-10])


def _beyond(basis: _Array, draws: _Array) -> _Array:
    """Return the squared norm of each column's component outside the span of the basis."""
    return np.asarray(((draws - basis @ (basis.T @ draws)) ** 2).sum(axis=0))


def _within_cells(values: _Array, cell: np.ndarray[Any, Any]) -> _Array:
    """Resample the repeats within each cell, a column per resample.

    Every cell keeps its number of repeats, so the design matrices stay valid.
    """
    rng = np.random.default_rng(_SEED)
    drawn = np.empty((len(values), _RESAMPLES))
    for number in np.unique(cell):
        rows = np.flatnonzero(cell == number)
        drawn[rows] = values[rng.choice(rows, size=(len(rows), _RESAMPLES))]
    return drawn


def _dummies(levels: Any, *, drop: int = 1) -> _Array:  # noqa: ANN401 - numbers of any kind
    """Return dummy variables: a column of zeros and ones for each level but the first `drop`."""
    known = np.unique(levels)[drop:]
    return np.asarray(levels[:, None] == known[None, :], dtype=np.float64)
