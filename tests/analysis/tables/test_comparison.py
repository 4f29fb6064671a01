"""Several studies side by side."""

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from analysis.findings import Findings, analyse
from analysis.forms.cells import matrix, narrowed, rich_table
from analysis.read.load import load
from analysis.tables.comparison import all_labels, boards_note, comparison_infos
from study.record.files import J_PER_MWH
from study.record.manifest import SetupFacts
from study.record.vocabulary import EnergyMethod, Paradigm, Stage, StopReason
from tests.analysis.study_folder import constant, grid, staged, write_study


def study(folder: Path, setups: tuple[SetupFacts, ...], *, board: str, mwh: float) -> Findings:
    """Findings of a study with one trial, of setup 1."""
    trial = dataclasses.replace(constant(1, mwh * J_PER_MWH, 0.9), device_uuid=board)
    return analyse(load(write_study(folder, setups, [trial], manifest={"scenario": "pamap2"})))


def test_the_same_setup_has_one_row_whatever_its_number(tmp_path: Path) -> None:
    """Rows go by batch size and learning rate; a setup that a study lacks is a dash; the paper has columns."""
    one = study(tmp_path / "one", grid([64], [0.1]), board="GPU-1", mwh=2.0)
    other = study(tmp_path / "other", grid([32, 64], [0.1]), board="GPU-2", mwh=3.0)

    info, total, _ = comparison_infos([one, other], paper=True)

    assert [column.heading for column in info.columns] == [
        "batch", "rate", "one", "±", "other", "±", "paper CUDA", "paper MPS"
    ]  # fmt: skip
    assert [[cell.text for cell in row] for row in info.rows] == [
        ["32", "0.1", "-", "-", "3.000", "-", "-", "-"],
        ["64", "0.1", "2.000", "-", "-", "-", "109.63", "15.40"],
    ]
    assert len(total.columns) == 6
    assert "differences under 5 % are ties" in boards_note([one, other])


def test_small_energies_keep_their_digits_side_by_side(tmp_path: Path) -> None:
    """Totals are shown in the unit of the studies; values for CSV are in Wh."""
    studies = [
        study(tmp_path / name, grid([64], [0.1]), board="GPU-1", mwh=mwh)
        for name, mwh in (("one", 0.01627), ("other", 0.00635))
    ]

    _, total, _ = comparison_infos(studies)

    assert total.title == "Total energy of a training, mWh"
    assert [cell.text for cell in total.rows[0]][2::2] == ["0.01627", "0.00635"]
    assert [cell.value for cell in total.rows[0]][2::2] == [
        pytest.approx(1.627e-5),
        pytest.approx(6.35e-6),
    ]


def test_totals_include_failed_trainings_as_in_the_ranking(tmp_path: Path) -> None:
    """Two successes and a failure of 1 mWh each make 1.5 mWh for a success."""
    setups = grid([64], [0.1])
    trials = [constant(1, J_PER_MWH, 0.9, seed=seed) for seed in range(3)]
    trials[2] = dataclasses.replace(trials[2], stop_reason=StopReason.DIVERGED)
    failing = analyse(load(write_study(tmp_path / "failing", setups, trials)))
    other = analyse(load(write_study(tmp_path / "other", setups, trials[:2])))

    _, total, _ = comparison_infos([failing, other])

    assert [cell.value for cell in total.rows[0]][2:] == pytest.approx([0.0015, 0.0, 0.001, 0.0])


def test_a_study_of_several_stages_names_the_stage_compared(tmp_path: Path) -> None:
    """Each study has a heading of its own, with the labels that the others lack."""
    regime = study(tmp_path / "one", grid([64], [0.1]), board="GPU-1", mwh=2.0)
    stages = {Stage.ENCODER: [1.0], Stage.ENCODER_CLASSIFIER: [J_PER_MWH]}
    manifest = {"paradigm": Paradigm.PRETRAINING, "stages": tuple(stages), "scenario": "pamap2"}
    folder = write_study(
        tmp_path / "pre", grid([64], [0.1]), [staged(1, stages)], manifest=manifest, synthetic=True
    )

    pretraining = analyse(load(folder))

    info, _, _ = comparison_infos([regime, pretraining])

    assert info.columns[4].heading == "pre (data: synthetic)"
    assert "pre: stage encoder+classifier" in info.legend
    assert info.title == "Energy per epoch, mWh"
    assert all_labels([regime, pretraining]) == ("pre: data: synthetic",)
    assert [cell.text for cell in info.rows[0]] == ["64", "0.1", "2.000", "-", "1.000", "-"]
    assert boards_note([regime]) == ""


