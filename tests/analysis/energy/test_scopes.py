"""Rankings by another energy than the usual one, such as that of the whole machine."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.advice.scope_text import ScopeAnswer, scope_text
from analysis.energy.scopes import by_scope, measured_components, other_scopes
from analysis.findings import analyse
from analysis.read.load import load
from study.record.files import EPOCHS_FILE, J_PER_WH, unit_of
from study.record.vocabulary import EnergyScope
from tests.analysis.study_folder import constant, grid, setup_energy, write_study


def study_of(folder: Path, **energies_wh: list[float | None]) -> Path:
    """Write a study of two equally accurate setups, each of one epoch with these watt-hours by component."""
    accelerators = energies_wh["gpu"]
    trials = [
        constant(setup, None if wh is None else wh * J_PER_WH, 0.9)
        for setup, wh in enumerate(accelerators, start=1)
    ]
    path = write_study(folder / "s", grid([64], [0.1, 0.01]), trials)
    rows = pd.read_parquet(path / EPOCHS_FILE)
    for component, many in energies_wh.items():
        rows[f"{component}_energy_j"] = [None if wh is None else wh * J_PER_WH for wh in many]
    rows.to_parquet(path / EPOCHS_FILE)
    return path


def test_components_are_summed_and_the_node_has_its_own_energy(tmp_path: Path) -> None:
    """If a component is missing, so is the sum."""
    study = load(study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.5, None], node=[4.0, 3.0]))

    scopes = other_scopes(study)
    parts, node = (by_scope(study, each) for each in scopes)

    assert scopes == (EnergyScope.COMPONENTS, EnergyScope.NODE)
    assert measured_components(study) == ("gpu", "cpu", "node")
    assert parts.epochs["epoch_energy_j"].iloc[0] == pytest.approx(1.5 * J_PER_WH)
    assert parts.epochs["epoch_energy_j"].isna().tolist() == [False, True]
    assert parts.epochs["energy_status"].tolist() == ["ok", "missing"]
    assert node.trials["energy_j"].tolist() == pytest.approx([4 * J_PER_WH, 3 * J_PER_WH])


def test_the_accelerator_alone_has_no_other_energy(tmp_path: Path) -> None:
    """The report then says nothing about other energies."""
    study = load(study_of(tmp_path, gpu=[1.0, 2.0]))

    assert other_scopes(study) == ()
    assert analyse(study).scopes == ""


def test_the_report_says_whether_the_answer_changes(tmp_path: Path) -> None:
    """By the board the first setup is the cheaper one, by the whole machine the second."""
    study = load(study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.1, 0.1], node=[9.0, 3.0]))

    text = analyse(study).scopes

    assert text == (
        "This ranking is by the energy of the accelerators. By the energy of accelerators, CPU and "
        "memory (1.10 Wh) setup 1 is recommended as well. By the energy of the whole machine the "
        "answer changes: setup 2 (3.00 Wh, and setup 1 9.00 Wh)."
    )


def test_other_energies_are_reported_if_the_ranking_one_has_no_answer(tmp_path: Path) -> None:
    """A machine whose boards could not be read may have a meter at its plug."""
    path = study_of(tmp_path, gpu=[1.0, 2.0], node=[9.0, 3.0])
    rows = pd.read_parquet(path / EPOCHS_FILE)
    rows["epoch_energy_j"], rows["energy_status"] = None, "missing"
    rows["gpu_energy_j"] = None
    rows.to_parquet(path / EPOCHS_FILE)

    text = analyse(load(path)).scopes

    assert text == (
        "This ranking is by the energy of the accelerators. By the energy of the whole machine setup 2 "
        "is recommended (3,000 mWh). By the energy of the accelerators no setup is recommended, because "
        "readings are missing."
    )


def test_an_energy_without_an_answer_is_named(tmp_path: Path) -> None:
    """The report says that its readings are incomplete."""
    path = study_of(tmp_path, gpu=[1.0, 2.0], node=[9.0, 3.0])
    rows = pd.read_parquet(path / EPOCHS_FILE)
    second = rows.assign(epoch=2, node_energy_j=None)
    pd.concat([rows, second]).to_parquet(path / EPOCHS_FILE)

    text = analyse(load(path)).scopes

    assert text.endswith(
        "By the energy of the whole machine no setup is recommended, because readings are missing."
    )


def test_break_even_by_another_energy_alone_is_reported() -> None:
    """By the energy that ranks, pretraining does not pay."""
    own, other = (
        ScopeAnswer(
            scope=scope, estimated=False, first=setup_energy(1, [1.0], [0.9]), setups=(), cycles=n
        )
        for scope, n in ((EnergyScope.ACCELERATOR, None), (EnergyScope.NODE, 2.5))
    )

    assert scope_text(own, [other], unit_of(None)).endswith(
        "By this energy there is no number of trainings after which pretraining pays; it is 2.5 by that "
        "of the whole machine."
    )
