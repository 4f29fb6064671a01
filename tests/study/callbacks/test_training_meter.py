"""Energy of a training in the user's own loop, saved as a study of one setup."""

import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.__main__ import main as analysis
from analysis.read.load import load
from study.callbacks.training import Training
from study.callbacks.training_meter import TrainingMeter
from study.record.objective import Objective
from study.record.vocabulary import StopReason
from trackers.sample import Component
from trackers.sources.detect import Detection, Request, detect
from trackers.sources.recorded import RecordedSource

WATTS = 100.0


def board_detection() -> Detection:
    """Stand-in for a board: a recording of constant power."""
    return Detection(sources=(RecordedSource(lambda _: WATTS),), refused={})


def trained_meter(
    detection: Detection, *, batch_size: int = 64, epoch_s: float = 0.3
) -> TrainingMeter:
    """Meter of a training of two epochs, which has ended."""
    training = Training(
        objective=Objective("accuracy", is_share=True),
        batch_size=batch_size,
        learning_rate=0.1,
        data="made up",
        scenario="toy",
        parameters={"width": 3},
    )
    meter = TrainingMeter(training, detection=detection)
    with meter:
        for score in (0.5, 0.75):
            with meter.epoch() as epoch:
                time.sleep(epoch_s)
                meter.begin_evaluation()
                meter.end_evaluation()
            epoch.train_loss, epoch.val_loss = 1.0, 2.0
            epoch.metrics = {"accuracy": score}
    return meter


@pytest.mark.slow
def test_epochs_have_their_energy_and_metrics(tmp_path: Path) -> None:
    """Energy is power x time; the saved study has one setup, one trial and both epochs."""
    meter = trained_meter(board_detection())
    meter.save(tmp_path / "mine")

    study = load(tmp_path / "mine")
    rows = study.epochs.to_dict("records")
    assert study.notes == ()
    assert [row["val_score"] for row in rows] == [0.5, 0.75]
    for row, epoch in zip(rows, meter.epochs, strict=True):
        assert row["epoch_energy_j"] == epoch.energy_j
        assert row["epoch_energy_j"] == pytest.approx(WATTS * row["epoch_time_s"], rel=0.02)
        assert row["gpu_energy_j"] == row["epoch_energy_j"]
        assert row["energy_status"] in {"ok", "degraded"}
    assert rows[1]["energy_j"] == pytest.approx(sum(row["epoch_energy_j"] for row in rows))
    assert [row["stop_reason"] for row in rows] == [None, "max_epochs"]
    (trial,) = study.trials.to_dict("records")
    assert (trial["status"], trial["epochs"]) == ("finished", 2)
    assert trial["best_val_score"] == 0.75
    assert trial["setup_energy_j"] >= 0
    assert study.manifest.energy_of == "accelerator"
    assert study.manifest.setups[0].parameters == {"width": 3}


@pytest.mark.slow
def test_without_a_board_the_share_of_the_cpu_ranks(tmp_path: Path) -> None:
    """An estimate stays labelled in the saved study."""
    meter = trained_meter(detect(Request(tracker="estimate")))
    meter.save(tmp_path / "mine", stop_reason=StopReason.PATIENCE)

    study = load(tmp_path / "mine")
    assert meter.scope >= {Component.CPU}
    assert study.manifest.energy_of == "components"
    assert set(study.epochs["energy_method"]) == {"estimated"}
    assert study.epochs["gpu_energy_j"].isna().all()
    assert study.epochs["cpu_energy_j"].notna().all()


def test_a_training_without_an_epoch_is_not_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`save` raises an error; `save_or_warn`, which callbacks use, logs a warning instead."""
    meter = TrainingMeter(detection=board_detection())
    with meter, pytest.raises(ValueError, match="no epoch has ended"):
        meter.save(tmp_path / "mine")

    meter.save_or_warn(tmp_path / "mine", stop_reason=StopReason.MAX_EPOCHS)
    assert not (tmp_path / "mine").exists()
    [warning] = [each for each in caplog.records if "was not saved" in each.message]
    assert warning.levelname == "WARNING"
    assert f"{tmp_path / 'mine'}: no epoch has ended" in warning.message


@pytest.mark.slow
def test_two_trainings_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m analysis` reads the folders as studies, and writes their report."""
    for number, batch_size in enumerate((64, 256)):
        trained_meter(board_detection(), batch_size=batch_size).save(tmp_path / f"run{number}")

    for folders in (["run0"], ["run0", "run1"]):
        status = analysis([str(tmp_path / each) for each in folders])

        assert status == 0
        assert "toy" in capsys.readouterr().out


