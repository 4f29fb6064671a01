"""The folder that a training is saved in."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from study.callbacks.claim import claim_folder
from study.errors import StorageError
from study.record.files import MANIFEST_FILE


def test_a_folder_without_a_study_is_used(tmp_path: Path) -> None:
    """The folder may be new, or exist already, for example with the training's checkpoints."""
    (tmp_path / "mine").mkdir()

    assert claim_folder(tmp_path / "mine") == tmp_path / "mine"
    assert claim_folder(tmp_path / "new" / "mine") == tmp_path / "new" / "mine"


def test_an_existing_study_is_not_overwritten(tmp_path: Path) -> None:
    """The next training gets a folder beside it, with the first number that is free."""
    for name in ("mine", "mine-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / MANIFEST_FILE).touch()

    assert claim_folder(tmp_path / "mine") == tmp_path / "mine-3"


def test_jobs_that_end_at_once_get_a_folder_each(tmp_path: Path) -> None:
    """No two jobs claim the same folder, even before a file is written there."""
    with ThreadPoolExecutor(8) as jobs:
        folders = list(jobs.map(claim_folder, [tmp_path / "mine"] * 8))

    assert len(set(folders)) == 8


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """The message says that it is a file."""
    (tmp_path / "mine").touch()

    with pytest.raises(StorageError, match="mine is a file; give the name of a folder"):
        claim_folder(tmp_path / "mine")
