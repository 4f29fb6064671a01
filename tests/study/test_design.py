"""What a study is called that was given no name."""

import pytest

from study.design import new_name
from study.options import NAME
from study.record.vocabulary import Paradigm


def test_studies_of_one_second_have_names_of_their_own() -> None:
    """Jobs of an array begin at once, in one results folder."""
    names = {new_name(Paradigm.REGIME, "watch") for _ in range(300)}

    assert len(names) == 300


@pytest.mark.parametrize("scenario", ["watch", "my net (v2)", "顔", "x" * 300])
def test_any_scenario_makes_a_name_that_can_be_given_again(scenario: str) -> None:
    """As `--name NAME --resume` takes it."""
    assert NAME.fullmatch(new_name(Paradigm.SEARCH, scenario))
