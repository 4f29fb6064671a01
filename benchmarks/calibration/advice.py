"""Outcome of following the advice, and calibration of its probabilities."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.ideal import Ideal
from benchmarks.calibration.worlds import AXES, ENDS, Truth
from study.inference.choice import NEAR, Aim, Choice, choose, choose_by_means, losses
from study.inference.posterior import Posterior, posterior
from study.inference.repeats import Floats, Integers, Repeats, Truths

SAID_FROM = 0.95
"""From this probability on it is said that no other setup is more accurate."""

NEARLY_POINTS, NEARLY_DEARER = 0.5, 0.1
"""What is right for practical purposes."""

BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Probabilities that were stated, and what was true.

    Attributes:
        probability: Shape (statements,).
        true: Shape (statements,).
    """

    probability: Floats
    true: Truths


def outcome(truth: Truth, setup: Integers, aim: Aim) -> dict[str, float]:
    """Return the outcome of following an advice.

    Args:
        truth: Of the studies.
        setup: The advice of each.
        aim: What was asked for.

    Returns:
        right: share that is within the tolerance and needs at most 5 % more energy than the cheapest such;
        excess: mean excess energy over the cheapest such, one that is cheaper counting as none;
        outside: share outside of the tolerance; short: by how many points these are, in the mean;
        lost: mean loss above that of the best choice, in logarithms of energy.
    """
    lost = losses(truth.energy, truth.objective, aim)
    right, excess, short = _compared(truth, setup, aim)
    outside = short > 0
    return {
        "right": float(right.mean()),
        "excess": float(np.maximum(np.expm1(excess), 0.0).mean()),
        "log excess": float(np.maximum(excess, 0.0).mean()),
        "outside": float(outside.mean()),
        "short": float(short[outside].mean() / aim.point) if outside.any() else 0.0,
        "lost": float((lost[np.arange(truth.studies), setup] - lost.min(axis=1)).mean()),
    }


def nearly_right(truth: Truth, setup: Integers, aim: Aim) -> Truths:
    """Return whether an advice is right in practice: within half a point more, and 10 %."""
    _, excess, short = _compared(truth, setup, aim)
    return (short <= NEARLY_POINTS * aim.point) & (excess <= math.log1p(NEARLY_DEARER))


def advice_measures(
    truth: Truth,
    rng: np.random.Generator,
    *,
    repeats: int,
    draws: int,
    aim: Aim,
    ideal: Ideal | None = None,
) -> tuple[Mapping[str, float], Mapping[str, Stated]]:
    """Simulate studies and follow their advice.

    Args:
        truth: Of the studies.
        rng: Source of their repeats.
        repeats: Of each setup.
        draws: Of each posterior.
        aim: What is asked for.
        ideal: Posterior of who knows how truths are distributed; None to leave that out.

    Returns:
        Measures by the name of the column, and what was stated of setups; nothing is with one
        repeat. "allowed" is the share that is right if the spread is known, by the setup that is
        right with the highest probability. "ideal right", "ideal excess" and "ideal lost" are what
        the ideal posterior reaches by that rule, and by the least expected loss.
    """
    energies, objectives = truth.observed(rng, repeats)
    energy, objective = Repeats.of_array(energies), Repeats.of_array(objectives)
    allowed = outcome(truth, _with_known_spread(truth, energy, objective, aim, rng, draws), aim)
    found = {"allowed": allowed["right"]}
    if ideal is not None:
        found |= _ideally(truth, energy, objective, aim, ideal, rng, draws)
    drawn = [
        posterior(each, axes=AXES, rng=rng, draws=draws, ends=ends)
        for each, ends in ((energy, None), (objective, ENDS))
    ]
    if drawn[0] is None or drawn[1] is None:
        setup = choose_by_means(energy, objective, aim)
        return {**outcome(truth, setup, aim), **found}, {}
    choice = choose(drawn[0], drawn[1], aim)
    stated = _stated(truth, choice, aim)
    best = stated["no other is more accurate"]
    said = best.probability >= SAID_FROM
    return {
        **outcome(truth, choice.setup, aim),
        **found,
        "stated": float(stated["right"].probability.mean()),
        "said best": float(said.mean()),
        "best when said": float(best.true[said].mean()) if said.any() else math.nan,
    }, stated


