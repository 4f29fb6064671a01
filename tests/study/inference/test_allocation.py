"""Which setup is trained once more."""

import numpy as np
import pytest

from study.inference.allocation import Rule, next_repeat, sure_enough
from study.inference.choice import Aim, choose
from study.inference.repeats import Repeats
from tests.study.inference.draws import certain, drawn, energies

RULES = pytest.mark.parametrize("rule", Rule)


@RULES
def test_a_setup_that_cannot_win_is_not_trained_again(rule: Rule) -> None:
    """Of two that are close and one far off the next repeat is one of the two."""
    energy = energies([[10.0, 11.0], [10.5, 11.5], [90.0, 110.0]])
    objective = drawn(Repeats.of([[0.90, 0.91], [0.90, 0.91], [0.90, 0.91]]))

    assert int(next_repeat(energy, objective, Aim(), rule=rule)) in {0, 1}


@RULES
def test_of_two_rivals_the_one_with_fewer_repeats_is_next(rule: Rule) -> None:
    """It tells more."""
    energy = energies([[10.0, 12.0] * 4, [10.0, 12.0], [90.0, 110.0]])
    objective = certain([0.9, 0.9, 0.9])

    assert next_repeat(energy, objective, Aim(), rule=rule) == 1


@RULES
def test_an_uncertain_objective_is_worth_a_repeat(rule: Rule) -> None:
    """A cheap setup of which it is open whether it is good enough is trained again."""
    energy = certain(np.log([10.0, 20.0, 40.0]))
    objective = drawn(Repeats.of([[0.84, 0.90], [0.87, 0.93], [0.50, 0.56]]))

    assert int(next_repeat(energy, objective, Aim(), rule=rule)) in {0, 1}


@RULES
def test_the_only_setup_is_next(rule: Rule) -> None:
    """There is no other."""
    energy, objective = energies([[10.0, 12.0]]), drawn(Repeats.of([[0.8, 0.9]]))

    assert next_repeat(energy, objective, Aim(), rule=rule) == 0


def test_sure_enough_asks_for_the_answer_that_is_chosen() -> None:
    """Certain means are sure; two setups that look alike are not."""
    clear = choose(certain([1.0, 2.0]), certain([0.9, 0.9]), Aim())
    open_ = choose(
        energies([[10.0, 14.0], [10.0, 14.0]]), drawn(Repeats.of([[0.85, 0.9]] * 2)), Aim()
    )

    assert sure_enough(clear, 0.9)
    assert not sure_enough(open_, 0.9)
