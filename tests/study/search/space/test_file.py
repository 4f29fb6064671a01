"""`--space FILE.yaml`: what can be searched over, and what cannot."""

from pathlib import Path

import pytest

from study.errors import OptionError
from study.search.space.file import read_space
from study.search.space.space import MOST_LISTED, Range

DEFAULT = {"batch_size": (64, 256), "learning_rate": (0.1, 0.01)}


def written(tmp_path: Path, text: str) -> Path:
    """A file with that text."""
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return path


def test_a_file_adds_axes_and_replaces_values(tmp_path: Path) -> None:
    """What it does not name keeps its default."""
    path = written(tmp_path, "learning_rate: [0.3, 0.03, 3e-3]\noptimizer: [adam, sgd]\n")

    space = read_space(path, default=DEFAULT)

    assert space.size == 12
    assert [axis.values for axis in space.lists or ()] == [
        (64, 256),
        (0.003, 0.03, 0.3),
        ("adam", "sgd"),
    ]


def test_a_range_has_no_setups_beforehand(tmp_path: Path) -> None:
    """1e-4, which YAML takes for a word, is a number."""
    path = written(tmp_path, "learning_rate: {low: 1e-4, high: 0.1, log: true}")

    space = read_space(path, default=DEFAULT)

    assert space.axes[1] == Range(name="learning_rate", low=0.0001, high=0.1, log=True, whole=False)
    assert not space.is_listed
    assert space.holds((64, 0.05))
    assert not space.holds((64, 0.2))
    assert not space.holds((65, 0.05))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("batch_size: {low: 32, high: 128, step: 32}", (32, 64, 96, 128)),
        ("batch_size: {low: 32, high: 100, step: 32}", (32, 64, 96)),
    ],
)
def test_a_range_with_a_step_is_a_list(tmp_path: Path, text: str, values: tuple[int, ...]) -> None:
    """Both ends included, where the last step meets the upper one."""
    space = read_space(written(tmp_path, text), default=DEFAULT)

    assert space.lists is not None
    assert space.lists[0].values == values


def test_steps_of_a_fraction_are_as_they_are_written(tmp_path: Path) -> None:
    """0.1 + 2 x 0.1 is 0.3, and not 0.30000000000000004."""
    text = "weight_decay: {low: 0.1, high: 0.5, step: 0.1}"

    space = read_space(written(tmp_path, text), default=DEFAULT)

    assert space.lists is not None
    assert space.lists[2].values == (0.1, 0.2, 0.3, 0.4, 0.5)


def test_what_a_scenario_has_of_its_own_can_be_named(tmp_path: Path) -> None:
    """And only then."""
    path = written(tmp_path, "encoder: [resnet18, resnet34]")

    space = read_space(path, default=DEFAULT, of_scenario=("encoder",))

    assert space.size == 8
    with pytest.raises(OptionError, match="names encoder; known are"):
        read_space(path, default=DEFAULT)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("momentum: [0.9]", "momentum"),
        ("batch_size: [0]", "whole numbers from 1"),
        ("batch_size: [1.5]", "whole numbers from 1"),
        ("batch_size: [true]", "whole numbers from 1"),
        ("learning_rate: [-0.1]", "numbers above 0"),
        ("learning_rate: [.nan]", "numbers above 0"),
        ("learning_rate: [fast]", "numbers above 0"),
        ("optimizer: [rprop]", "adam, adamw, sgd"),
        ("optimizer: [[adam]]", "adam, adamw, sgd"),
        ("frozen: [0, 1]", "true, false"),
        ("frozen: {low: 0, high: 1}", "is a range; allowed: a list of true, false"),
        ("learning_rate: []", "one value or more"),
        ("learning_rate: [0.1, 0.1]", "each once"),
        ("learning_rate: 0.1", "no lists of values or ranges"),
        ("learning_rate: {low: 0.1}", "high None; allowed: numbers above 0"),
        ("learning_rate: {low: 0.1, high: 0.01}", "low must be less than high"),
        ("learning_rate: {low: 0.1, high: 1, steps: 2}", "has steps; a range has low, high"),
        ("learning_rate: {low: 0.1, high: 1, step: 0}", "a number above 0, without log"),
        ("learning_rate: {low: 0.1, high: 1, step: 0.1, log: true}", "without log"),
        ("weight_decay: {low: 0, high: 1, log: true}", "true above 0, or false"),
        ("batch_size: {low: 1, high: 64, step: 0.5}", "a whole number above 0"),
        ("batch_size: {low: 1.5, high: 64}", "whole numbers from 1"),
        ("batch_size: {low: 1, high: 5000, step: 1}", f"allowed: up to {MOST_LISTED} values"),
        ("[1, 2]", "no lists of values or ranges"),
        ("{", "cannot be read"),
    ],
)
def test_what_cannot_be_searched_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """With what is allowed."""
    with pytest.raises(OptionError, match=named):
        read_space(written(tmp_path, text), default=DEFAULT)