def reliability(stated: Sequence[Stated]) -> list[tuple[float, float, float, int]]:
    """Return for each tenth of probability: lower end, mean, share that was true, number."""
    if not stated:
        return []
    probability = np.concatenate([each.probability for each in stated])
    true = np.concatenate([each.true for each in stated])
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    return [
        (
            tenth / BINS,
            float(probability[place == tenth].mean()),
            float(true[place == tenth].mean()),
            int((place == tenth).sum()),
        )
        for tenth in range(BINS)
        if (place == tenth).any()
    ]


def _compared(truth: Truth, setup: Integers, aim: Aim) -> tuple[Truths, Floats, Floats]:
    """Return whether each advice is right, its log excess energy, and its shortfall."""
    studies = np.arange(truth.studies)
    missing = truth.objective.max(axis=1, keepdims=True) - aim.tolerance - truth.objective
    short = np.where(missing > 1e-9, missing, 0.0)  # noqa: PLR2004 - what rounding leaves
    least = np.where(short > 0, math.inf, truth.energy).min(axis=1)
    excess = truth.energy[studies, setup] - least
    own = short[studies, setup]
    return (own == 0) & (excess <= math.log1p(NEAR)), excess, own


def _stated(truth: Truth, choice: Choice, aim: Aim) -> dict[str, Stated]:
    """Return stated probabilities: of the choice, to be right and most accurate; of all, to be within."""
    right, _, _ = _compared(truth, choice.setup, aim)
    best = truth.objective.max(axis=1, keepdims=True)
    within = truth.objective >= best - aim.tolerance - 1e-9
    leads = np.take_along_axis(truth.objective >= best, choice.setup[:, None], axis=1)[:, 0]
    return {
        "right": Stated(probability=choice.of_chosen(choice.right), true=right),
        "within the tolerance": Stated(probability=choice.within.ravel(), true=within.ravel()),
        "no other is more accurate": Stated(
            probability=choice.of_chosen(choice.most_accurate), true=leads
        ),
    }


def _ideally(
    truth: Truth,
    energy: Repeats,
    objective: Repeats,
    aim: Aim,
    ideal: Ideal,
    rng: np.random.Generator,
    draws: int,
) -> dict[str, float]:
    """Return what is reached by who knows how truths are distributed."""
    drawn = ideal(
        (energy.mean, truth.energy_deviation**2 / energy.count),
        (objective.mean, truth.objective_deviation**2 / objective.count),
        rng,
        draws,
    )
    energies, objectives = (
        Posterior(repeats=repeats, means=each, pooled=each, variances=np.zeros_like(each))
        for repeats, each in zip((energy, objective), drawn, strict=True)
    )
    choice = choose(energies, objectives, aim)
    by_loss = outcome(truth, choice.setup, aim)
    by_right = outcome(truth, np.asarray(choice.right.argmax(axis=-1)), aim)
    return {
        "ideal right": by_right["right"],
        "ideal excess": by_loss["excess"],
        "ideal lost": by_loss["lost"],
    }


def _with_known_spread(
    truth: Truth,
    energy: Repeats,
    objective: Repeats,
    aim: Aim,
    rng: np.random.Generator,
    draws: int,
) -> Integers:
    """The setup that is right with the highest probability, if the spread were known."""

    def known(repeats: Repeats, deviation: Floats) -> Posterior:
        variances = np.broadcast_to(
            (deviation**2)[:, None, :], (truth.studies, draws, deviation.shape[1])
        )
        noise = rng.standard_normal(variances.shape)
        scale = np.sqrt(variances / repeats.count[:, None, :])
        means = repeats.mean[:, None, :] + scale * noise
        return Posterior(repeats=repeats, means=means, pooled=means, variances=variances)

    choice = choose(
        known(energy, truth.energy_deviation), known(objective, truth.objective_deviation), aim
    )
    return np.asarray(choice.right.argmax(axis=-1))
