"""Options of `run_study` that no study can be made of."""

from typing import Any

import pytest

from study.__main__ import COMMANDS
from study.errors import OptionError
from study.record.vocabulary import Paradigm
from study.studies import GRIDS, SEARCH, run_study


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch_sizes": 3}, "batch_sizes is 3; allowed is a list"),
        ({"repeats": "two"}, "repeats is 'two'; allowed is a number"),
        ({"batch_size": [3]}, "no option 'batch_size'; did you mean batch_sizes?"),
    ],
)
def test_a_value_of_another_kind_is_named(given: dict[str, Any], said: str) -> None:
    """With its option, before anything starts."""
    with pytest.raises(OptionError) as refused:
        run_study("regime", scenario="watch", **given)

    assert said in str(refused.value)


def test_every_paradigm_is_known_to_programs_and_has_a_command() -> None:
    """A new kind of study has its lines in both tables."""
    assert {each.value for each in Paradigm} == {*GRIDS, SEARCH}
    assert {each.value for each in Paradigm} <= set(COMMANDS)
