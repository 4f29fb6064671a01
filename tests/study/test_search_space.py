"""What a search may choose from."""

from pathlib import Path

import pytest

from study.errors import OptionError
from study.search_space import read_space, space_of

DEFAULT = {"batch_size": (64, 256), "learning_rate": (0.1, 0.01)}


def written(tmp_path: Path, text: str) -> Path:
    """A file with that text."""
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return path


def test_a_file_adds_axes_and_replaces_values(tmp_path: Path) -> None:
    """What it does not name keeps its default."""
    path = written(tmp_path, "learning_rate: [0.3, 0.03, 0.003]\noptimizer: [adam, sgd]\n")

    space = read_space(path, default=DEFAULT)

    assert space.size == 12
    assert [axis.values for axis in space.axes] == [(64, 256), (0.003, 0.03, 0.3), ("adam", "sgd")]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("momentum: [0.9]", "momentum"),
        ("batch_size: [0]", "whole numbers from 1"),
        ("batch_size: [1.5]", "whole numbers from 1"),
        ("learning_rate: [-0.1]", "numbers above 0"),
        ("learning_rate: [.nan]", "numbers above 0"),
        ("optimizer: [rprop]", "adam, adamw, sgd"),
        ("learning_rate: []", "one value or more"),
        ("learning_rate: [0.1, 0.1]", "each once"),
        ("learning_rate: 0.1", "lists of values"),
        ("[1, 2]", "lists of values"),
        ("{", "cannot be read"),
    ],
)
def test_what_cannot_be_searched_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """With what is allowed."""
    with pytest.raises(OptionError, match=named):
        read_space(written(tmp_path, text), default=DEFAULT)


def test_numbers_count_through_all_setups() -> None:
    """Each number is another setup; the last axis is the innermost."""
    space = space_of(DEFAULT)

    choices = [space.choice(space.indices(number)) for number in range(space.size)]

    assert choices == [(64, 0.01), (64, 0.1), (256, 0.01), (256, 0.1)]
