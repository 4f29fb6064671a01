"""Gain from further repeats, by the rule that chooses which setups get them."""

from collections.abc import Mapping

import numpy as np

from benchmarks.calibration.advice import nearly_right, outcome
from benchmarks.calibration.worlds import AXES, ENDS, Truth
from study.inference.allocation import Rule, next_repeat, sure_enough
from study.inference.choice import Aim, choose
from study.inference.posterior import posterior
from study.inference.repeats import Integers, Repeats

FIRST = 2
"""Number of repeats that every setup gets at first."""


def spending_measures(
    truth: Truth,
    rng: np.random.Generator,
    *,
    rule: Rule | None,
    more: int,
    draws: int,
    aim: Aim,
    sure: float,
) -> Mapping[str, float]:
    """Simulate studies with two repeats of every setup and `more` repeats of single setups.

    Args:
        truth: True values of the studies.
        rng: Random numbers for the repeats and the posteriors.
        rule: Rule that chooses which setup is repeated next; None takes setups in turn.
        more: Number of repeats beyond the first two of every setup.
        draws: Number of draws from each posterior.
        aim: Aim of the advice: its tolerance and price.
        sure: Probability at which a study would have stopped, if it was reached in two successive steps.

    Returns:
        Values by the name of the column: those of `outcome` after all repeats; "sure", the share of studies
        that would have stopped; of these, "right when sure", the share that was right when it would have
        stopped, and "nearly right when sure", the share that was at most half a point outside the tolerance
        and at most 10 % dearer than the cheapest; and "sure and wrong", the share of all studies that would
        have stopped with advice that was not nearly right.
    """
    energies, objectives = truth.observed(rng, FIRST)
    energy, objective = Repeats.of_array(energies), Repeats.of_array(objectives)
    stopped = np.full(truth.studies, -1, dtype=np.int64)
    setup: Integers = np.zeros(truth.studies, dtype=np.int64)
    was_sure = np.zeros(truth.studies, dtype=np.bool_)
    for step in range(more + 1):
        drawn = [
            posterior(each, axes=AXES, rng=rng, draws=draws, ends=ends)
            for each, ends in ((energy, None), (objective, ENDS))
        ]
        if drawn[0] is None or drawn[1] is None:
            msg = "two repeats of all setups have a spread"
            raise ValueError(msg)
        choice = choose(drawn[0], drawn[1], aim)
        setup = choice.setup
        is_sure = sure_enough(choice, sure)
        stopped = np.where((stopped < 0) & is_sure & was_sure, setup, stopped)
        was_sure = is_sure
        following = (
            np.full(truth.studies, step % energy.mean.shape[1])
            if rule is None
            else next_repeat(drawn[0], drawn[1], aim, rule=rule)
        )
        another = truth.observed_once(rng, following)
        energy, objective = (
            energy.plus(following, another[0]),
            objective.plus(following, another[1]),
        )
    ended = stopped >= 0
    found = {**outcome(truth, setup, aim), "sure": float(ended.mean()), "sure and wrong": 0.0}
    if ended.any():
        sure_of = truth.kept(ended), stopped[ended]
        near = nearly_right(*sure_of, aim)
        found |= {
            "right when sure": outcome(*sure_of, aim)["right"],
            "nearly right when sure": float(near.mean()),
            "sure and wrong": float((~near).sum() / truth.studies),
        }
    return found
