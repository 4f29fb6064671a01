"""Figures 4 and 5 of the paper: break-even lines, and tasks one by one and together."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from analysis.figures.drawing import draw
from analysis.findings import Findings, analyse
from analysis.page.report import write_report
from analysis.page.sections import key_figures
from analysis.paradigm_charts import line_rows
from analysis.paradigm_figures import break_even_lines_infos, multitask_bars_info
from analysis.read.load import load
from study.record.records import J_PER_WH, Paradigm, Stage
from tests.analysis.study_folder import grid, staged, write_study

PRETRAINING = (
    Stage.ENCODER,
    Stage.CLASSIFIER_FROZEN,
    Stage.CLASSIFIER_UNFROZEN,
    Stage.ENCODER_CLASSIFIER,
)
TASKS = (Stage.ATTRIBUTES, Stage.IDENTITY, Stage.BOTH)


def findings_of(
    folder: Path,
    paradigm: Paradigm,
    stages: tuple[Stage, ...],
    energies_wh: Mapping[int, tuple[float | None, ...]],
) -> Findings:
    """A study of one repeat whose setups have these energies in their stages."""
    trials = [
        staged(
            setup,
            {
                stage: [None if energy is None else energy * J_PER_WH]
                for stage, energy in zip(stages, energies, strict=True)
            },
            accuracies=dict.fromkeys(stages, 0.9),
        )
        for setup, energies in energies_wh.items()
    ]
    setups = grid([64, 256], [0.1, 0.01])[: len(energies_wh)]
    return analyse(
        load(write_study(folder, setups, trials, manifest={"paradigm": paradigm, "stages": stages}))
    )


def test_lines_cross_where_pretraining_has_paid(tmp_path: Path) -> None:
    """8 / (4 - 2) = 4 at best, 10 / (4 - 3) = 10 at worst; a setup that never pays has no panel."""
    found = findings_of(
        tmp_path / "a",
        Paradigm.PRETRAINING,
        PRETRAINING,
        {1: (10, 3, 9, 4), 2: (8, 2, 9, 4), 3: (8, 5, 9, 4)},
    )

    frozen, unfrozen = break_even_lines_infos(found)

    best, average, worst = frozen.cases
    assert (best.case, best.label, best.pays_at) == ("best", "setup 2, 64 x 0.01", 4)
    assert (worst.label, worst.cycles, worst.crossing_wh) == ("setup 1, 64 x 0.1", 10, 40)
    assert (average.label, average.cycles) == ("mean energies of 2 setups", 6)
    assert "never in 1" in frozen.note
    assert unfrozen.cases == ()


def test_the_lines_csv_has_the_energies_of_each_cycle(tmp_path: Path) -> None:
    """At 4 cycles both ways have used the same; before, pretraining is behind, after, ahead."""
    found = findings_of(tmp_path / "a", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 2, 9, 4)})

    rows = {row["cycles"]: row for row in line_rows(break_even_lines_infos(found)[0])}

    ahead = [rows[n]["from_scratch_wh"] - rows[n]["with_pretraining_wh"] for n in (0, 3, 4, 5)]
    assert ahead == [-8, -2, 0, 2]


def test_one_setup_has_one_panel(tmp_path: Path) -> None:
    """It is best and worst at once, and there is nothing to average."""
    found = findings_of(tmp_path / "a", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 2, 9, 4)})

    frozen, _ = break_even_lines_infos(found)

    assert [case.case for case in frozen.cases] == ["best"]


def test_pretraining_is_drawn_and_comes_first(tmp_path: Path) -> None:
    """The first screen has Figure 4; where nothing pays there is none, and the report is whole."""
    pays = findings_of(
        tmp_path / "a", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 2, 9, 4), 2: (9, 2, 9, 4)}
    )
    never = findings_of(tmp_path / "b", Paradigm.PRETRAINING, PRETRAINING, {1: (8, 5, 9, 4)})

    drawing = draw(pays)[0]
    page = write_report(never).read_text()

    assert drawing.name == "break_even_lines_classifier_frozen"
    assert "pays at 4" in drawing.svg
    assert 'id="break_even_classifier_frozen"' in page
    assert 'id="break_even_lines_classifier_frozen"' not in page


def test_bars_stack_one_by_one_and_stand_beside_both(tmp_path: Path) -> None:
    """Identity begins where attributes end; a setup that lacks an energy has no bar."""
    found = findings_of(tmp_path / "a", Paradigm.MULTITASK, TASKS, {1: (3, 2, 1), 2: (3, None, 1)})

    info = multitask_bars_info(found)

    assert info is not None
    assert [(b.setup, b.way, b.task, b.from_wh, b.to_wh) for b in info.bars] == [
        (1, "one by one", "attributes", 0, 3),
        (1, "one by one", "identity", 3, 5),
        (1, "together", "both", 0, 1),
    ]
    assert "saves 80.0" in info.note


def test_multitask_is_drawn_and_comes_first(tmp_path: Path) -> None:
    """Bars with their words for who points at one."""
    found = findings_of(tmp_path / "a", Paradigm.MULTITASK, TASKS, {1: (3, 2, 1)})

    drawing = draw(found)[0]

    assert drawing.name == "multitask_bars"
    assert "learning rate 0.1, identity: 2 Wh" in drawing.svg


@pytest.mark.parametrize(
    ("paradigm", "stages", "energies", "shown"),
    [
        (Paradigm.PRETRAINING, PRETRAINING, (8, 2, 5, 4), ["1 of 1", "4.0", "60 %"]),
        (Paradigm.MULTITASK, TASKS, (3, 2, 1), ["80 %"]),
    ],
)
def test_key_figures_are_the_paradigms_own(
    tmp_path: Path,
    paradigm: Paradigm,
    stages: tuple[Stage, ...],
    energies: tuple[float, ...],
    shown: list[str],
) -> None:
    """What stands large on the first screen answers the question that the study asked."""
    found = findings_of(tmp_path / "a", paradigm, stages, {1: energies})

    keys = key_figures(found)

    assert [key.value for key in keys] == shown


def test_a_regime_has_neither_figure(tmp_path: Path) -> None:
    """Nothing is said of stages that a study has not."""
    found = findings_of(tmp_path / "a", Paradigm.REGIME, (Stage.ENCODER_CLASSIFIER,), {1: (3,)})

    assert break_even_lines_infos(found) == ()
    assert multitask_bars_info(found) is None
