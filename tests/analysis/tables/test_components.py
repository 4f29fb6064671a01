"""The table of components, and their columns in the ranking."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.findings import analyse
from analysis.forms.cells import csv_text
from analysis.read.load import load
from analysis.tables.components import components_info
from analysis.tables.frames import data_frames
from analysis.tables.setups import ranking_info
from study.record.files import J_PER_WH
from study.record.manifest import ComponentFacts, Manifest
from study.record.vocabulary import EnergyMethod
from tests.analysis.study_folder import constant, grid, write_study


def study_of(folder: Path, **energies_wh: list[float | None]) -> Path:
    """Write a study of two setups, one training each, with these watt-hours by component."""
    trials = [constant(1, 100.0, 0.9), constant(2, 200.0, 0.9)]
    path = write_study(folder / "s", grid([64], [0.1, 0.01]), trials)
    rows = pd.read_parquet(path / "trials.parquet")
    for component, many in energies_wh.items():
        rows[f"{component}_energy_j"] = [None if wh is None else wh * J_PER_WH for wh in many]
    rows.to_parquet(path / "trials.parquet")
    manifest = Manifest.from_json((path / "study.json").read_text())
    cpu = ComponentFacts(component="cpu", source="estimate", method=EnergyMethod.ESTIMATED)
    node = replace(manifest.nodes[0], components=(cpu,))
    text = replace(manifest, nodes=(node,), charging={"cpu": "by CPU time"}).to_json()
    (path / "study.json").write_text(text)
    return path


def test_each_component_has_a_column_and_estimates_are_labelled(tmp_path: Path) -> None:
    """Energies are those of whole trainings; a missing one is a dash, not 0."""
    found = components_info(analyse(load(study_of(tmp_path, gpu=[20.0, 40.0], cpu=[5.0, None]))))

    assert found is not None
    assert [each.heading for each in found.columns[3:]] == ["GPU mWh", "CPU mWh estimated"]
    assert [[cell.text for cell in row[3:]] for row in found.rows] == [
        ["20000.00", "5000.00"],
        ["40000.00", "-"],
    ]
    assert found.legend.endswith("cpu: by CPU time")
    assert found.legend.startswith("ranked by accelerator")


def test_a_missing_energy_is_nan_or_an_empty_cell(tmp_path: Path) -> None:
    """It is NaN in the data frame's column of numbers, and an empty cell in the CSV file."""
    findings = analyse(load(study_of(tmp_path, gpu=[20.0, 40.0], cpu=[5.0, None])))

    frame = data_frames(findings)["components"]
    info = components_info(findings)

    assert frame["cpu_energy_wh"].dtype == float
    assert frame["cpu_energy_wh"].isna().tolist() == [False, True]
    assert info is not None
    assert csv_text(info).splitlines()[-1].endswith(",40.0,")


def test_a_single_component_has_no_table(tmp_path: Path) -> None:
    """It is the energy that ranks, which the other tables show."""
    assert components_info(analyse(load(study_of(tmp_path, gpu=[20.0, 40.0])))) is None


def test_the_ranking_names_its_energy_and_shows_those_of_other_components(tmp_path: Path) -> None:
    """The title names the energy that ranks, and the other components have columns."""
    path = study_of(tmp_path, gpu=[20.0, 40.0], cpu=[5.0, None], node=[80.0, 90.0])
    epochs = pd.read_parquet(path / "epochs.parquet")
    for name in ("gpu", "cpu", "node"):
        epochs[f"{name}_energy_j"] = 1.0
    epochs.to_parquet(path / "epochs.parquet")

    info = ranking_info(analyse(load(path)))

    assert "energy of the accelerators" in info.title
    by_key = {each.key: place for place, each in enumerate(info.columns)}
    assert "gpu_energy_wh" not in by_key
    assert [row[by_key["cpu_energy_wh"]].value for row in info.rows] == [5.0, None]
    assert [row[by_key["node_energy_wh"]].value for row in info.rows] == [80.0, 90.0]
