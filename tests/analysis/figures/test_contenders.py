"""The figure of the setups that may be the answer."""

from pathlib import Path

import pytest

from analysis.figures.contenders import contenders_chart, contenders_figure
from analysis.figures.drawing import draw
from analysis.findings import Findings, analyse
from analysis.page.sections import hero
from analysis.read.load import load
from tests.analysis.study_folder import constant, grid, write_study


def findings_of(folder: Path, *, repeats: int) -> Findings:
    """Findings of setups 1 and 2, which are alike, and setup 3, which needs ten times as much."""
    trials = [
        constant(n, e * (1 + 0.1 * seed), 0.9 + 0.001 * seed, seed=seed)
        for n, e in ((1, 3600.0), (2, 3700.0), (3, 36000.0))
        for seed in range(repeats)
    ]
    return analyse(load(write_study(folder / "a", grid([64], [0.1, 0.01, 0.001]), trials)))


def test_setups_that_cannot_be_the_answer_are_left_out(tmp_path: Path) -> None:
    """Two setups remain, with their intervals, and probabilities that add up to 1."""
    found = contenders_figure(findings_of(tmp_path, repeats=2))

    assert found is not None
    assert {each.setup for each in found.contenders} == {1, 2}
    assert sum(each.chosen for each in found.contenders) == 1
    assert all(each.low < each.energy < each.high for each in found.contenders)
    assert sum(each.cheapest for each in found.contenders) == pytest.approx(1.0, abs=0.02)


def test_one_repeat_has_no_such_figure(tmp_path: Path) -> None:
    """There is neither an interval nor a probability."""
    assert contenders_figure(findings_of(tmp_path, repeats=1)) is None


@pytest.mark.slow
def test_the_pareto_figure_comes_first(tmp_path: Path) -> None:
    """The figure of contenders is drawn too."""
    drawings = draw(findings_of(tmp_path, repeats=2))
    first = hero(drawings)

    assert first is not None
    assert first.name == "pareto_front"
    assert "answer" in [each.name for each in drawings]


def test_a_very_wide_interval_does_not_stretch_the_axis(tmp_path: Path) -> None:
    """Repeats differ a thousandfold, but the marks can still be told apart."""
    trials = [constant(n, e, 0.9, seed=s) for n in (1, 2) for s, e in enumerate((10.0, 10000.0))]
    found = contenders_figure(
        analyse(load(write_study(tmp_path / "b", grid([64], [0.1, 0.01]), trials)))
    )

    assert found is not None
    ends = contenders_chart(found).to_dict(validate=False)["layer"][1]["encoding"]["x"]["scale"]
    assert ends["domain"][1] <= 4 * max(each.energy for each in found.contenders)
