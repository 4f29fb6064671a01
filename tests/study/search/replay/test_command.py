"""`python -m study.search replay`: recorded trainings in, an answer and its bill out."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from study.record.objective import Objective
from study.search.__main__ import main
from tests.study.record.test_manifest import MANIFEST
from tests.study.replayed import rows_of

TO_TARGET = ("--goal", "energy-to-target", "--target", "0.9")


@pytest.fixture
def table(tmp_path: Path) -> str:
    """Four setups of which two reach 0.9: the cheaper one with 4 J."""
    rows = rows_of(
        {
            (64, 0.1): [([0.2, 0.2, 0.2], 2.0)],
            (64, 0.01): [([0.5, 0.9, 0.9], 2.0)],
            (256, 0.1): [([0.3, 0.5, 0.6], 3.0)],
            (256, 0.01): [([0.6, 0.9, 0.9], 4.0)],
        }
    )
    path = tmp_path / "table.csv"
    rows.to_csv(path, index=False)
    return str(path)


def replayed(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What a replay prints."""
    assert main(["replay", *args]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What a replay that is refused says."""
    assert main(["replay", *args]) == 2
    return capsys.readouterr().err


def test_it_recommends_the_cheapest_setup_that_reaches_the_target(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its energy to it, in milliwatt-hours."""
    said = replayed(capsys, table, *TO_TARGET)

    assert "recommended: batch size 64, learning rate 0.01: val_score 90.0 %, 1.11 mWh" in said


@pytest.mark.parametrize("options", [(), ("--no-cap", "--halving", "none")])
@pytest.mark.parametrize(
    ("objective", "written"),
    [
        (Objective("iou", is_share=True), "iou 90.0 %, 1.11 mWh"),
        (Objective("r2"), "r2 0.9, 1.11 mWh"),
        (None, "val_score 90.0 %, 1.11 mWh"),
    ],
)
def test_scores_are_written_as_those_of_the_studys_objective(
    table: str,
    objective: Objective | None,
    written: str,
    options: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With its name, and as a share if it is one; a table of somebody else's names none."""
    if objective is not None:
        manifest = dataclasses.replace(MANIFEST, objective=objective)
        Path(table).with_name("study.json").write_text(manifest.to_json())

    assert f"learning rate 0.01: {written}" in replayed(capsys, table, *TO_TARGET, *options)


def test_scores_that_are_no_shares_are_plain_numbers(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of a loss, whose negative values a table is to have."""
    rows = pd.read_csv(table)
    rows.assign(val_score=rows["val_score"] - 1.0).to_csv(table, index=False)

    said = replayed(capsys, table, "--goal", "energy-to-target", "--target", "-0.1")

    assert "learning rate 0.01: val_score -0.1, 1.11 mWh" in said


def test_a_table_of_version_0_1_is_of_accuracies(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As all studies then."""
    pd.read_csv(table).rename(columns={"val_score": "val_accuracy"}).to_csv(table, index=False)

    assert ": accuracy 90.0 %, 1.11 mWh" in replayed(capsys, table, *TO_TARGET)


def test_it_says_what_it_used_and_what_the_grid_takes(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any means of stopping they are the same: 33 J."""
    said = replayed(capsys, table, *TO_TARGET, "--no-cap", "--halving", "none")

    assert "energy 9.17 mWh (no budget); the grid takes 9.17 mWh" in said
    assert "not run: 0 of 4 setups" in said


@pytest.mark.parametrize("options", [(), ("--no-cap", "--halving", "none")])
def test_what_the_table_does_not_tell_is_said(
    table: str, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not known, and not nothing: in both kinds of a replay."""
    unknown = "not in the table, and counted as nothing: "
    assert f"{unknown}set-up of 4 of 4 trainings (lower" in replayed(
        capsys, table, *TO_TARGET, *options
    )
    rows = pd.read_csv(table).assign(setup_energy_j=1.0)
    rows.loc[(rows["batch_size"] == 256) & (rows["learning_rate"] == 0.1), "setup_energy_j"] = None
    rows.loc[0, "epoch_energy_j"] = None
    rows.to_csv(table, index=False)

    said = replayed(capsys, table, *TO_TARGET, *options)

    assert f"{unknown}set-up of 1 of 4 trainings, energy of 1 of 12 epochs (lower bounds)" in said
    rows.assign(setup_energy_j=1.0, epoch_energy_j=1.0).to_csv(table, index=False)
    assert unknown not in replayed(capsys, table, *TO_TARGET, *options)


def test_all_its_energies_are_in_one_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That of the first epoch, 200 mWh, though the grid takes thousands of them."""
    rows = rows_of({(64, 0.1): [([0.9, 0.9], 720.0)], (256, 0.1): [([0.3, 0.9], 1080.0)]})
    path = tmp_path / "table.csv"
    rows.to_csv(path, index=False)

    said = replayed(capsys, str(path), *TO_TARGET, "--no-cap", "--halving", "none")

    assert "200 mWh to the target" in said
    assert "energy 1,000 mWh (no budget); the grid takes 1,000 mWh" in said


def test_a_budget_ends_it_and_what_was_not_run_is_listed(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By what its setups chose."""
    said = replayed(capsys, table, "--sampler", "grid", "--energy-budget-wh", "0.001")

    assert "of 1.00 mWh" in said
    assert "not run: 3 of 4 setups: 64 x 0.1, 256 x 0.01, 256 x 0.1" in said


def test_without_an_answer_it_says_why(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The budget suffices for one epoch, which does not reach the target."""
    said = replayed(capsys, table, *TO_TARGET, "--energy-budget-wh", "0.0006", "--halving", "none")

    assert "The search has no answer: no trial reached the target." in said


def test_more_gpus_take_less_simulated_time(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve epochs of a second on one, three on four."""
    options = (table, "--sampler", "grid", "--halving", "none")

    one, four = (replayed(capsys, *options, "--gpus", count) for count in ("1", "4"))

    assert "4 trials in 12.0 s simulated" in one
    assert "4 trials in 3.0 s simulated" in four


def test_a_space_of_ranges_gets_the_nearest_setups(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is counted and said."""
    space = tmp_path / "space.yaml"
    space.write_text("learning_rate: {low: 0.005, high: 0.2, log: true}\n")

    said = replayed(capsys, table, "--space", str(space), "--trials", "1")

    assert "1 trial in " in said
    assert "proposals that are not in the table: 1 were given its nearest setup" in said


def test_a_space_over_what_the_table_has_not_is_refused(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the axes that it has."""
    space = tmp_path / "space.yaml"
    space.write_text("optimizer: [adam, sgd]\n")

    said = refused(capsys, table, "--space", str(space))

    assert "names optimizer; in table.csv only batch_size, learning_rate differ" in said.replace(
        str(tmp_path) + "/", ""
    )


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("nowhere.csv",), "nowhere.csv cannot be read"),
        (("TABLE", "--gpus", "0"), "--gpus is 0; allowed: a number of GPUs from 1"),
        (("TABLE", "--seed", "-1"), "--seed is -1; allowed: 0 or more"),
        (("TABLE", "--trials", "0"), "--trials is 0"),
        (("TABLE", "--goal", "energy-to-target"), "--target is missing"),
        (("TABLE", *TO_TARGET[:3], "0.99"), "0.99"),
        (("TABLE", "--energy-budget-wh", "0.0001"), "the cheapest epoch of"),
    ],
)
def test_bad_input_is_refused(
    args: tuple[str, ...], named: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit status 2 and what is allowed."""
    said = refused(capsys, *(table if arg == "TABLE" else arg for arg in args))

    assert named in said
