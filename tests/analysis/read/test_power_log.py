"""The power log as CSV files: the paper's structure, one file for each trial."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.errors import AnalysisError
from analysis.read.load import load
from analysis.read.power_log import write_power_logs
from study.record.bookings import PowerRecord
from study.record.files import POWER_FILE
from study.record.vocabulary import EnergyMethod
from tests.analysis.study_folder import constant, grid, write_study

START_S = 1_700_000_000.0


def sample(trial_id: str | None, time_s: float, power_w: float, *, epoch: int = 1) -> PowerRecord:
    """A sample `time_s` after the start; without a trial, one taken between trials."""
    return PowerRecord(
        node="node-1",
        device_uuid="GPU-1",
        trial_id=trial_id,
        attempt=None if trial_id is None else 1,
        stage=None if trial_id is None else "encoder+classifier",
        epoch=None if trial_id is None else epoch,
        unix_time_s=START_S + time_s,
        power_w=power_w,
    )


def study_with_power(folder: Path, *samples: PowerRecord) -> Path:
    """A study of one setup whose power log has two parts, the later one written first."""
    trials = [constant(1, 100.0, 0.9)]
    write_study(folder, grid((64,), (0.1,)), trials, method=EnergyMethod.ESTIMATED)
    (folder / POWER_FILE).mkdir()
    half = len(samples) // 2
    for number, part in enumerate((samples[half:], samples[:half])):
        rows = pd.DataFrame([each.to_row() for each in part])
        rows.astype({"attempt": "Int64", "epoch": "Int64"}).to_parquet(
            folder / POWER_FILE / f"part-{number}.parquet"
        )
    return folder


def test_each_trial_has_a_file_with_the_papers_columns(tmp_path: Path) -> None:
    """They are time stamp, epoch and milliwatts, in order of time; samples of no trial are left out."""
    folder = study_with_power(
        tmp_path / "watch",
        sample("setup01_seed0", 0.0, 61.0004),
        sample("setup02_seed0", 0.05, 80.0),
        sample("setup01_seed0", 0.1, 300.25, epoch=2),
        sample(None, 0.2, 20.0),
    )

    files = write_power_logs(load(folder))

    assert [each.name for each in files] == ["setup01_seed0.csv", "setup02_seed0.csv"]
    log = pd.read_csv(files[0])
    assert list(log.columns[:3]) == ["timestamp", "epoch", "power_mw"]
    assert list(log["timestamp"]) == ["2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.100Z"]
    assert list(log["epoch"]) == [1, 2]
    assert list(log["power_mw"]) == [61000, 300250]
    assert set(log["stage"]) == {"encoder+classifier"}
    assert set(log["attempt"]) == {1}


def test_an_estimate_stays_labelled(tmp_path: Path) -> None:
    """The energy method is a column, so that the file is labelled wherever it goes."""
    folder = study_with_power(
        tmp_path / "watch", sample("setup01_seed0", 0.0, 61.0), sample("setup01_seed0", 0.1, 61.0)
    )

    (file,) = write_power_logs(load(folder))

    assert set(pd.read_csv(file)["method"]) == {"estimated"}


def test_names_of_trials_cannot_leave_the_folder(tmp_path: Path) -> None:
    """File names are made of trial names, which are untrusted data."""
    folder = study_with_power(
        tmp_path / "watch", sample("../../out", 0.0, 61.0), sample("../../out", 0.1, 61.0)
    )

    (file,) = write_power_logs(load(folder))

    assert file == folder / "power" / ".._.._out.csv"


def test_a_study_without_a_log_is_refused(tmp_path: Path) -> None:
    """Nothing is written, and the message names the missing file and the option to leave out."""
    folder = write_study(tmp_path / "watch", grid((64,), (0.1,)), [constant(1, 100.0, 0.9)])

    with pytest.raises(AnalysisError, match=r"power\.parquet is missing.*--power-csv"):
        write_power_logs(load(folder))

    assert not (folder / "power").exists()


def test_the_command_writes_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--power-csv` prints how many files it wrote, and where."""
    folder = study_with_power(
        tmp_path / "watch", sample("setup01_seed0", 0.0, 61.0), sample("setup01_seed0", 0.1, 61.0)
    )

    status = main([str(folder), "--no-report", "--power-csv"])

    assert status == 0
    assert f"Power log: 1 file in {folder / 'power'}" in capsys.readouterr().out
    assert (folder / "power" / "setup01_seed0.csv").is_file()
