"""Values of the option `--log`."""

import sys

import pytest

from trackers.exports.known import EXPORTERS, ExportOptionError, parse_exporters


def everything(_: str) -> bool:
    """Stand for an environment in which every module is installed."""
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
def test_an_option_is_an_exporter_and_its_value(typed: str, word: str, value: str) -> None:
    """Everything after the first = is the value."""
    (requested,) = parse_exporters([typed], is_installed=everything)

    assert (requested.word, requested.value) == (word, value)


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
def test_invalid_options_are_refused(typed: list[str]) -> None:
    """Unknown exporters, invalid or missing values, and exporters given twice are refused."""
    with pytest.raises(ExportOptionError, match="--log is"):
        parse_exporters(typed, is_installed=everything)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    """Options are stored in the manifest, shown in the command and exported."""
    with pytest.raises(ExportOptionError, match="MLFLOW_TRACKING_PASSWORD") as refused:
        parse_exporters(["mlflow=https://me:secret@host:5000"], is_installed=everything)

    assert "mlflow=https://host:5000" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_missing_packages_are_refused_with_a_command() -> None:
    """The error has the command that installs all that are missing, and no other."""
    with pytest.raises(ExportOptionError, match="`pip install mlflow-skinny wandb` brings it"):
        parse_exporters(["mlflow", "wandb", "otel"], is_installed=lambda each: "open" in each)


def test_parsing_imports_no_exporter() -> None:
    """The libraries of exporters are slow to import, so `--log` imports none before the study begins."""
    before = set(sys.modules)

    parse_exporters(list(EXPORTERS), is_installed=everything)

    assert not {each.module for each in EXPORTERS.values()} & (set(sys.modules) - before)
