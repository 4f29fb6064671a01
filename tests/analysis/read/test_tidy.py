"""One table of all stored values of one or several studies."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.read.load import load
from analysis.read.tidy import tidy_table
from study.record.manifest import ComponentFacts
from study.record.vocabulary import EnergyMethod

FIXTURES = Path(__file__).parents[1] / "fixture"


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_row_is_an_epoch_with_its_trial_and_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Energies are those of epochs.parquet, of several studies; the suffix chooses CSV or Parquet."""
    file = tmp_path / name
    folders = [str(FIXTURES / each) for each in ("regime", "pretraining")]

    assert main(["export", *folders, "--output", str(file)]) == 0

    table = pd.read_csv(file) if name.endswith("csv") else pd.read_parquet(file)
    stored = [pd.read_parquet(Path(each) / "epochs.parquet") for each in folders]
    assert len(table) == sum(map(len, stored))
    total_j = sum(each["epoch_energy_j"].sum() for each in stored)
    assert table["epoch_energy_j"].sum() == pytest.approx(total_j)
    assert {"trial_status", "trial_energy_j", "study_energy_of", "counts"} <= set(table)
    assert set(table["study_folder"]) == set(folders)
    assert str(file) in capsys.readouterr().out


def test_values_in_json_columns_have_columns_of_their_own() -> None:
    """Each metric and parameter has a column, and the JSON columns are dropped."""
    study = load(FIXTURES / "regime")
    study.epochs["val_metrics"] = '{"f1": 0.5, "per_class": [1, 2]}'
    study.epochs["parameters"] = '{"alpha": 0.25}'

    table = tidy_table([study])

    assert set(table["val_metric_f1"]) == {0.5}
    assert set(table["val_metric_per_class"]) == {"[1, 2]"}
    assert set(table["parameter_alpha"]) == {0.25}
    assert not {"val_metrics", "parameters"} & set(table)


def test_an_axis_of_numbers_and_text_can_be_written_as_parquet(tmp_path: Path) -> None:
    """Its values become text, and missing ones stay missing."""
    one, other = load(FIXTURES / "regime"), load(FIXTURES / "pretraining")
    one.epochs["parameters"] = ['{"width": 64}', '{"width": "auto"}'] * (len(one.epochs) // 2) + [
        None
    ] * (len(one.epochs) % 2)
    other.epochs["parameters"] = None

    tidy_table([one, other]).to_parquet(tmp_path / "a.parquet")

    table = pd.read_parquet(tmp_path / "a.parquet")
    assert set(table["parameter_width"].dropna()) == {"64", "auto"}
    assert table["parameter_width"].isna().any()


def test_an_estimate_of_a_component_is_labelled_whatever_ranks() -> None:
    """`energy_method` is that of the energy that ranks, but a CPU beside a board may be estimated."""
    study = load(FIXTURES / "regime")
    [node, *_] = study.manifest.nodes
    cpu = ComponentFacts(component="cpu", source="cpu-estimate", method=EnergyMethod.ESTIMATED)
    manifest = replace(study.manifest, nodes=(replace(node, components=(cpu,)),))

    table = tidy_table([replace(study, manifest=manifest)])

    assert set(table["study_cpu_energy_method"]) == {"estimated"}


def test_epochs_of_lost_attempts_are_marked_as_not_counting() -> None:
    """The number of the others is the number of epochs of their trial."""
    table = tidy_table([load(FIXTURES / "regime")])

    counting = (
        table[table["counts"]]
        .groupby("trial_id")
        .agg(rows=("epoch", "size"), said=("trial_epochs", "first"))
    )
    assert not table["counts"].all()
    assert counting["rows"].tolist() == counting["said"].tolist()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["export"], "No folder was given"),
        (["export", "nowhere"], "nowhere"),
        (["export", str(FIXTURES / "regime"), "--output", "a.xlsx"], "ends in .csv or .parquet"),
        (["export", str(FIXTURES / "regime"), "--output", "/nowhere/a.csv"], "cannot be written"),
    ],
)
def test_an_impossible_export_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    """The message names the fault or what is allowed."""
    assert main(arguments) == 2
    assert expected in capsys.readouterr().err
