"""Where a training is kept."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from study.callbacks.claim import claim_folder
from study.errors import StorageError
from study.record.files import MANIFEST_FILE


def test_a_folder_without_a_study_is_taken(tmp_path: Path) -> None:
    """Also where it is there already, for checkpoints of the training's own."""
    (tmp_path / "mine").mkdir()

    assert claim_folder(tmp_path / "mine") == tmp_path / "mine"
    assert claim_folder(tmp_path / "new" / "mine") == tmp_path / "new" / "mine"


def test_a_study_that_is_there_stays(tmp_path: Path) -> None:
    """The next one lies beside it."""
    for name in ("mine", "mine-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / MANIFEST_FILE).touch()

    assert claim_folder(tmp_path / "mine") == tmp_path / "mine-3"


def test_jobs_that_end_at_once_get_a_folder_each(tmp_path: Path) -> None:
    """Before any of them has written a file."""
    with ThreadPoolExecutor(8) as jobs:
        places = list(jobs.map(claim_folder, [tmp_path / "mine"] * 8))

    assert len(set(places)) == 8


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    """With what it is."""
    (tmp_path / "mine").touch()

    with pytest.raises(StorageError, match="mine is a file; give the name of a folder"):
        claim_folder(tmp_path / "mine")
