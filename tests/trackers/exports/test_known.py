"""What `--log` takes, and what it refuses."""

import sys

import pytest

from trackers.exports.known import EXPORTERS, ExportOptionError, parse_exporters


def everything(_: str) -> bool:
    """Every module is installed."""
    return True


@pytest.mark.parametrize(
    ("typed", "word", "value"),
    [
        ("mlflow", "mlflow", ""),
        ("mlflow=http://127.0.0.1:5000", "mlflow", "http://127.0.0.1:5000"),
        ("mlflow=sqlite:///a.db?x=1", "mlflow", "sqlite:///a.db?x=1"),
        ("wandb", "wandb", ""),
        ("prometheus=0", "prometheus", "0"),
        ("prometheus=0.0.0.0:9464", "prometheus", "0.0.0.0:9464"),
        ("otel", "otel", ""),
    ],
)
def test_a_word_is_an_exporter_and_where_it_is(typed: str, word: str, value: str) -> None:
    """What stands behind the first = is the value."""
    (asked,) = parse_exporters([typed], is_installed=everything)

    assert (asked.word, asked.value) == (word, value)


@pytest.mark.parametrize(
    "typed",
    [
        ["mlfow"],
        ["mlflow="],
        ["wandb=mine"],
        ["otel=x"],
        ["prometheus=http"],
        ["prometheus=65536"],
        ["prometheus=-1"],
        ["wandb", "wandb"],
        [""],
    ],
)
def test_other_words_are_refused(typed: list[str]) -> None:
    """A word that is no exporter, a value that it does not take, and one given twice."""
    with pytest.raises(ExportOptionError, match="--log is"):
        parse_exporters(typed, is_installed=everything)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    """Options are kept in the manifest, in the command, and at the exporters."""
    with pytest.raises(ExportOptionError, match="MLFLOW_TRACKING_PASSWORD") as refused:
        parse_exporters(["mlflow=https://me:secret@host:5000"], is_installed=everything)

    assert "mlflow=https://host:5000" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_what_is_not_installed_is_refused_with_the_command() -> None:
    """All that lack are named, with the command that brings them."""
    with pytest.raises(ExportOptionError, match="pip install mlflow-skinny wandb"):
        parse_exporters(["mlflow", "wandb", "otel"], is_installed=lambda each: "open" in each)


def test_asking_imports_nothing() -> None:
    """A command that asks is no slower than one that does not, until it begins."""
    before = set(sys.modules)

    parse_exporters(list(EXPORTERS), is_installed=everything)

    assert not {each.module for each in EXPORTERS.values()} & (set(sys.modules) - before)
