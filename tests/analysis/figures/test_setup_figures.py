"""Figures with a mark for each setup: heat maps, bars, and names of series."""

import dataclasses
from pathlib import Path

import pytest

from analysis.figures.drawing import draw
from analysis.figures.heat_map import energy_per_epoch_map, total_energy_map
from analysis.figures.setup_charts import heat_map_chart
from analysis.figures.setups import MOST_BARS, relative_energy_info
from analysis.findings import Findings, analyse
from analysis.forms.chart_style import mark_step
from analysis.forms.series import series_of
from analysis.read.load import load
from analysis.tables.setups import relative_total_info
from study.record.manifest import SetupFacts
from study.record.vocabulary import StopReason
from tests.analysis.study_folder import Trial, constant, epochs_of, grid, write_study


def two_by_two(folder: Path) -> Findings:
    """Findings of setups with 1, 2 and 4 mWh per epoch, two epochs each; the fourth has no energy."""
    trials = [
        Trial(setup=setup, seed=0, attempts=[epochs_of([energy, energy], [0.5, 0.9])])
        for setup, energy in ((1, 3.6), (2, 7.2), (3, 14.4), (4, None))
    ]
    return analyse(load(write_study(folder, grid([64, 256], [0.1, 0.01]), trials)))


def test_a_heat_map_has_each_setup_in_its_row_and_column(tmp_path: Path) -> None:
    """Cells have the energy per epoch in mWh, and no value where it is missing."""
    info = energy_per_epoch_map(two_by_two(tmp_path / "a"))

    cells = [(c.batch_size, c.series, c.text) for c in info.cells]
    assert cells == [
        (64, "0.1", "1.000"),
        (64, "0.01", "2.000"),
        (256, "0.1", "4.000"),
        (256, "0.01", "-"),
    ]
    assert info.cells[3].value is None
    assert [c.setup for c in info.cells if c.chosen] == [1]


def test_totals_are_shares_of_the_worst(tmp_path: Path) -> None:
    """They are 25, 50 and 100 %."""
    info = total_energy_map(two_by_two(tmp_path / "a"))

    assert [c.value for c in info.cells[:3]] == pytest.approx([25, 50, 100])


def test_cells_are_stronger_for_more_energy_and_colourless_for_none(tmp_path: Path) -> None:
    """Opacity follows the value, and text stays readable on the strongest cell."""
    chart = heat_map_chart(energy_per_epoch_map(two_by_two(tmp_path / "a")))

    (rows,) = chart.to_dict(validate=False)["datasets"].values()
    strengths = [row["strength"] for row in rows]
    assert strengths[0] < strengths[1] < strengths[2] <= 0.5
    assert strengths[3] == 0


def test_a_single_value_has_a_medium_strength(tmp_path: Path) -> None:
    """One setup alone has neither the most nor the least energy."""
    folder = write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, 3.6, 0.9)])

    chart = heat_map_chart(energy_per_epoch_map(analyse(load(folder))))

    ((row,),) = chart.to_dict(validate=False)["datasets"].values()
    assert 0 < row["strength"] < 0.5


def test_only_parameters_that_differ_name_a_series(tmp_path: Path) -> None:
    """An alpha that all setups share is not in the name; one in which they differ is."""
    manifest = analyse(
        load(write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, 1.0, 0.5)]))
    ).study.manifest

    def named(*alphas: float) -> list[str]:
        setups = tuple(
            SetupFacts(setup=n, batch_size=64, learning_rate=0.1, parameters={"alpha": alpha})
            for n, alpha in enumerate(alphas, start=1)
        )
        series = series_of(dataclasses.replace(manifest, setups=setups))
        return [series(each.setup, each.learning_rate) for each in setups]

    assert named(0.5, 0.5) == ["0.1", "0.1"]
    assert named(0.25, 0.75) == ["alpha 0.25", "alpha 0.75"]
    assert named(0.12345671, 0.12345674) == ["alpha 0.12345671", "alpha 0.12345674"]


@pytest.mark.slow
def test_setups_that_form_no_grid_have_no_heat_map(tmp_path: Path) -> None:
    """Five setups with different batch sizes and learning rates would fill a fifth of the map."""
    setups = tuple(
        SetupFacts(setup=n, batch_size=8 * n, learning_rate=0.1 / n) for n in range(1, 6)
    )
    trials = [constant(n, 3600.0 * n, 0.9) for n in range(1, 6)]
    findings = analyse(load(write_study(tmp_path / "a", setups, trials)))

    names = {drawing.name for drawing in draw(findings)}

    assert not energy_per_epoch_map(findings).is_grid
    assert not {"energy_per_epoch_map", "total_energy_map"} & names
    assert {"relative_energy", "pareto_front"} <= names


def test_of_many_setups_the_first_of_the_ranking_and_the_worst_have_bars(tmp_path: Path) -> None:
    """Percentages are of the worst; the figure says how many setups are left out."""
    setups = grid(range(1, MOST_BARS + 11), [0.1])
    trials = [constant(each.setup, 1000.0 + each.setup, 0.9) for each in setups]

    info = relative_energy_info(analyse(load(write_study(tmp_path / "a", setups, trials))))

    assert [bar.setup for bar in info.bars] == [*range(1, MOST_BARS + 1), MOST_BARS + 10]
    assert info.bars[-1].percent == pytest.approx(100)
    assert info.setups_left_out == 9


def test_bars_heat_map_and_table_count_failed_trainings_alike(tmp_path: Path) -> None:
    """Setup 2 used 610 J for two successes, 305 J each; setup 1 needs 34 % of that."""
    trials = [
        *(constant(1, energy_j, 0.9, seed=seed) for seed, energy_j in enumerate((100.0, 110.0))),
        *(constant(2, energy_j, 0.9, seed=seed) for seed, energy_j in enumerate((200.0, 210.0))),
        dataclasses.replace(constant(2, 200.0, 0.2, seed=2), stop_reason=StopReason.DIVERGED),
    ]
    findings = analyse(load(write_study(tmp_path / "a", grid([64], [0.1, 0.01]), trials)))

    bars = relative_energy_info(findings).bars

    assert [bar.percent for bar in bars] == pytest.approx([100 * 105 / 305, 100])
    assert bars[1].low == pytest.approx(100 - 100 * 50**0.5 / 305)
    assert [cell.value for cell in total_energy_map(findings).cells] == [b.percent for b in bars]
    (row,) = relative_total_info(findings).rows
    assert [cell.value for cell in row[1:]] == [bar.percent for bar in bars]


def test_no_panel_is_narrower_than_its_heading() -> None:
    """A single bar gets the room of its heading; many bars have enough and keep their step."""
    groups = ["batch size 64", "batch size 1024"]

    assert mark_step(36, groups, 1) > 6 * len("batch size 1024")
    assert mark_step(36, groups, 16) == 36
