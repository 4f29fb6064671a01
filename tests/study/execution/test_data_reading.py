"""A study's data are read by somebody's own code, which may do anything."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from study.errors import ScenarioError
from study.execution.data_reading import read_data
from study.options import StudyOptions
from tests.study.tiny import Tiny


class Giving(Tiny):
    """Its `load` gives what it was made with, or calls it."""

    def __init__(self, given: Any) -> None:  # noqa: ANN401 - anything
        """Keep it."""
        super().__init__()
        self._given = given

    def load(self, data_dir: Path | None, *, seed: int) -> Any:  # noqa: ANN401 - anything
        """Whatever it is."""
        del data_dir, seed
        return self._given() if callable(self._given) else self._given


def row_without_age() -> object:
    """A slip of the pen."""
    row: dict[str, float] = {}
    return row["age"]


def advice() -> object:
    """As libraries raise that lack a part."""
    message = "a part is missing\n\nInstall it: pip install part"
    raise ImportError(message)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, r"returns nothing; it must return study\.Data\(train="),
        (([1], [2]), r"returns a tuple; it must return study\.Data\(train="),
        (advice, r"raises ImportError: a part is missing\n\nInstall it: pip install part \("),
        (row_without_age, r"raises KeyError: 'age' \(test_data_reading\.py, line \d+\)"),
    ],
)
def test_what_is_no_data_is_the_users_to_mend(given: object, said: str) -> None:
    """It is told what it must be, or where in which file it was raised."""
    with pytest.raises(ScenarioError, match=said):
        read_data(Giving(given), (), StudyOptions(), Console())
