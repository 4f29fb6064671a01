"""Figure 5 of the paper: tasks one by one and together."""

from pathlib import Path

import pytest

from analysis.figures.drawing import draw
from analysis.multitask.figures import multitask_bars_info
from analysis.page.sections import key_figures
from study.record.vocabulary import Paradigm
from tests.analysis.staged_study import TASKS, findings_of


def test_bars_of_single_tasks_are_stacked_beside_that_of_both(tmp_path: Path) -> None:
    """Identity starts where attributes ends; a setup that lacks an energy has no bar."""
    found = findings_of(tmp_path / "a", Paradigm.MULTITASK, TASKS, {1: (3, 2, 1), 2: (3, None, 1)})

    assert found.paradigm.multitask is not None
    info = multitask_bars_info(found.study.manifest, found.paradigm.multitask, found.labels)

    assert [(b.setup, b.way, b.task, b.from_wh, b.to_wh) for b in info.bars] == [
        (1, "one by one", "attributes", 0, 3),
        (1, "one by one", "identity", 3, 5),
        (1, "together", "both", 0, 1),
    ]
    assert "saves 80.0" in info.note


@pytest.mark.slow
def test_the_multitask_figure_comes_first(tmp_path: Path) -> None:
    """Its bars have descriptions, which are shown when one points at them."""
    found = findings_of(tmp_path / "a", Paradigm.MULTITASK, TASKS, {1: (3, 2, 1)})

    drawing = draw(found)[0]

    assert drawing.name == "multitask_bars"
    assert "learning rate 0.1, identity: 2 Wh" in drawing.svg


def test_key_figures_are_about_multitask(tmp_path: Path) -> None:
    """They answer the question that the study asked."""
    found = findings_of(tmp_path / "a", Paradigm.MULTITASK, TASKS, {1: (3, 2, 1)})

    keys = key_figures(found)

    assert [key.value for key in keys] == ["80 %"]
