"""Tables of pretraining and multitask, as people and CSV readers see them."""

from pathlib import Path

from rich.console import Console

from analysis.findings import analyse
from analysis.forms.cells import csv_text
from analysis.read.load import load
from analysis.tables.setups import energy_per_epoch_info, ranking_info
from analysis.tables.stages import paradigm_table_infos
from analysis.tables.terminal import show
from study.record.files import J_PER_WH
from study.record.manifest import SetupFacts
from study.record.vocabulary import Paradigm, Stage
from tests.analysis.study_folder import constant, grid, staged, write_study

PRETRAINING = {
    Stage.ENCODER: [8 * J_PER_WH],
    Stage.CLASSIFIER_FROZEN: [2 * J_PER_WH],
    Stage.CLASSIFIER_UNFROZEN: [5 * J_PER_WH],
    Stage.ENCODER_CLASSIFIER: [4 * J_PER_WH],
}


def test_pretraining_tables_state_when_it_pays_or_that_it_never_does(tmp_path: Path) -> None:
    """Frozen pays after 8 / (4 - 2) = 4 trainings, unfrozen never; the ranking is of training from scratch."""
    folder = write_study(
        tmp_path / "a",
        grid([64], [0.1]),
        [staged(1, PRETRAINING)],
        manifest={"paradigm": Paradigm.PRETRAINING, "stages": tuple(PRETRAINING)},
    )
    findings = analyse(load(folder))

    stages, frozen, unfrozen, freezing = paradigm_table_infos(findings)

    assert [row[3].text for row in stages.rows] == [stage.value for stage in PRETRAINING]
    assert [cell.text for cell in frozen.rows[0]][-2:] == ["4", "pays"]
    assert "never" in [cell.text for cell in unfrozen.rows[0]]
    assert "never in 1" in unfrozen.legend
    assert "saves 60.0 %" in freezing.legend
    assert findings.setups[0].total_j == 4 * J_PER_WH
    assert findings.recommendation.text.startswith(
        "Pretraining has used less energy than training from scratch after 4.0 trainings on a "
        "frozen encoder, over 1 setup. Freezing the encoder saves 60 % of the energy against "
        "training it on. For the stage encoder+classifier: "
    )
    assert ranking_info(findings).title.endswith("stage encoder+classifier")


def test_setups_that_differ_in_alpha_have_rows_of_their_own(tmp_path: Path) -> None:
    """They do not overwrite each other, on screen or in CSV."""
    setups = tuple(
        SetupFacts(setup=n, batch_size=64, learning_rate=0.1, parameters={"alpha": alpha})
        for n, alpha in ((1, 0.25), (2, 0.75))
    )
    trials = [staged(n, {Stage.BOTH: [n * J_PER_WH]}) for n in (1, 2)]
    manifest = {"paradigm": Paradigm.MULTITASK, "stages": (Stage.BOTH,)}
    findings = analyse(load(write_study(tmp_path / "a", setups, trials, manifest=manifest)))

    info = energy_per_epoch_info(findings)

    assert [[c.text for c in row] for row in info.rows] == [
        ["64", "alpha 0.25", "1.000"],
        ["64", "alpha 0.75", "2.000"],
    ]
    assert csv_text(info).splitlines()[0] == "batch_size,parameters,0.1"


def test_setups_that_form_no_grid_are_listed(tmp_path: Path) -> None:
    """The learning rates of a search would make a wide and mostly empty matrix."""
    setups = tuple(SetupFacts(setup=n, batch_size=2**n, learning_rate=0.1 / n) for n in range(1, 7))
    findings = analyse(load(write_study(tmp_path / "a", setups, [constant(1, 3.6, 0.5)])))

    info = energy_per_epoch_info(findings)

    assert [column.key for column in info.columns] == [
        "setup",
        "batch_size",
        "learning_rate",
        "value",
    ]
    assert [row[-1].text for row in info.rows] == ["1.000", *["-"] * 5]


def test_tables_are_shown_where_no_energy_is_known(tmp_path: Path) -> None:
    """The text says which energies are missing."""
    energies: dict[Stage, list[float | None]] = {stage: [None] for stage in PRETRAINING}
    folder = write_study(
        tmp_path / "a",
        grid([64], [0.1]),
        [staged(1, energies)],
        manifest={"paradigm": Paradigm.PRETRAINING, "stages": tuple(PRETRAINING)},
    )
    findings = analyse(load(folder))
    console = Console(width=100, record=True, quiet=False, file=(tmp_path / "out").open("w"))

    show(findings, console)

    text = console.export_text()
    assert "not known in 1: no energy for the stage encoder+classifier" in text
    assert "is not known: no setup has the energy of all its stages" in text
