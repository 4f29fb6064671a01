"""How sure a search is of its answer, from a few trainings of each arm."""

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
    """Trainings that have reached a target for so much, and some that have missed it."""
    found = []
    for seed, joules in enumerate((*costs_j, *missed_j)):
        training = Training(arm=arm, seed=seed, number=seed, target=0.8, state=State.ENDED)
        training.add({(): joules}, 0.9 if seed < len(costs_j) else 0.1)
        found.append(training)
    return found


def weighed(**trainings: list[Training]) -> AnswerProbabilities:
    """What is known of these."""
    found = assess({each[0].arm: each for each in trainings.values()})
    assert found is not None
    return found


def test_what_neighbours_cost_does_not_tell_what_an_arm_costs() -> None:
    """One unlucky training between dear neighbours leaves an arm in question, as it does between others."""
    rights = [
        weighed(
            a=trained(A, STEADY),
            b=trained(B, (dear, dear * 1.01)),
            c=trained(C, (dear, dear * 1.01)),
            d=trained(D, (12.0,)),
        ).right_by_arm[D]
        for dear in (19.0, 28.0)
    ]

    assert rights[0] == pytest.approx(rights[1], abs=0.005)
    assert rights[0] > 0.1


def test_that_others_miss_makes_an_arm_less_sure_that_did_not_yet() -> None:
    """Four of four do not tell that it never will; a miss costs a training more."""
    rival = (12.0, 12.5, 11.5, 12.0)
    without = weighed(a=trained(A, STEADY), b=trained(B, rival), d=trained(D, (25.0, 25.0)))

    others_miss = weighed(
        a=trained(A, STEADY), b=trained(B, rival), d=trained(D, (25.0, 25.0), missed_j=(20.0,) * 3)
    )

    assert without.answer == others_miss.answer == A
    assert (others_miss.right or 1.0) < (without.right or 0.0) - 0.1


def test_a_share_of_misses_that_is_known_is_in_the_cost() -> None:
    """The arm that reaches the target for a fifth less, but only every second time, is no answer."""
    known = weighed(a=trained(A, STEADY), b=trained(B, (8.0,) * 4, missed_j=(12.0,) * 3))

    assert known.answer == A