def test_a_label_of_all_studies_stands_in_the_title(tmp_path: Path) -> None:
    """Two studies of estimates are labelled once, above both."""
    setups, trials = grid([64], [0.1]), [constant(1, 1.0, 0.9)]
    studies = [
        analyse(load(write_study(tmp_path / name, setups, trials, method=EnergyMethod.ESTIMATED)))
        for name in ("one", "other")
    ]

    info, *_ = comparison_infos(studies)

    assert info.title == "Energy per epoch, mWh (estimated)"
    assert [column.heading for column in info.columns[2:]] == ["one", "±", "other", "±"]


def test_a_single_alpha_does_not_separate_a_multitask_study_from_others(tmp_path: Path) -> None:
    """With two alphas each has a row of its own."""
    regime = study(tmp_path / "one", grid([64], [0.1]), board="GPU-1", mwh=2.0)

    def multitask(name: str, alphas: list[float]) -> Findings:
        setups = tuple(
            SetupFacts(setup=n, batch_size=64, learning_rate=0.1, parameters={"alpha": alpha})
            for n, alpha in enumerate(alphas, start=1)
        )
        trials = [staged(each.setup, {Stage.BOTH: [J_PER_MWH]}) for each in setups]
        manifest = {"paradigm": Paradigm.MULTITASK, "stages": (Stage.BOTH,)}
        return analyse(load(write_study(tmp_path / name, setups, trials, manifest=manifest)))

    alike, _, _ = comparison_infos([regime, multitask("a", [0.5])])
    several, _, _ = comparison_infos([regime, multitask("b", [0.25, 0.75])])

    assert [[cell.text for cell in row] for row in alike.rows] == [
        ["64", "0.1", "2.000", "-", "1.000", "-"]
    ]
    assert [[cell.text for cell in row][2:] for row in several.rows] == [
        ["", "2.000", "-", "-", "-"],
        ["alpha 0.25", "-", "-", "1.000", "-"],
        ["alpha 0.75", "-", "-", "1.000", "-"],
    ]


def test_setups_that_agree_in_six_digits_keep_rows_of_their_own(tmp_path: Path) -> None:
    """A value lost by merging rows would look like a setup that was not trained, in one study too."""
    setups = tuple(
        SetupFacts(setup=n, batch_size=64, learning_rate=0.1, parameters={"alpha": alpha})
        for n, alpha in enumerate((0.12345671, 0.12345674), start=1)
    )
    both = [study(tmp_path / name, setups, board="GPU-1", mwh=2.0) for name in ("one", "other")]

    info, *_ = comparison_infos(both)
    per_epoch = matrix(both[0].setups, name="a", title="a", values={1: 1.0, 2: 2.0}, text=str)

    assert len(info.rows) == 2
    assert [row[-1].value for row in per_epoch.rows] == [1.0, 2.0]


def test_the_papers_celeba_numbers_stand_beside_celeba_only(tmp_path: Path) -> None:
    """The paper has no numbers for a study of other tasks."""
    stages = ("colour", "shape", Stage.BOTH)
    trials = [staged(1, {each: [J_PER_MWH] for each in stages})]
    setups = grid([64], [0.1])
    sensors = study(tmp_path / "sensors", setups, board="GPU-1", mwh=2.0)

    def paper_headings(scenario: str) -> list[str]:
        """Headings of the paper's columns, beside a study of sensors."""
        manifest = {"paradigm": Paradigm.MULTITASK, "stages": stages, "scenario": scenario}
        path = write_study(tmp_path / scenario, setups, trials, manifest=manifest)
        info, _, _ = comparison_infos([sensors, analyse(load(path))], paper=True)
        return [each.heading for each in info.columns if each.heading.endswith(("CUDA", "MPS"))]

    assert paper_headings("toys") == ["paper CUDA", "paper MPS"]
    assert paper_headings("celeba") == ["pamap2 CUDA", "pamap2 MPS", "celeba CUDA", "celeba MPS"]


@pytest.mark.slow
def test_a_wide_table_is_split_into_narrow_ones(tmp_path: Path) -> None:
    """Each part names its rows, deviations stay with their means, and no column is lost or truncated."""
    studies = [
        study(tmp_path / f"a-study-{n}", grid([64], [0.1]), board=f"GPU-{n}", mwh=2.0)
        for n in range(6)
    ]
    info, _, _ = comparison_infos(studies, paper=True)

    parts = narrowed(info, width=60)

    assert len(parts) > 1
    assert all([c.heading for c in part.columns[:2]] == ["batch", "rate"] for part in parts)
    kept = [column for part in parts for column in part.columns[2:]]
    assert kept == list(info.columns[2:])
    for part in parts:
        headings = [column.heading for column in part.columns]
        assert headings[2] != "±"
        console = Console(width=60, record=True, file=io.StringIO())
        console.print(rich_table(part))
        assert "…" not in console.export_text()
    assert narrowed(info, width=1000) == (info,)
