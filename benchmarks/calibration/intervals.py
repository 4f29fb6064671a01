"""Coverage and width of intervals, and how often they distinguish setups."""

from collections.abc import Mapping

import numpy as np

from benchmarks.calibration.known_spreads import KnownSpreads
from benchmarks.calibration.worlds import AXES, ENDS, Truth
from study.inference.choice import Aim, choose
from study.inference.intervals import (
    difference,
    interval,
    saving_interval,
    total_interval_j,
)
from study.inference.log_odds import Ends
from study.inference.posterior import Posterior, posterior
from study.inference.repeats import Floats, Integers, Repeats, Truths
from study.inference.selection import saving_against_selected, selected_interval, selection_bias

TWINS = 4
"""Number of setups of each study that get twins."""

TWIN_DRAWS_FACTOR = 5
"""Factor for the number of draws with twins: with 400 draws the ends of intervals are so imprecise that they
distinguish one percentage point fewer pairs than with a report's 8,000."""


def interval_measures(
    truth: Truth, rng: np.random.Generator, *, repeats: int, draws: int
) -> Mapping[str, float]:
    """Simulate studies, and measure the coverage and width of their intervals.

    Args:
        truth: True values of the studies.
        rng: Random numbers for the repeats and the posteriors.
        repeats: Number of repeats of each setup, at least 2.
        draws: Number of draws from each posterior.

    Returns:
        Shares in [0, 1], and the ratio of widths, by the name of the column.
    """
    studies = np.arange(truth.studies)
    setups = truth.energy.shape[1]
    one = rng.integers(setups, size=truth.studies)
    other = (one + 1 + rng.integers(setups - 1, size=truth.studies)) % setups
    energies, objectives = truth.observed(rng, repeats)
    energy = _drawn(energies, rng, draws, axes=AXES)
    objective = _drawn(objectives, rng, draws, axes=AXES, ends=ENDS)
    apart = interval(difference(energy, one, other))
    known = KnownSpreads(truth, energies).each(one, other)
    return {
        "total": _share(total_interval_j(energy, one).holds(np.exp(truth.energy[studies, one]))),
        "fixed pair": _share(apart.holds(_less(truth.energy, one, other))),
        **_recommended(truth, energy, objective, rng),
        **_twins(truth, rng, repeats=repeats, draws=TWIN_DRAWS_FACTOR * draws),
        "width to known": _median_ratio(apart.width, known.width),
    }


def _twins(truth: Truth, rng: np.random.Generator, *, repeats: int, draws: int) -> dict[str, float]:
    """Return the shares of pairs of setups with equal energies, and with a ratio of two, that are told apart.

    In each study four setups get two twins each, one with the same energy and one with twice as much, which
    replace eight other setups.
    """
    places = rng.permuted(np.tile(np.arange(truth.energy.shape[1]), (truth.studies, 1)), axis=1)
    of, instead = np.tile(places[:, :TWINS], 2), places[:, TWINS : 3 * TWINS]
    wider = truth.with_twins(of, instead, np.repeat([1.0, 2.0], TWINS))
    energies, _ = wider.observed(rng, repeats)
    energy = _drawn(energies, rng, draws)
    known = KnownSpreads(wider, energies)
    found: dict[str, list[Truths]] = {}
    for place in range(2 * TWINS):
        pair = of[:, place], instead[:, place]
        if place < TWINS:
            intervals = {"equal told apart": saving_interval(energy, *pair)}
        else:
            intervals = {
                "twofold told apart": saving_interval(energy, *pair),
                "each spread known": known.each(*pair),
                "spreads known, not whose": known.not_whose(*pair, rng=rng, draws=draws),
            }
        for name, each in intervals.items():
            found.setdefault(name, []).append(~each.holds(0.0))
    return {name: _share(np.stack(many)) for name, many in found.items()}


def _recommended(
    truth: Truth, energy: Posterior, objective: Posterior, rng: np.random.Generator
) -> dict[str, float]:
    """Return the coverage of intervals about the recommended setup, alone and compared with others."""
    aim, studies = Aim(), np.arange(truth.studies)
    setup = choose(energy, objective, aim).setup
    bias = selection_bias(energy, objective, aim, rng=rng)
    found = {}
    for name, reference, apart in (
        ("costliest", energy.repeats.mean.argmax(axis=-1), bias.against_costliest),
        ("most accurate", objective.repeats.mean.argmax(axis=-1), bias.against_best),
    ):
        saved = -np.expm1(truth.energy[studies, setup] - truth.energy[studies, reference])
        held = saving_against_selected(energy, setup, reference, apart, rng=rng).holds(saved)
        found[f"against {name}"] = _share(held[setup != reference])
    total = selected_interval(energy, setup, bias.energy, rng=rng)
    score = selected_interval(objective, setup, bias.objective, rng=rng)
    return {
        **found,
        "its total": _share(total.holds(truth.energy[studies, setup])),
        "its score": _share(score.holds(truth.objective[studies, setup])),
    }


def _drawn(
    values: Floats,
    rng: np.random.Generator,
    draws: int,
    *,
    axes: Integers | None = None,
    ends: Ends | None = None,
) -> Posterior:
    drawn = posterior(Repeats.of_array(values), axes=axes, rng=rng, draws=draws, ends=ends)
    if drawn is None:
        msg = "with one repeat there is no interval to count"
        raise ValueError(msg)
    return drawn


def _median_ratio(widths: Floats, known: Floats) -> float:
    """Return the median ratio of widths, leaving out known intervals of width 0."""
    wide = known > 0
    return float(np.median(widths[wide] / known[wide])) if wide.any() else float("nan")


def _less(values: Floats, one: Integers, other: Integers) -> Floats:
    studies = np.arange(len(one))
    return np.asarray(values[studies, one] - values[studies, other])


def _share(held: Truths) -> float:
    return float(held.mean()) if held.size else float("nan")
