"""Choice of the setup to repeat next: the one whose repeat is most informative about which setup to use.

Four rules, compared in `benchmarks.calibration` (the first two) and `benchmarks.search`:

    knowledge gradient   the repeat expected to reduce the least expected loss most, considering each
                         setup on its own (Frazier, Powell and Dayanik 2008, SIAM Journal on Control
                         and Optimization 47:2410): s f(gap / s), f(z) = phi(z) - z Phi(-z), where s
                         is the standard deviation by which the repeat can move the setup's expected
                         loss, and gap is the distance of that loss from the least of the others
    top two              the chosen setup or its likeliest rival, whichever repeat explains more
                         variance (Russo 2020, Operations Research 68:1625, without the coin flip)
    racing               among the setups that are best with a probability of at least 5 %, the one
                         with the fewest repeats (Maron and Moore 1997, Artificial Intelligence Review
                         11:193)
    successive rejects   in phases: all setups get repeats, then all but the worst, until two are
                         left; the phases are as long as for a budget of one further repeat per setup
                         (Audibert, Bubeck and Munos 2010, COLT: Best arm identification in
                         multi-armed bandits)
"""

from enum import StrEnum

import numpy as np
from scipy.special import ndtr

from study.inference.choice import Aim, Choice, losses
from study.inference.posterior import Posterior
from study.inference.repeats import Floats, Integers, Truths

_LEAST = 1e-12
_MAY_BE_BEST = 0.05


class Rule(StrEnum):
    """Rule for choosing the next repeat."""

    KNOWLEDGE_GRADIENT = "knowledge gradient"
    TOP_TWO = "top two"
    RACING = "racing"
    SUCCESSIVE_REJECTS = "successive rejects"


def next_repeat(
    energy: Posterior,
    objective: Posterior,
    aim: Aim,
    *,
    rule: Rule = Rule.KNOWLEDGE_GRADIENT,
    allowed: Truths | None = None,
) -> Integers:
    """Return the index of the setup to repeat next. Shape (...).

    Args:
        energy: Posterior of the logarithms of joules.
        objective: Posterior of the objective, higher is better.
        aim: Requirements on a setup.
        rule: Rule by which it is chosen.
        allowed: Mask of the setups that may be repeated; None for all. Shape (..., setups).
    """
    worth = _WORTHS[rule](energy, objective, aim)
    return np.asarray((worth if allowed is None else np.where(allowed, worth, -np.inf)).argmax(-1))


def sure_enough(choice: Choice, probability: float) -> Truths:
    """Return whether the chosen setup is right with at least a given probability. Shape (...).

    Args:
        choice: The choice, with its probabilities.
        probability: Required probability that it is right, see `Choice.right`.
    """
    return np.asarray(choice.of_chosen(choice.right) >= probability)


def _knowledge_gradient(energy: Posterior, objective: Posterior, aim: Aim) -> Floats:
    """Return the expected decrease of the least expected loss by one more repeat of each setup."""
    lost = losses(energy.pooled, objective.pooled, aim)
    expected = lost.mean(axis=-2)
    order = np.sort(expected, axis=-1)
    least, second = order[..., :1], order[..., min(1, order.shape[-1] - 1)][..., None]
    gap = np.where(expected <= least, second - expected, expected - least)
    moved = np.sqrt(_explained(lost, energy)) + _LEAST
    z = gap / moved
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(moved * (density - z * ndtr(-z)))


def _top_two(energy: Posterior, objective: Posterior, aim: Aim) -> Floats:
    """Return the variance that a repeat explains, for the leader and its likeliest rival; else -1."""
    lost = losses(energy.pooled, objective.pooled, aim)
    places = np.arange(lost.shape[-1])
    leads = lost.mean(axis=-2).argmin(axis=-1)[..., None] == places
    wins = (lost.argmin(axis=-1)[..., None] == places).mean(axis=-2)
    rival = np.where(leads, -1.0, wins).argmax(axis=-1)[..., None] == places
    return np.where(leads | rival, _explained(lost, energy), -1.0)


def _racing(energy: Posterior, objective: Posterior, aim: Aim) -> Floats:
    """Return minus the number of repeats for setups that may be the best; -inf for the others."""
    lost = losses(energy.pooled, objective.pooled, aim)
    wins = (lost.argmin(axis=-1)[..., None] == np.arange(lost.shape[-1])).mean(axis=-2)
    return np.where(wins >= _MAY_BE_BEST, -energy.repeats.count.astype(np.float64), -np.inf)


def _successive_rejects(energy: Posterior, objective: Posterior, aim: Aim) -> Floats:
    """Return minus the number of repeats for setups in the first unfinished phase; -inf for the others."""
    count = energy.repeats.count.astype(np.float64)
    setups = count.shape[-1]
    rank = (
        losses(energy.repeats.mean, objective.repeats.mean, aim).argsort(axis=-1).argsort(axis=-1)
    )
    spread = 0.5 + sum(1 / number for number in range(2, setups + 1))
    worth = np.full(count.shape, -np.inf)
    for left in range(2, setups + 1):
        # The loop ends with the method's first phase (all setups), which overrides later phases.
        asked = 1 + np.ceil(setups / (spread * left))
        short = (rank < left) & (count < asked)
        worth = np.where(short.any(axis=-1, keepdims=True), np.where(short, -count, -np.inf), worth)
    leading = np.where(rank < 2, -count, -np.inf)  # noqa: PLR2004 - the two that are left
    return np.where(np.isfinite(worth).any(axis=-1, keepdims=True), worth, leading)


def _explained(lost: Floats, energy: Posterior) -> Floats:
    """Return the part of each setup's loss variance that one more repeat explains: 1 / (n + 1) of it."""
    return np.asarray(lost.var(axis=-2) / (energy.repeats.count + 1))


_WORTHS = {
    Rule.KNOWLEDGE_GRADIENT: _knowledge_gradient,
    Rule.TOP_TWO: _top_two,
    Rule.RACING: _racing,
    Rule.SUCCESSIVE_REJECTS: _successive_rejects,
}
