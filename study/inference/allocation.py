"""Choice of the setup to train once more: the one whose repeat tells most about which to use.

Two rules, compared in `benchmarks.calibration`:

    knowledge gradient   the repeat by which the least expected loss is expected to fall most, each
                         setup by itself (Frazier, Powell and Dayanik 2008, SIAM Journal on Control
                         and Optimization 47:2410): s f(gap / s), f(z) = phi(z) - z Phi(-z), where s
                         is by how much the repeat can move the expected loss of the setup, and gap
                         how far that loss is from the least of the others
    top two              the chosen setup or its likeliest rival, whichever varies more per repeat
                         (Russo 2020, Operations Research 68:1625, without his coin)
"""

from enum import StrEnum

import numpy as np
from scipy.special import ndtr

from study.inference.choice import Aim, Choice, losses
from study.inference.posterior import Posterior
from study.inference.repeats import Floats, Integers, Truths

_LEAST = 1e-12


class Rule(StrEnum):
    """Rule for choosing the next repeat."""

    KNOWLEDGE_GRADIENT = "knowledge gradient"
    TOP_TWO = "top two"


def next_repeat(
    energy: Posterior, objective: Posterior, aim: Aim, *, rule: Rule = Rule.KNOWLEDGE_GRADIENT
) -> Integers:
    """Place of the setup to train once more. Shape (...).

    Args:
        energy: Of logarithms of joules.
        objective: The higher the better.
        aim: What is asked of a setup.
        rule: How it is chosen.
    """
    return np.asarray(_WORTHS[rule](energy, objective, aim).argmax(axis=-1))


def sure_enough(choice: Choice, probability: float) -> Truths:
    """Return whether the chosen setup is right with at least a probability. Shape (...).

    Args:
        choice: What was chosen.
        probability: Asked for; right is within the tolerance and within 5 % of the cheapest such.
    """
    return np.asarray(choice.of_chosen(choice.right) >= probability)


def _knowledge_gradient(energy: Posterior, objective: Posterior, aim: Aim) -> Floats:
    """Expected decrease of the least expected loss by one more repeat of each setup."""
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
    """Share of the loss between leader and likeliest rival that a repeat explains; else -1."""
    lost = losses(energy.pooled, objective.pooled, aim)
    places = np.arange(lost.shape[-1])
    leads = lost.mean(axis=-2).argmin(axis=-1)[..., None] == places
    wins = (lost.argmin(axis=-1)[..., None] == places).mean(axis=-2)
    rival = np.where(leads, -1.0, wins).argmax(axis=-1)[..., None] == places
    return np.where(leads | rival, _explained(lost, energy), -1.0)


def _explained(lost: Floats, energy: Posterior) -> Floats:
    """Variance of each setup's loss that one more repeat explains: 1 / (n + 1) of it."""
    return np.asarray(lost.var(axis=-2) / (energy.repeats.count + 1))


_WORTHS = {Rule.KNOWLEDGE_GRADIENT: _knowledge_gradient, Rule.TOP_TWO: _top_two}
