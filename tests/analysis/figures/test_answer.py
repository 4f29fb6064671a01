"""The figure of energy and objective: line of the front, axes and labels."""

from pathlib import Path

from analysis.figures.answer import AnswerInfo, answer_info
from analysis.figures.answer_chart import answer_chart
from analysis.findings import analyse
from analysis.read.load import load
from tests.analysis.study_folder import constant, grid, write_study


def info_of(folder: Path, accuracies: dict[int, float], *, repeats: int = 2) -> AnswerInfo:
    """The figure of setups of growing energy with these accuracies; repeats differ a little."""
    trials = [
        constant(setup, 1000.0 * setup + seed, accuracy + 0.001 * seed, seed=seed)
        for setup, accuracy in accuracies.items()
        for seed in range(repeats)
    ]
    setups = grid([64, 256], [0.1, 0.01, 0.001, 0.0001])[: max(accuracies)]
    info = answer_info(analyse(load(write_study(folder, setups, trials))))
    assert info is not None
    return info


def test_the_line_of_the_front_rises(tmp_path: Path) -> None:
    """Setup 2 is worse only within the noise, so it is on the front, but not on its line."""
    repeats = {
        1: ((1000.0, 0.80), (1000.0, 0.80)),
        2: ((950.0, 0.76), (1250.0, 0.82)),
        3: ((2000.0, 0.90), (2000.0, 0.90)),
        4: ((3000.0, 0.50), (3000.0, 0.50)),
    }
    trials = [
        constant(setup, energy, accuracy, seed=seed)
        for setup, values in repeats.items()
        for seed, (energy, accuracy) in enumerate(values)
    ]
    folder = write_study(tmp_path / "a", grid([64, 256], [0.1, 0.01]), trials)

    info = answer_info(analyse(load(folder)))

    assert info is not None
    points = info.points

    assert [(p.setup, p.on_line) for p in points] == [(1, True), (2, False), (3, True), (4, False)]
    assert [p.setup for p in points if p.on_front] == [1, 2, 3]


def test_a_setup_far_below_the_others_does_not_stretch_the_axis(tmp_path: Path) -> None:
    """It is marked at the edge, and a note counts it."""
    info = info_of(tmp_path / "a", {1: 0.91, 2: 0.92, 3: 0.93, 4: 0.94, 5: 0.2})

    assert [point.in_view for point in info.points] == [True, True, True, True, False]
    assert info.plot.y[0] > 80
    chart = answer_chart(info).to_dict(validate=False)
    assert "1 setup below what the axis shows" in " ".join(chart["title"]["subtitle"])


def test_an_axis_of_shares_ends_at_100_percent(tmp_path: Path) -> None:
    """No accuracy is above 100 %, nor is its axis."""
    info = info_of(tmp_path / "a", {1: 0.999, 2: 0.997, 3: 0.998})

    assert info.plot.y[1] == 100


def test_a_single_setup_has_axes_with_a_length(tmp_path: Path) -> None:
    """With one setup and one repeat, the range of values is 0, and the axis is not."""
    info = info_of(tmp_path / "a", {1: 0.9}, repeats=1)

    assert info.plot.y[0] < 90 < info.plot.y[1]
    assert not info.has_intervals
    assert [label.text for label in info.labels] == ["64 x 0.1"]


def test_the_recommended_setup_has_a_label(tmp_path: Path) -> None:
    """Others may lose theirs for lack of room."""
    info = info_of(tmp_path / "a", dict.fromkeys(range(1, 9), 0.9))

    (chosen,) = [point for point in info.points if point.chosen]
    assert f"{chosen.batch_size} x {chosen.learning_rate}" in [label.text for label in info.labels]
