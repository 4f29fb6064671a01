"""Names of setups in figures."""

import pytest

from analysis.forms.series import names_title, series_of, series_words, setup_name
from study.record.manifest import SetupFacts
from study.record.vocabulary import EnergyMethod
from tests.analysis.study_folder import DATA, grid, manifest_of

COUNTED = EnergyMethod.COUNTER


@pytest.mark.parametrize(
    ("batch_size", "learning_rate", "parameters", "name", "words"),
    [
        (64, 0.001, {}, "64 x 0.001", "batch size 64, learning rate 0.001"),
        (64, 0.001, {"a": 1}, "64 x 0.001, a 1", "batch size 64, learning rate 0.001, a 1"),
        (None, 0.001, {}, "0.001", "learning rate 0.001"),
        (64, None, {"a": 1}, "64 x a 1", "batch size 64, a 1"),
        (None, None, {"a": 1}, "a 1", "a 1"),
        (None, None, {}, "setup 2", "setup 2"),
    ],
)
def test_a_setup_is_named_by_its_parameters(
    batch_size: int | None,
    learning_rate: float | None,
    parameters: dict[str, int],
    name: str,
    words: str,
) -> None:
    """Parameters that it lacks are in no label."""
    other = SetupFacts(setup=1, batch_size=8, learning_rate=0.5, parameters={"a": 0})
    setup = SetupFacts(
        setup=2, batch_size=batch_size, learning_rate=learning_rate, parameters=parameters
    )

    series = series_of(manifest_of("a", (other, setup), [], DATA, COUNTED))(2, learning_rate)

    assert setup_name(batch_size, series) == name
    assert series_words(batch_size, series) == words


def test_an_axis_is_titled_by_the_parameters_of_its_labels() -> None:
    """Labels of a grid have batch size and learning rate."""
    manifest = manifest_of("a", grid([8], [0.1]), [], DATA, COUNTED)
    name = setup_name(8, series_of(manifest)(1, 0.1))

    assert names_title([name]) == "batch size x learning rate"
    assert names_title(["0.1"]) == "learning rate"
    assert names_title(["depth 2"]) == "setup"


def test_a_learning_rate_that_all_setups_share_is_in_no_label() -> None:
    """Labels say in what setups differ; the tables have the rest."""
    setups = tuple(
        SetupFacts(setup=n, batch_size=8, learning_rate=0.001, parameters={"precision": each})
        for n, each in enumerate(("fp32", "bf16"), start=1)
    )

    series = series_of(manifest_of("a", setups, [], DATA, COUNTED))

    assert series(2, 0.001) == "precision bf16"
