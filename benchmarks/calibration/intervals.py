"""Coverage and width of intervals, and what they tell apart."""

from collections.abc import Mapping

import numpy as np

from benchmarks.calibration.worlds import AXES, Truth
from study.inference.choice import Aim, choose
from study.inference.intervals import (
    Interval,
    difference,
    interval,
    saving_interval,
    total_interval_j,
)
from study.inference.posterior import Posterior, posterior
from study.inference.repeats import Floats, Integers, Repeats, Truths
from study.inference.selection import luck, picked_interval, saving_against_picked

Z = 1.959964
"""Half-width of a 95 % interval in standard deviations that are known."""


def interval_measures(
    truth: Truth, rng: np.random.Generator, *, repeats: int, draws: int
) -> Mapping[str, float]:
    """Simulate studies and count.

    Args:
        truth: Of the studies.
        rng: Source of their repeats.
        repeats: Of each setup, at least 2.
        draws: Of each posterior.

    Returns:
        Shares in [0, 1], and the ratio of widths, by the name of the column.
    """
    studies = np.arange(truth.studies)
    setups = truth.energy.shape[1]
    twin_of, one = rng.integers(setups, size=(2, truth.studies))
    other = (one + 1 + rng.integers(setups - 1, size=truth.studies)) % setups
    wider = truth.with_twins(twin_of)
    energies, objectives = wider.observed(rng, repeats)
    pairs = _drawn(energies, rng, draws)
    known = _KnownSpread(wider, energies, repeats)
    apart = interval(difference(pairs, one, other))
    twins = np.full(truth.studies, setups)
    energy = _drawn(energies[:, :setups], rng, draws, AXES)
    objective = _drawn(objectives[:, :setups], rng, draws, AXES)
    return {
        "total": _share(total_interval_j(energy, one).holds(np.exp(truth.energy[studies, one]))),
        "fixed pair": _share(apart.holds(known.true(one, other))),
        **_picked(truth, energy, objective, rng),
        "equal told apart": _share(~_holds_none(pairs, twin_of, twins)),
        "twofold told apart": _share(~_holds_none(pairs, twin_of, twins + 1)),
        "with known spread": _share(~known.interval(twin_of, twins + 1).holds(0.0)),
        "width to known": _median_ratio(apart.width, known.interval(one, other).width),
    }


def _picked(
    truth: Truth, energy: Posterior, objective: Posterior, rng: np.random.Generator
) -> dict[str, float]:
    """Coverage of what is said of the recommended setup, and against those that it is compared with."""
    aim, studies = Aim(), np.arange(truth.studies)
    setup = choose(energy, objective, aim).setup
    lucky = luck(energy, objective, aim, rng=rng)
    found = {}
    for name, reference, bias in (
        ("costliest", energy.repeats.mean.argmax(axis=-1), lucky.against_costliest),
        ("most accurate", objective.repeats.mean.argmax(axis=-1), lucky.against_best),
    ):
        saved = -np.expm1(truth.energy[studies, setup] - truth.energy[studies, reference])
        held = saving_against_picked(energy, setup, reference, bias, rng=rng).holds(saved)
        found[f"against {name}"] = _share(held[setup != reference])
    total = picked_interval(energy, setup, lucky.energy, rng=rng)
    score = picked_interval(objective, setup, lucky.objective, rng=rng)
    return {
        **found,
        "its total": _share(total.holds(truth.energy[studies, setup])),
        "its score": _share(score.holds(truth.objective[studies, setup])),
    }


class _KnownSpread:
    """Yardstick with the spread of the repeats known: a z interval."""

    def __init__(self, truth: Truth, energies: Floats, repeats: int) -> None:
        self._truth, self._mean, self._repeats = truth, energies.mean(axis=-1), repeats

    def true(self, one: Integers, other: Integers) -> Floats:
        """The true differences of two setups. Shape (studies,)."""
        return _less(self._truth.energy, one, other)

    def interval(self, one: Integers, other: Integers) -> Interval:
        """Interval of these differences."""
        studies = np.arange(len(one))
        deviation = self._truth.energy_deviation
        half = Z * np.hypot(deviation[studies, one], deviation[studies, other])
        middle = _less(self._mean, one, other)
        half /= np.sqrt(self._repeats)
        return Interval(low=middle - half, high=middle + half)


def _drawn(
    values: Floats, rng: np.random.Generator, draws: int, axes: Integers | None = None
) -> Posterior:
    drawn = posterior(Repeats.of_array(values), axes=axes, rng=rng, draws=draws)
    if drawn is None:
        msg = "with one repeat there is no interval to count"
        raise ValueError(msg)
    return drawn


def _holds_none(energy: Posterior, one: Integers, other: Integers) -> Truths:
    """Return whether the interval holds a saving of zero."""
    return saving_interval(energy, one, other).holds(0.0)


def _median_ratio(widths: Floats, known: Floats) -> float:
    """Median of the ratios, without those to an interval that has no width."""
    wide = known > 0
    return float(np.median(widths[wide] / known[wide])) if wide.any() else float("nan")


def _less(values: Floats, one: Integers, other: Integers) -> Floats:
    studies = np.arange(len(one))
    return np.asarray(values[studies, one] - values[studies, other])


def _share(held: Truths) -> float:
    return float(held.mean()) if held.size else float("nan")
