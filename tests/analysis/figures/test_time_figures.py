"""Figures along time: energy and accuracy over the epochs, power over the seconds."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.figures.epoch_curves import MOST_SETUPS, epoch_curves_infos
from analysis.figures.power_curve import power_info
from analysis.figures.time_charts import _epoch_ticks, epoch_curves_chart
from analysis.findings import analyse
from analysis.read.load import load
from study.record.bookings import PowerRecord
from study.record.files import POWER_FILE
from study.record.vocabulary import TEST, Paradigm, Stage
from tests.analysis.study_folder import Trial, constant, epochs_of, grid, staged, write_study


def test_a_point_is_the_mean_over_the_repeats_that_reached_the_epoch(tmp_path: Path) -> None:
    """Epoch 1 has two repeats with a mean of 2 mWh, epoch 2 has one; a missing energy stays missing."""
    trials = [
        Trial(setup=1, seed=0, attempts=[epochs_of([3.6, 7.2, None], [0.2, 0.6, 0.7])]),
        Trial(setup=1, seed=1, attempts=[epochs_of([10.8], [0.4])]),
    ]
    folder = write_study(tmp_path / "a", grid([64], [0.1]), trials)

    (info,) = epoch_curves_infos(analyse(load(folder)))

    assert [(p.epoch, p.repeats) for p in info.points] == [(1, 2), (2, 1), (3, 1)]
    assert [p.energy for p in info.points[:2]] == pytest.approx([2, 2])
    assert info.points[2].energy is None
    assert [p.score for p in info.points] == pytest.approx([30, 60, 70])


def test_only_the_last_attempt_is_drawn(tmp_path: Path) -> None:
    """Lost attempts are on the bill, not in the curve."""
    attempts = [epochs_of([36.0], [0.1]), epochs_of([3.6], [0.2])]
    folder = write_study(
        tmp_path / "a", grid([64], [0.1]), [Trial(setup=1, seed=0, attempts=attempts)]
    )

    (info,) = epoch_curves_infos(analyse(load(folder)))

    assert [p.energy for p in info.points] == [pytest.approx(1.0)]


@pytest.mark.slow
def test_each_stage_has_a_figure_with_accuracy_only_if_known(tmp_path: Path) -> None:
    """An autoencoder has no accuracy, so its figure has panels of energy only."""
    stages = {Stage.ENCODER: [3.6, 3.6], Stage.ENCODER_CLASSIFIER: [7.2]}
    trial = staged(1, stages, accuracies={Stage.ENCODER_CLASSIFIER: 0.9})
    folder = write_study(
        tmp_path / "a",
        grid([64], [0.1]),
        [trial],
        manifest={"paradigm": Paradigm.PRETRAINING, "stages": tuple(stages)},
    )

    encoder, whole = epoch_curves_infos(analyse(load(folder)))

    rows = [len(epoch_curves_chart(info).to_dict()["vconcat"]) for info in (encoder, whole)]
    assert (encoder.name, whole.name) == ("epochs_encoder", "epochs_encoder_classifier")
    assert rows == [1, 2]
    assert "stage" not in encoder.title
    assert encoder.title.endswith(": encoder")


def test_a_long_training_is_thinned_out_and_keeps_its_ends(tmp_path: Path) -> None:
    """A thousand epochs become 150 points at most, the first and the last among them."""
    epochs = epochs_of([3.6] * 1000, [0.5] * 1000)
    folder = write_study(
        tmp_path / "a", grid([64], [0.1]), [Trial(setup=1, seed=0, attempts=[epochs])]
    )

    (info,) = epoch_curves_infos(analyse(load(folder)))

    shown = [p.epoch for p in info.points]
    assert len(shown) <= 150
    assert (shown[0], shown[-1]) == (1, 1000)
    assert set(shown) <= set(range(1, 1001))


def test_of_many_setups_the_first_of_the_ranking_are_drawn(tmp_path: Path) -> None:
    """The figure says how many it leaves out."""
    setups = grid(range(1, MOST_SETUPS + 4), [0.1])
    trials = [constant(each.setup, 1000.0 + each.setup, 0.9) for each in setups]
    folder = write_study(tmp_path / "a", setups, trials)

    (info,) = epoch_curves_infos(analyse(load(folder)))

    assert {p.setup for p in info.points} == set(range(1, MOST_SETUPS + 1))
    assert info.setups_left_out == 3


def with_power(folder: Path, samples: Sequence[tuple[str | None, int, int, float, float]]) -> Path:
    """Write a study of two setups, and a power log of (trial, attempt, epoch, seconds, watts)."""
    trials = [constant(1, 7200.0, 0.9), constant(2, 3600.0, 0.9)]
    write_study(folder, grid([64, 256], [0.1]), trials)
    rows = [
        PowerRecord(
            node="node-1",
            device_uuid="GPU-1",
            trial_id=trial,
            attempt=None if trial is None else attempt,
            stage=None if trial is None else "encoder+classifier" if epoch else "setup",
            epoch=None if trial is None else epoch,
            unix_time_s=1.7e9 + time_s,
            power_w=power_w,
        ).to_row()
        for trial, attempt, epoch, time_s, power_w in samples
    ]
    (folder / POWER_FILE).mkdir()
    pd.DataFrame(rows).to_parquet(folder / POWER_FILE / "part-0.parquet")
    return folder


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 3]),
        (7, [1, 2, 4, 6]),
        (30, [1, 10, 20, 30]),
        (1000, [1, 200, 400, 600, 800, 1000]),
    ],
)
def test_epoch_axis_is_marked_at_whole_numbers(last: int, expected: list[int]) -> None:
    """The first epoch is marked, and there are few enough marks to be read."""
    assert _epoch_ticks(last) == expected


@given(st.integers(min_value=1, max_value=10**6))
def test_an_axis_of_epochs_has_six_marks_at_most(last: int) -> None:
    """This holds for any number of epochs, and all marks lie on the axis."""
    ticks = _epoch_ticks(last)

    assert 1 <= len(ticks) <= 6
    assert ticks == sorted(set(ticks))
    assert ticks[0] == 1
    assert ticks[-1] <= last


def test_the_power_of_the_recommended_setup_is_drawn_from_its_first_epoch(tmp_path: Path) -> None:
    """Samples of other trials and attempts, and those before the first epoch, are left out."""
    samples = [
        ("setup02_seed0", 1, 1, 0.0, 99.0),
        ("setup01_seed0", 2, 1, 1.0, 99.0),
        (None, 0, 0, 2.0, 99.0),
        ("setup02_seed0", 2, 0, 3.0, 10.0),
        ("setup02_seed0", 2, 1, 4.0, 20.0),
        ("setup02_seed0", 2, 1, 5.0, 30.0),
        ("setup02_seed0", 2, 2, 6.0, 40.0),
    ]

    info = power_info(analyse(load(with_power(tmp_path / "a", samples))))

    assert info is not None
    assert info.trial_id == "setup02_seed0"
    assert info.samples == 3
    assert [p.power_w for p in info.points] == [20, 30, 40]
    assert [(m.epoch, m.label) for m in info.marks] == [(1, "1"), (2, "2")]
    assert [m.time_s for m in info.marks] == pytest.approx([0, 2])


def test_the_test_after_the_last_epoch_has_no_mark(tmp_path: Path) -> None:
    """Its samples have an epoch's number, but it is no epoch."""
    samples = [("setup02_seed0", 1, 1, float(second), 10.0) for second in range(4)]
    folder = with_power(tmp_path / "a", samples)
    part = folder / POWER_FILE / "part-0.parquet"
    rows = pd.read_parquet(part)
    rows.loc[rows.index[-1], "stage"] = TEST
    rows.to_parquet(part)

    info = power_info(analyse(load(folder)))

    assert info is not None
    assert [mark.stage for mark in info.marks] == ["encoder+classifier"]


