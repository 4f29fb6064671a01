"""The default names of studies."""

import pytest

from study.design import new_name
from study.options import NAME
from study.record.vocabulary import Paradigm


def test_studies_started_in_the_same_second_have_different_names() -> None:
    """Jobs of an array start at the same time in the same results folder."""
    names = {new_name(Paradigm.REGIME, "watch") for _ in range(300)}

    assert len(names) == 300


@pytest.mark.parametrize("scenario", ["watch", "my net (v2)", "顔", "x" * 300])
def test_default_names_are_valid_for_any_scenario(scenario: str) -> None:
    """The name can be given again, as in `--name NAME --resume`."""
    assert NAME.fullmatch(new_name(Paradigm.SEARCH, scenario))