def test_axes_may_be_tied(tmp_path: Path) -> None:
    """The rates given are those of the smallest batch size; there are no other setups."""
    space = read_space(written(tmp_path, "tie: {learning_rate: sqrt(batch_size)}"), default=DEFAULT)

    assert set(space.allowed_choices or ()) == {(64, 0.01), (64, 0.1), (256, 0.02), (256, 0.2)}
    assert space.is_listed
    assert space.size == 4
    assert not space.holds((64, 0.2))


def test_a_space_may_be_a_list_of_setups(tmp_path: Path) -> None:
    """What a setup does not name is the only value that the option has."""
    text = "setups:\n  - {batch_size: 64}\n  - {batch_size: 256, learning_rate: 2e-2}\n"

    space = read_space(
        written(tmp_path, text), default={"batch_size": (64, 256), "learning_rate": (0.01,)}
    )

    assert space.allowed_choices == ((64, 0.01), (256, 0.02))
    assert [space.choice(space.indices(number)) for number in (0, 1)] == list(space.allowed_choices)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("setups: 3", "holds no list of setups"),
        ("setups: [{batch_size: 64}]", "setup 1 does not name learning_rate"),
        ("setups: [{batch_size: 64, learning_rate: -1}]", "setup 1 has learning_rate -1"),
        ("setups: [{batch_size: 64, rate: 1}]", "setup 1 does not name learning_rate|names rate"),
        (
            "setups: [{batch_size: 64, learning_rate: 1}, {learning_rate: 1.0, batch_size: 64}]",
            "setups 1 and 2 are one",
        ),
        ("tie: {learning_rate: cube(batch_size)}", "NAME=sqrt"),
        ("tie: sqrt", "allowed: a function by name"),
        (
            "{learning_rate: {low: 0.1, high: 1}, tie: {learning_rate: sqrt(batch_size)}}",
            "learning_rate is a range",
        ),
    ],
)
def test_bad_couplings_are_named(tmp_path: Path, text: str, said: str) -> None:
    """What was got, and what is allowed."""
    with pytest.raises(OptionError, match=said):
        read_space(written(tmp_path, text), default=DEFAULT)


def test_a_power_limit_changes_cost_alone(tmp_path: Path) -> None:
    """Setups that differ in it alone have one learning curve."""
    space = read_space(written(tmp_path, "power_limit_w: [100, 200]"), default=DEFAULT)

    assert [axis.cost_only for axis in space.axes] == [False, False, True]
    assert space.learning_part((64, 0.1, 100)) == space.learning_part((64, 0.1, 200)) == (64, 0.1)
    assert space.power_limits_w == {100.0, 200.0}


def test_the_ends_of_a_range_of_limits_are_checked_beforehand(tmp_path: Path) -> None:
    """What lies between them is in a board's range where they are."""
    space = read_space(written(tmp_path, "power_limit_w: {low: 100, high: 250}"), default=DEFAULT)

    assert space.power_limits_w == {100.0, 250.0}
    assert not space.is_listed
