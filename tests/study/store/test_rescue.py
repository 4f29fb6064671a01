"""Rows of a study whose storage stays away to the end: where they go, and who finds them there."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.read.load import load
from study.errors import StorageError
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, WINDOWS_FILE
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
    """The machine's own disk is a folder of this test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def folder(tmp_path: Path) -> StudyFolder:
    """The folder of study `s`."""
    return StudyFolder(str(tmp_path), "s")


@pytest.fixture
def lost(tmp_path: Path) -> Recorder:
    """A study of which one epoch is on storage, and a second one, with all else, is not."""
    begun = recorder(tmp_path)
    begun.expect([plan()])
    begun.add(epoch(1, 10.0))
    begun.flush()
    folder(tmp_path).write_text(MANIFEST_FILE, MANIFEST.to_json())
    begun.add(epoch(2, 20.0, stop=StopReason.PATIENCE))
    power = BookedPower(device_uuid="GPU-1", unix_time_s=1.0, power_w=5.0, key=None)
    begun.add_booking(booking(booked(TRIAL, 0, 33.0), power=(power,)))
    return begun


def epochs_j(tmp_path: Path) -> list[float]:
    """The energies that lie in the study's folder."""
    return [row["epoch_energy_j"] for row in folder(tmp_path).read_rows(EPOCHS_FILE)]


def test_a_study_goes_on_with_the_rows_that_its_storage_did_not_take(
    tmp_path: Path, lost: Recorder, own_disk: Path
) -> None:
    """`--resume` puts all tables back, and then nothing is left on the machine's disk."""
    said = rescue(folder(tmp_path), lost, MANIFEST)
    before = epochs_j(tmp_path)

    found = take_back(folder(tmp_path), MANIFEST)

    power = pd.read_parquet(tmp_path / "s" / "power.parquet")
    (trial,) = recorder(tmp_path).trials() or lost.trials()
    assert str(own_disk) in said
    assert "--resume" in said
    assert before == [10.0]
    assert epochs_j(tmp_path) == [10.0, 20.0]
    assert found is not None
    assert found.startswith("1 epochs")
    assert list(power["power_w"]) == [5.0]
    assert trial.energy_j == 30.0
    assert rescued(folder(tmp_path).place) == ()
    assert take_back(folder(tmp_path), MANIFEST) is None


def test_each_process_of_a_trial_keeps_its_part_of_a_shared_device(
    tmp_path: Path, lost: Recorder
) -> None:
    """Two that train together on one machine have each booked the same CPU: both come back."""
    together = plan(trial_id=part_of(plan().trial_id, f"{WORKER}1"))
    lost.add_booking(booking(booked(TRIAL, 0, 5.0, of=together)))
    rescue(folder(tmp_path), lost, MANIFEST)

    take_back(folder(tmp_path), MANIFEST)

    windows = folder(tmp_path).read_rows(WINDOWS_FILE)
    assert sorted((row["worker"], row["energy_j"]) for row in windows) == [(0, 33.0), (1, 5.0)]


def test_an_analysis_finds_them_too(tmp_path: Path, lost: Recorder) -> None:
    """Before the storage is mended, and says where they come from."""
    rescue(folder(tmp_path), lost, replace(MANIFEST, status="finished"))

    study = load(tmp_path / "s")

    assert list(study.epochs["epoch_energy_j"]) == [10.0, 20.0]
    assert list(study.trials["energy_j"]) == [30.0]
    assert study.manifest.status == "finished"
    assert any("storage was away" in note for note in study.notes)


def test_rows_of_a_deleted_study_are_left_alone(tmp_path: Path, lost: Recorder) -> None:
    """Another study of that name in that place is another study."""
    rescue(folder(tmp_path), lost, MANIFEST)
    later = replace(MANIFEST, started_at="2026-02-02T00:00:00+00:00")
    folder(tmp_path).write_text(MANIFEST_FILE, later.to_json())

    assert take_back(folder(tmp_path), later) is None
    assert list(load(tmp_path / "s").epochs["epoch_energy_j"]) == [10.0]


def test_a_study_that_has_gone_on_elsewhere_keeps_its_own_rows(
    tmp_path: Path, lost: Recorder
) -> None:
    """An attempt of which the folder has other rows meanwhile is not mixed with the rescued one."""
    rescue(folder(tmp_path), lost, MANIFEST)
    elsewhere = recorder(tmp_path)
    elsewhere.add(epoch(2, 7.0))
    elsewhere.flush()

    shown = list(load(tmp_path / "s").epochs["epoch_energy_j"])
    take_back(folder(tmp_path), MANIFEST)

    assert shown == [10.0, 7.0]
    assert epochs_j(tmp_path) == [10.0, 7.0]


def test_a_disk_that_takes_nothing_is_passed_over(tmp_path: Path, lost: Recorder) -> None:
    """The home may be full as well: the next place is tried, and where there is none it is said."""
    full, other = tmp_path / "full", tmp_path / "other"
    full.write_text("in the way")

    said = rescue(folder(tmp_path), lost, MANIFEST, roots=[full, other])
    nowhere = rescue(folder(tmp_path), lost, MANIFEST, roots=[full])

    assert str(other) in said
    assert "--resume" in nowhere
    assert "All rows" not in nowhere
    assert (other.stat().st_mode & 0o777) == 0o700


def test_a_folder_that_another_user_has_put_there_is_not_read(tmp_path: Path) -> None:
    """The folder for temporary files is everybody's; a link is nobody's word either."""
    place = folder(tmp_path).place
    root = rescue_roots()[0]
    root.mkdir(parents=True)
    (tmp_path / "theirs").mkdir()
    (root / rescue_name(place)).symlink_to(tmp_path / "theirs")

    assert rescued(place) == ()


def test_a_storage_that_is_still_away_is_said(tmp_path: Path, lost: Recorder) -> None:
    """Then the rows stay on the machine's disk."""
    rescue(folder(tmp_path), lost, MANIFEST)
    (tmp_path / "s" / f".{EPOCHS_FILE}.new").mkdir()

    with pytest.raises(StorageError, match="cannot be written"):
        take_back(folder(tmp_path), MANIFEST)

    assert len(rescued(folder(tmp_path).place)) == 1


def test_who_has_no_home_has_one_place_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user that is in no list of users: each analysis looks here."""
    monkeypatch.delenv("XDG_STATE_HOME")

    def home() -> Path:
        message = "Could not determine home directory."
        raise RuntimeError(message)

    assert rescue_roots(home) == rescue_roots()[1:]