def test_a_long_log_is_shown_by_means_and_extremes(tmp_path: Path) -> None:
    """Ten thousand samples become 400 points, each with its mean, least and most power.

    The points are equally far apart, and their mean is that of the samples: no energy is lost.
    """
    # Short peaks, so that the mean is neither the median nor the middle between the extremes.
    watts = [(300.0 if i % 5 == 4 else 50.0) + i / 200 for i in range(10_000)]
    samples = [
        ("setup02_seed0", 1, 1 + i // 400, i / 10, power_w) for i, power_w in enumerate(watts)
    ]

    info = power_info(analyse(load(with_power(tmp_path / "a", samples))))

    assert info is not None
    assert len(info.points) == 400
    assert (info.points[0].low_w, info.points[-1].high_w) == (min(watts), max(watts))
    assert all(250 <= p.high_w - p.low_w < 251 for p in info.points)
    assert [p.power_w for p in info.points] == pytest.approx(
        [100 + p.time_s / 20 for p in info.points], abs=10
    )
    assert np.mean([p.power_w for p in info.points]) == pytest.approx(np.mean(watts), rel=1e-3)


@pytest.mark.slow
@given(st.lists(st.integers(1, 400), min_size=1, max_size=60))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_labels_of_epochs_never_overlap(tmp_path: Path, lengths: list[int]) -> None:
    """Among short and long epochs, a number without room to its right is left out."""
    ends = np.cumsum(lengths)
    samples = [
        ("setup02_seed0", 1, epoch, float(end - length) / 10, 100.0)
        for epoch, (end, length) in enumerate(zip(ends, lengths, strict=True), start=1)
    ]
    samples.append(("setup02_seed0", 1, len(lengths), float(ends[-1]) / 10, 100.0))

    info = power_info(analyse(load(with_power(tmp_path / uuid4().hex, samples))))

    assert info is not None
    length_s = ends[-1] / 10
    labelled = [(640 * m.time_s / length_s, m.label) for m in info.marks if m.label]
    assert labelled[0] == (0, "1")
    for (at, label), (following, _) in itertools.pairwise(labelled):
        assert at + 3 + 6.2 * len(label) < following


@pytest.mark.parametrize("content", [None, b"", b"PAR1 cut off"])
def test_without_a_log_that_can_be_read_there_is_no_figure(
    tmp_path: Path, content: bytes | None
) -> None:
    """No energy comes from the log, so the figure is simply left out."""
    folder = write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, 3600.0, 0.9)])
    if content is not None:
        (folder / POWER_FILE).mkdir()
        (folder / POWER_FILE / "part-0.parquet").write_bytes(content)

    info = power_info(analyse(load(folder)))

    assert info is None
