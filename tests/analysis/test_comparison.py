"""Several studies side by side."""

import dataclasses
from pathlib import Path

from analysis.comparison import boards_note, comparison_infos
from analysis.findings import Findings, analyse
from analysis.load import load
from study.manifest import SetupFacts
from study.records import J_PER_MWH, Paradigm, Stage
from tests.analysis.study_folder import constant, grid, staged, write_study


def study(folder: Path, setups: tuple[SetupFacts, ...], *, board: str, mwh: float) -> Findings:
    """A study of one trial, setup 1."""
    trial = dataclasses.replace(constant(1, mwh * J_PER_MWH, 0.9), device_uuid=board)
    return analyse(load(write_study(folder, setups, [trial], manifest={"scenario": "pamap2"})))


def test_the_same_setup_stands_in_one_row_whatever_its_number(tmp_path: Path) -> None:
    """By batch size and rate; a setup that one study lacks is not known there; the paper is beside."""
    one = study(tmp_path / "one", grid([64], [0.1]), board="GPU-1", mwh=2.0)
    other = study(tmp_path / "other", grid([32, 64], [0.1]), board="GPU-2", mwh=3.0)

    info, total, _ = comparison_infos([one, other], paper=True)

    assert [column.heading for column in info.columns] == [
        "batch", "rate", "one", "±", "other", "±", "paper pamap2 CUDA", "paper pamap2 MPS"
    ]  # fmt: skip
    assert [[cell.text for cell in row] for row in info.rows] == [
        ["32", "0.1", "-", "-", "3.000", "-", "-", "-"],
        ["64", "0.1", "2.000", "-", "-", "-", "109.63", "15.40"],
    ]
    assert len(total.columns) == 6
    assert "differences under 5 % are ties" in boards_note([one, other])


def test_a_study_of_several_stages_says_which_one_is_compared(tmp_path: Path) -> None:
    """Mixed paradigms have a heading each, and labels of all of them stand in the title."""
    regime = study(tmp_path / "one", grid([64], [0.1]), board="GPU-1", mwh=2.0)
    stages = {Stage.ENCODER: [1.0], Stage.ENCODER_CLASSIFIER: [J_PER_MWH]}
    manifest = {"paradigm": Paradigm.PRETRAINING, "stages": tuple(stages), "scenario": "pamap2"}
    folder = write_study(
        tmp_path / "pre", grid([64], [0.1]), [staged(1, stages)], manifest=manifest, synthetic=True
    )

    info, _, _ = comparison_infos([regime, analyse(load(folder))])

    assert info.columns[4].heading == "pre encoder+classifier"
    assert info.title == "Energy per epoch, mWh (data: synthetic)"
    assert [cell.text for cell in info.rows[0]] == ["64", "0.1", "2.000", "-", "1.000", "-"]
    assert boards_note([regime]) == ""
