"""Rescue of a study's rows to the machine's own disk when its storage stays unavailable to the end."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.read.load import load
from study.errors import StorageError
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE, WINDOWS_FILE
from study.record.rescue import rescue_name, rescue_roots, rescued
from study.record.vocabulary import StopReason
from study.store.folder import StudyFolder
from study.store.parts import WORKER, part_of
from study.store.recorder import Recorder
from study.store.rescue import rescue, take_back
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import booked, epoch, plan
from tests.study.store.recorders import booking, recorder
from trackers.node.ledger import TRIAL, BookedPower


@pytest.fixture(autouse=True)
def own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this test that stands for the machine's own disk."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def folder(tmp_path: Path) -> StudyFolder:
    """The folder of study `s`."""
    return StudyFolder(str(tmp_path), "s")


@pytest.fixture
def unflushed(tmp_path: Path) -> Recorder:
    """A recorder whose first epoch is on storage; a second epoch, a window and a power sample are not yet."""
    kept = recorder(tmp_path)
    kept.expect([plan()])
    kept.add(epoch(1, 10.0))
    kept.flush()
    folder(tmp_path).write_text(MANIFEST_FILE, MANIFEST.to_json())
    kept.add(epoch(2, 20.0, stop=StopReason.PATIENCE))
    power = BookedPower(device_uuid="GPU-1", unix_time_s=1.0, power_w=5.0, key=None)
    kept.add_booking(booking(booked(TRIAL, 0, 33.0), power=(power,)))
    return kept


def epochs_j(tmp_path: Path) -> list[float]:
    """Energies of the epochs in the study's folder."""
    return [row["epoch_energy_j"] for row in folder(tmp_path).read_rows(EPOCHS_FILE)]


def test_rescued_rows_are_taken_back(tmp_path: Path, unflushed: Recorder, own_disk: Path) -> None:
    """`--resume` moves all rescued rows into the study's tables, and leaves none on the machine's disk."""
    rescue_message = rescue(folder(tmp_path), unflushed, MANIFEST)
    before = epochs_j(tmp_path)

    message = take_back(folder(tmp_path), MANIFEST)

    power = pd.read_parquet(tmp_path / "s" / "power.parquet")
    resumed = recorder(tmp_path)
    resumed.expect([plan()])
    (trial,) = resumed.trials()
    (stored,) = folder(tmp_path).read_rows(TRIALS_FILE)
    assert str(own_disk) in rescue_message
    assert "--resume" in rescue_message
    assert before == [10.0]
    assert epochs_j(tmp_path) == [10.0, 20.0]
    assert message is not None
    assert message.startswith("1 epochs")
    assert list(power["power_w"]) == [5.0]
    assert trial.energy_j == stored["energy_j"] == 30.0
    assert [row["energy_j"] for row in folder(tmp_path).read_rows(WINDOWS_FILE)] == [33.0]
    assert rescued(folder(tmp_path).place) == ()
    assert take_back(folder(tmp_path), MANIFEST) is None


def test_each_process_of_a_trial_keeps_its_part_of_a_shared_device(
    tmp_path: Path, unflushed: Recorder
) -> None:
    """Two workers on one machine have each booked a share of the same CPU: both are taken back."""
    worker = plan(trial_id=part_of(plan().trial_id, f"{WORKER}1"))
    unflushed.add_booking(booking(booked(TRIAL, 0, 5.0, of=worker)))
    rescue(folder(tmp_path), unflushed, MANIFEST)

    take_back(folder(tmp_path), MANIFEST)

    windows = folder(tmp_path).read_rows(WINDOWS_FILE)
    assert sorted((row["worker"], row["energy_j"]) for row in windows) == [(0, 33.0), (1, 5.0)]


def test_an_analysis_reads_rescued_rows(tmp_path: Path, unflushed: Recorder) -> None:
    """It does so before they are taken back, and notes where they come from."""
    rescue(folder(tmp_path), unflushed, replace(MANIFEST, status="finished"))

    study = load(tmp_path / "s")

    assert list(study.epochs["epoch_energy_j"]) == [10.0, 20.0]
    assert list(study.trials["energy_j"]) == [30.0]
    assert study.manifest.status == "finished"
    assert any("storage was away" in note for note in study.notes)


def test_rows_of_a_deleted_study_are_left_alone(tmp_path: Path, unflushed: Recorder) -> None:
    """A later study with the same name and place does not get them."""
    rescue(folder(tmp_path), unflushed, MANIFEST)
    later = replace(MANIFEST, started_at="2026-02-02T00:00:00+00:00")
    folder(tmp_path).write_text(MANIFEST_FILE, later.to_json())

    assert take_back(folder(tmp_path), later) is None
    assert list(load(tmp_path / "s").epochs["epoch_energy_j"]) == [10.0]


def test_a_study_that_was_resumed_elsewhere_keeps_its_own_rows(
    tmp_path: Path, unflushed: Recorder
) -> None:
    """An attempt that has other rows in the folder by now is not mixed with its rescued rows."""
    rescue(folder(tmp_path), unflushed, MANIFEST)
    elsewhere = recorder(tmp_path)
    elsewhere.add(epoch(2, 7.0))
    elsewhere.flush()

    shown = list(load(tmp_path / "s").epochs["epoch_energy_j"])
    take_back(folder(tmp_path), MANIFEST)

    assert shown == [10.0, 7.0]
    assert epochs_j(tmp_path) == [10.0, 7.0]


def test_a_full_disk_is_skipped(tmp_path: Path, unflushed: Recorder) -> None:
    """If the first place cannot be written, the next is tried; if all fail, the message does not claim success."""
    full, other = tmp_path / "full", tmp_path / "other"
    full.write_text("in the way")

    message = rescue(folder(tmp_path), unflushed, MANIFEST, roots=[full, other])
    failure_message = rescue(folder(tmp_path), unflushed, MANIFEST, roots=[full])

    assert str(other) in message
    assert "--resume" in failure_message
    assert "All rows" not in failure_message
    assert (other.stat().st_mode & 0o777) == 0o700


def test_a_rescue_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    """The folder for temporary files is open to all users, so another user may have put it there."""
    place = folder(tmp_path).place
    root = rescue_roots()[0]
    root.mkdir(parents=True)
    (tmp_path / "theirs").mkdir()
    (root / rescue_name(place)).symlink_to(tmp_path / "theirs")

    assert rescued(place) == ()


def test_rescued_rows_stay_while_the_storage_is_unavailable(
    tmp_path: Path, unflushed: Recorder
) -> None:
    """Taking them back fails with an error, and the rows stay on the machine's disk."""
    rescue(folder(tmp_path), unflushed, MANIFEST)
    (tmp_path / "s" / f".{EPOCHS_FILE}.new").mkdir()

    with pytest.raises(StorageError, match="cannot be written"):
        take_back(folder(tmp_path), MANIFEST)

    assert len(rescued(folder(tmp_path).place)) == 1


def test_a_user_without_a_home_has_the_other_rescue_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user may be missing from the password file; every analysis looks up these places."""
    monkeypatch.delenv("XDG_STATE_HOME")

    def home() -> Path:
        message = "Could not determine home directory."
        raise RuntimeError(message)

    assert rescue_roots(home) == rescue_roots()[1:]
