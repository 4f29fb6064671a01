"""Options of studies that compare setups: what is refused, and what a smoke run makes of them."""

import math
from typing import Any

import pytest

from study.errors import OptionError
from study.repeats.options import ComparisonOptions


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"more_repeats": -1}, "--more-repeats is -1"),
        ({"sure": 1.0}, "a probability between 0 and 1"),
        ({"sure": 0.0}, "a probability between 0 and 1"),
        ({"tolerance": -1.0}, "--tolerance is -1; allowed: 0 to 100"),
        ({"energy_budget_wh": 0.0, "sure": 0.9}, "a number above 0"),
        ({"more_repeats": 3, "repeats": 1}, "Give --repeats 2 or more"),
        ({"sure": 0.9, "repeats": 1}, "--sure is given with --repeats 1"),
    ],
)
def test_what_cannot_be_run_is_refused(given: dict[str, Any], said: str) -> None:
    """In words that say what is allowed."""
    with pytest.raises(OptionError) as refused:
        ComparisonOptions(**given)

    assert said in str(refused.value)


def test_a_grid_does_not_go_on() -> None:
    """Without either option there is nothing after the first repeats."""
    assert not ComparisonOptions().adds_repeats
    assert not ComparisonOptions(more_repeats=0).adds_repeats
    assert ComparisonOptions(sure=0.9).adds_repeats
    assert ComparisonOptions(more_repeats=2).adds_repeats


def test_sure_alone_trains_at_most_as_many_as_the_first() -> None:
    """With a number that one."""
    assert ComparisonOptions(sure=0.9, repeats=3).most_further(4) == 12
    assert ComparisonOptions(sure=0.9, more_repeats=5).most_further(4) == 5


def test_a_budget_is_in_joules_and_may_be_left_out() -> None:
    """Left out there is no end to it."""
    assert ComparisonOptions(sure=0.9, energy_budget_wh=2.0).budget_j == 7200.0
    assert math.isinf(ComparisonOptions().budget_j)


def test_a_smoke_run_goes_through_one_further_repeat() -> None:
    """After two repeats, the fewest from which there is a spread."""
    reduced = ComparisonOptions(smoke=True, sure=0.9, repeats=5).reduced()

    assert (reduced.repeats, reduced.more_repeats) == (2, 1)
    assert reduced.reduced() == reduced
    assert ComparisonOptions(smoke=True).reduced().repeats == 1
