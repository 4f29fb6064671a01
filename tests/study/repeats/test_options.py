"""Options of studies that compare setups: checks, limits and smoke runs."""

import math
from typing import Any

import pytest

from study.errors import OptionError
from study.repeats.options import ComparisonOptions


@pytest.mark.parametrize(
    ("given", "message"),
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
def test_invalid_options_are_refused(given: dict[str, Any], message: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(OptionError) as refused:
        ComparisonOptions(**given)

    assert message in str(refused.value)


def test_a_plain_grid_has_no_further_repeats() -> None:
    """Only `sure` or a number of further repeats adds any."""
    assert not ComparisonOptions().adds_repeats
    assert not ComparisonOptions(more_repeats=0).adds_repeats
    assert ComparisonOptions(sure=0.9).adds_repeats
    assert ComparisonOptions(more_repeats=2).adds_repeats


def test_sure_alone_allows_as_many_further_repeats_as_first_ones() -> None:
    """`more_repeats` sets another maximum."""
    assert ComparisonOptions(sure=0.9, repeats=3).most_further(4) == 12
    assert ComparisonOptions(sure=0.9, more_repeats=5).most_further(4) == 5


def test_a_budget_is_converted_to_joules() -> None:
    """Without the option it is infinite."""
    assert ComparisonOptions(sure=0.9, energy_budget_wh=2.0).budget_j == 7200.0
    assert math.isinf(ComparisonOptions().budget_j)


def test_a_smoke_run_has_one_further_repeat() -> None:
    """It follows two first repeats, the fewest with a spread."""
    reduced = ComparisonOptions(smoke=True, sure=0.9, repeats=5).reduced()

    assert (reduced.repeats, reduced.more_repeats) == (2, 1)
    assert reduced.reduced() == reduced
    assert ComparisonOptions(smoke=True).reduced().repeats == 1