def test_metrics_of_any_kind_lose_no_training(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Arrays are left out, nested metrics named by path, and a missing objective is logged."""
    meter = trained_meter(board_detection(), epoch_s=0.0)
    meter.epochs[0].metrics = {"accuracy": np.float32(0.5), "iou": np.array([0.1, 0.2])}
    meter.epochs[1].metrics = {"accuracy": np.array(0.75), "report": {"cat": {"recall": 1.0}}}

    meter.save_or_warn(tmp_path / "mine", stop_reason=StopReason.MAX_EPOCHS)

    rows = load(tmp_path / "mine").epochs.to_dict("records")
    assert [row["val_score"] for row in rows] == [0.5, 0.75]
    assert rows[1]["val_metrics"] == '{"accuracy": 0.75, "report/cat/recall": 1.0}'
    assert "objective" not in caplog.text

    for epoch in meter.epochs:
        epoch.metrics = {"eval_accuracy": 0.5}
    meter.save_or_warn(tmp_path / "other", stop_reason=StopReason.MAX_EPOCHS)
    assert "no epoch has the objective 'accuracy'; there are eval_accuracy" in caplog.text


def test_a_study_of_another_training_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Jobs of an array share one folder; a training may also be saved again in its own."""
    first = trained_meter(board_detection(), epoch_s=0.0)
    second = trained_meter(board_detection(), batch_size=256, epoch_s=0.0)

    folders = [first.save(tmp_path / "mine"), first.save(tmp_path / "mine")]
    folders.append(second.save(tmp_path / "mine"))

    assert [each.name for each in folders] == ["mine", "mine", "mine-2"]
    assert "this one is kept in" in caplog.text
    assert [load(each).manifest.setups[0].batch_size for each in folders[1:]] == [64, 256]


def test_a_share_of_the_cpu_is_recorded_under_the_cpu(tmp_path: Path) -> None:
    """It is not recorded under the process, so that trainings on one machine have the same device."""
    meter = trained_meter(detect(Request(tracker="estimate")), epoch_s=0.05)
    (cpu,) = (each.uuid for each in detect(Request(tracker="estimate")).devices)

    study = load(meter.save(tmp_path / "mine"))

    assert set(study.epochs["device_uuid"]) == {cpu}
    assert set(study.trials["device_uuid"]) == {cpu}


@pytest.mark.parametrize("is_used", [True, False])
def test_cuda_that_the_training_has_not_used_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, *, is_used: bool
) -> None:
    """Waiting for CUDA would initialise it, which uses memory and power and rules out a later fork."""
    waits: list[bool] = []
    cuda = SimpleNamespace(
        is_initialized=lambda: is_used,
        device_count=lambda: 1,
        memory_reserved=lambda _: 1024,
        synchronize=lambda _: waits.append(True),
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))

    trained_meter(board_detection(), epoch_s=0.0)

    assert bool(waits) == is_used


def test_epochs_before_a_checkpoint_have_no_energy(tmp_path: Path) -> None:
    """They keep their numbers; the epoch resumed midway has no energy either, so there is no total."""
    meter = TrainingMeter(detection=board_detection())
    with meter:
        for _ in range(2):
            meter.begin_epoch(after=0.0 if meter.epochs else 1.5).metrics = {"accuracy": 0.5}
            time.sleep(0.2)
            meter.end_epoch()
    meter.save(tmp_path / "mine")

    study = load(tmp_path / "mine")
    rows = study.epochs.to_dict("records")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["energy_status"] for row in rows][:2] == ["missing", "missing"]
    assert rows[2]["epoch_energy_j"] > 0
    (trial,) = study.trials.to_dict("records")
    assert np.isnan(trial["energy_j"])
    assert trial["missing_epochs"] == 2
    assert any("first 2 epochs" in each for each in study.manifest.warnings)


@pytest.mark.parametrize("which", ["train_loss", "val_loss"])
def test_a_training_whose_last_loss_is_not_finite_diverged(tmp_path: Path, which: str) -> None:
    """It is recorded as diverged, whatever reason it is saved with."""
    meter = trained_meter(board_detection(), epoch_s=0.0)
    setattr(meter.epochs[-1], which, float("nan"))
    meter.save(tmp_path / "mine", stop_reason=StopReason.PATIENCE)

    assert load(tmp_path / "mine").epochs["stop_reason"].tolist()[-1] == "diverged"


def test_ctrl_c_during_the_start_leaves_no_meter_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """`__exit__` is not called in that case, and the process of a notebook lives on."""

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    busy = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 1,
        memory_reserved=lambda _: 1,
        synchronize=interrupted,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=busy))
    before = set(threading.enumerate())
    meter = TrainingMeter(detection=board_detection())

    with pytest.raises(KeyboardInterrupt):
        meter.start()

    assert set(threading.enumerate()) == before


@pytest.mark.parametrize(
    ("within_epoch", "reason", "epochs"), [(True, "error", 1), (False, "stopped", 2)]
)
def test_a_training_that_an_exception_ended_is_recorded_as_such(
    tmp_path: Path, *, within_epoch: bool, reason: str, epochs: int
) -> None:
    """Within an epoch it is an error, after one it is stopped; a cut epoch is not counted, but has energy."""
    meter = TrainingMeter(detection=board_detection())

    def train() -> None:
        with meter:
            with meter.epoch():
                time.sleep(0.2)
            with meter.epoch():
                time.sleep(0.2)
                if within_epoch:
                    raise KeyboardInterrupt
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train()
    meter.save(tmp_path / "mine")

    study = load(tmp_path / "mine")
    assert study.epochs["epoch_energy_j"].notna().tolist() == [True, True]
    (trial,) = study.trials.to_dict("records")
    assert (trial["stop_reason"], trial["epochs"]) == (reason, epochs)


@pytest.mark.slow
def test_an_open_epoch_ends_with_the_next_one_or_the_training(tmp_path: Path) -> None:
    """No energy of a training is therefore missing from its total."""
    meter = TrainingMeter(detection=board_detection())
    with meter:
        for _ in range(2):
            meter.begin_epoch()
            time.sleep(0.2)
    meter.save(tmp_path / "mine")

    rows = load(tmp_path / "mine").epochs.to_dict("records")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(row["epoch_energy_j"] > 0.15 * WATTS for row in rows)
    assert rows[-1]["stop_reason"] == "max_epochs"
