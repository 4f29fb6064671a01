"""Choice of the setup to repeat next."""

import numpy as np
import pytest

from study.inference.allocation import Rule, next_repeat, sure_enough
from study.inference.choice import Aim, choose
from study.inference.repeats import Repeats
from tests.study.inference.draws import certain, drawn, energies

RULES = pytest.mark.parametrize("rule", Rule)


@RULES
def test_a_setup_that_cannot_win_is_not_repeated(rule: Rule) -> None:
    """Of two close setups and a distant one, one of the close two is repeated."""
    energy = energies([[10.0, 11.0], [10.5, 11.5], [90.0, 110.0]])
    objective = drawn(Repeats.of([[0.90, 0.91], [0.90, 0.91], [0.90, 0.91]]))

    assert int(next_repeat(energy, objective, Aim(), rule=rule)) in {0, 1}


@RULES
def test_the_rival_with_fewer_repeats_is_next(rule: Rule) -> None:
    """Its repeat is more informative."""
    energy = energies([[10.0, 12.0] * 4, [10.0, 12.0], [90.0, 110.0]])
    objective = certain([0.9, 0.9, 0.9])

    assert next_repeat(energy, objective, Aim(), rule=rule) == 1


@RULES
def test_an_uncertain_objective_is_worth_a_repeat(rule: Rule) -> None:
    """Cheap setups that may or may not be good enough are repeated first."""
    energy = certain(np.log([10.0, 20.0, 40.0]))
    objective = drawn(Repeats.of([[0.84, 0.90], [0.87, 0.93], [0.50, 0.56]]))

    assert int(next_repeat(energy, objective, Aim(), rule=rule)) in {0, 1}


@RULES
def test_the_only_setup_is_next(rule: Rule) -> None:
    """A study of one setup repeats it."""
    energy, objective = energies([[10.0, 12.0]]), drawn(Repeats.of([[0.8, 0.9]]))

    assert next_repeat(energy, objective, Aim(), rule=rule) == 0


def test_sure_enough_tests_the_probability_of_the_choice() -> None:
    """A choice among noiseless means is sure; one between two similar setups is not."""
    clear = choose(certain([1.0, 2.0]), certain([0.9, 0.9]), Aim())
    open_ = choose(
        energies([[10.0, 14.0], [10.0, 14.0]]), drawn(Repeats.of([[0.85, 0.9]] * 2)), Aim()
    )

    assert sure_enough(clear, 0.9)
    assert not sure_enough(open_, 0.9)
