"""Reading of a study's data by a scenario's `load`, which may return or raise anything."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from study.errors import ScenarioError
from study.execution.data_reading import read_data
from study.options import StudyOptions
from tests.study.tiny import Tiny


class WithLoad(Tiny):
    """A scenario whose `load` returns a given value, or calls it."""

    def __init__(self, given: Any) -> None:  # noqa: ANN401 - anything
        """Keep the value."""
        super().__init__()
        self._given = given

    def load(self, data_dir: Path | None, *, seed: int) -> Any:  # noqa: ANN401 - anything
        """Return the given value, or what it returns."""
        del data_dir, seed
        return self._given() if callable(self._given) else self._given


def raise_key_error() -> object:
    """Raise a KeyError, as a typing mistake would."""
    row: dict[str, float] = {}
    return row["age"]


def raise_with_advice() -> object:
    """Raise an error with advice, as libraries do that lack an optional part."""
    message = "a part is missing\n\nInstall it: pip install part"
    raise ImportError(message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, r"returns nothing; it must return study\.Data\(train="),
        (([1], [2]), r"returns a tuple; it must return study\.Data\(train="),
        (
            raise_with_advice,
            r"raises ImportError: a part is missing\n\nInstall it: pip install part \(",
        ),
        (raise_key_error, r"raises KeyError: 'age' \(test_data_reading\.py, line \d+\)"),
    ],
)
def test_a_load_without_data_is_an_error_that_the_user_can_fix(given: object, message: str) -> None:
    """The message says what `load` must return, or in which line of which file it raised."""
    with pytest.raises(ScenarioError, match=message):
        read_data(WithLoad(given), (), StudyOptions(), Console())
