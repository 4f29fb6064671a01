"""Energy with idle power subtracted."""

import dataclasses
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.findings import analyse
from analysis.read.idle import without_idle
from analysis.read.load import load
from analysis.tables.components import components_info
from analysis.tables.setups import ranking_info
from tests.analysis.energy.test_scopes import study_of
from tests.analysis.study_folder import Epoch, Trial, constant, grid, write_study


def test_idle_energy_is_subtracted_and_labelled(tmp_path: Path) -> None:
    """The board idles at 20 W: 500 J in 10 s leave 300 J, and 100 J leave 0 J, not less."""
    epochs = [Epoch(energy_j=e, accuracy=0.5, time_s=10.0) for e in (500.0, 100.0)]
    trials = [Trial(setup=1, seed=0, attempts=[epochs])]
    study = load(write_study(tmp_path / "a", grid([64], [0.1]), trials))

    findings = analyse(without_idle(study))

    assert findings.setups[0].total_j == 300.0
    assert findings.bill.setup_j is None
    assert ranking_info(findings).title.endswith("(idle power subtracted)")
    caveats = " ".join(findings.recommendation.caveats)
    assert "not the energies of a bill" in caveats
    assert "1 epoch used no more than the device draws when idle: they count as 0." in caveats


def test_energies_that_include_idle_power_are_not_shown(tmp_path: Path) -> None:
    """Energies of components, of the machine and of tests keep their idle power, so they are left out."""
    study = load(study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.5, 0.5], node=[9.0, 3.0]))
    tested = dataclasses.replace(study, trials=study.trials.assign(test_energy_j=4.0))
    assert analyse(tested).scopes

    findings = analyse(without_idle(tested))

    assert findings.setups[0].total_j is not None
    assert components_info(findings) is None
    assert findings.scopes == ""
    assert findings.bill.test_j is None


def test_an_epoch_on_an_unknown_device_has_no_energy(tmp_path: Path) -> None:
    """The device's idle power is unknown and not taken for 0 W."""
    trials = [
        Trial(setup=1, seed=0, attempts=[[Epoch(energy_j=500.0, accuracy=0.5)]], device_uuid="X")
    ]
    study = load(write_study(tmp_path / "a", grid([64], [0.1]), trials))

    findings = analyse(without_idle(study))

    caveats = findings.recommendation.caveats
    assert findings.setups[0].total_j is None
    assert "1 epoch without an energy reading; no total for setup 1." in caveats


def test_an_epoch_on_a_shared_board_has_no_energy(tmp_path: Path) -> None:
    """How much of a trial's equal part of 500 J is idle power is unknown."""
    study = load(write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, 500.0, 0.5)]))
    shared = dataclasses.replace(study, epochs=study.epochs.assign(shared_by=2.0))

    findings = analyse(without_idle(shared))

    assert findings.setups[0].total_j is None
    caveats = " ".join(findings.recommendation.caveats)
    assert "1 epoch on a board that several trials used" in caveats
    assert "without an energy reading" not in caveats


def test_a_study_without_any_idle_power_is_refused(tmp_path: Path) -> None:
    """The error says to leave the option out."""
    folder = write_study(
        tmp_path / "a", grid([64], [0.1]), [constant(1, 1.0, 0.5)], manifest={"nodes": ()}
    )

    with pytest.raises(AnalysisError, match="Leave the option out"):
        without_idle(load(folder))


def test_the_idle_power_of_all_boards_of_a_trial_is_subtracted(tmp_path: Path) -> None:
    """Two boards idle at 20 W each: 500 J in 10 s leave 100 J."""
    trials = [Trial(setup=1, seed=0, attempts=[[Epoch(energy_j=500.0, accuracy=0.5, time_s=10.0)]])]
    study = load(write_study(tmp_path / "a", grid([64], [0.1]), trials))
    uuids = study.epochs["device_uuid"]
    together = dataclasses.replace(
        study, epochs=study.epochs.assign(device_uuid=uuids + "+" + uuids)
    )

    findings = analyse(without_idle(together))

    assert findings.setups[0].total_j == pytest.approx(100.0)
