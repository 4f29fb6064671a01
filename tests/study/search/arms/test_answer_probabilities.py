"""Probability that a search's answer is right, from a few trainings of each arm."""

from collections.abc import Sequence

import pytest

from study.search.arms.answer_probabilities import AnswerProbabilities, assess
from study.search.arms.training import State, Training
from study.search.space.space import Choice

A, B, C, D = (1, 1), (1, 2), (2, 1), (2, 2)
STEADY = (9.5, 10.0, 10.5, 10.0)


def trained(
    arm: Choice, costs_j: Sequence[float], missed_j: Sequence[float] = ()
) -> list[Training]:
    """Return trainings that reached the target for these energies, and some that missed it."""
    found = []
    for seed, joules in enumerate((*costs_j, *missed_j)):
        training = Training(arm=arm, seed=seed, number=seed, target=0.8, state=State.ENDED)
        training.add({(): joules}, 0.9 if seed < len(costs_j) else 0.1)
        found.append(training)
    return found


def assessed(**trainings: list[Training]) -> AnswerProbabilities:
    """Assess these trainings."""
    found = assess({each[0].arm: each for each in trainings.values()})
    assert found is not None
    return found


def test_the_costs_of_neighbours_say_nothing_about_an_arm() -> None:
    """An arm with one expensive training may still be the best, however costly its neighbours are."""
    rights = [
        assessed(
            a=trained(A, STEADY),
            b=trained(B, (costly, costly * 1.01)),
            c=trained(C, (costly, costly * 1.01)),
            d=trained(D, (12.0,)),
        ).right_by_arm[D]
        for costly in (19.0, 28.0)
    ]

    assert rights[0] == pytest.approx(rights[1], abs=0.005)
    assert rights[0] > 0.1


def test_misses_of_other_arms_make_an_answer_less_certain() -> None:
    """An arm that reached the target four times may still miss it, at the cost of another training."""
    rival = (12.0, 12.5, 11.5, 12.0)
    without = assessed(a=trained(A, STEADY), b=trained(B, rival), d=trained(D, (25.0, 25.0)))

    others_miss = assessed(
        a=trained(A, STEADY), b=trained(B, rival), d=trained(D, (25.0, 25.0), missed_j=(20.0,) * 3)
    )

    assert without.answer == others_miss.answer == A
    assert (others_miss.right or 1.0) < (without.right or 0.0) - 0.1


def test_observed_misses_increase_the_cost_of_an_arm() -> None:
    """An arm that needs a fifth less but misses the target almost every other time is not the answer."""
    known = assessed(a=trained(A, STEADY), b=trained(B, (8.0,) * 4, missed_j=(12.0,) * 3))

    assert known.answer == A
