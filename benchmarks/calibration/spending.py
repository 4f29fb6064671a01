"""Gain from more repeats, by the rule that chooses which setups get them."""

from collections.abc import Mapping

import numpy as np

from benchmarks.calibration.advice import nearly_right, outcome
from benchmarks.calibration.worlds import AXES, ENDS, Truth
from study.inference.allocation import Rule, next_repeat, sure_enough
from study.inference.choice import Aim, choose
from study.inference.posterior import posterior
from study.inference.repeats import Integers, Repeats

FIRST = 2
"""Repeats that every setup gets."""


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
    """Simulate studies of two repeats and `more` repeats of single setups.

    Args:
        truth: Of the studies.
        rng: Source of their repeats.
        rule: Which setup is next; None: one after another.
        more: Repeats beyond the first two of all.
        draws: Of each posterior.
        aim: What is asked for.
        sure: Probability from which on a study would have stopped, if it was so in two steps
            running.

    Returns:
        Outcomes after all; "sure": the share of studies that got so sure by then; "right when sure":
        of these the share that was right when it would have stopped, "nearly right when sure": that
        was within half a point more than the tolerance, and within 10 % of the cheapest;
        "sure and wrong": of all studies the share that was sure and not nearly right.
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
