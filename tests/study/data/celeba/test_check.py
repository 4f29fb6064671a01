"""`check`, which finds all faults of a folder at once."""

import hashlib
import shutil
from pathlib import Path

import pytest

from study.data.celeba import format as form
from study.data.celeba.check import check
from study.errors import DataError
from tests.study.data.celeba.celeba_files import TWO_EACH, write_folder


def test_a_good_folder_has_no_fault(tmp_path: Path) -> None:
    """It says how many images a study takes, and that the lists are not the published ones."""
    write_folder(tmp_path, {**TWO_EACH, 41: 4, 900: 1})

    report = check(tmp_path)

    assert report.faults == ()
    assert (report.images, report.chosen, report.most, report.fewest) == (85, 82, 4, 2)
    assert report.origin == "not the published lists: their md5 differ"


def test_all_faults_are_found_at_once(tmp_path: Path) -> None:
    """Damaged images, missing images and damaged lists are reported together."""
    write_folder(tmp_path)
    (tmp_path / form.IMAGE_FOLDER / "000080.jpg").unlink()
    (tmp_path / form.IMAGE_FOLDER / "000003.jpg").write_bytes(b"no image")
    attributes = tmp_path / form.ATTRIBUTE_LIST
    attributes.write_text(attributes.read_text().replace("000009.jpg  1", "000009.jpg"))

    report = check(tmp_path)

    assert len(report.faults) == 3
    assert "line 11: 39 attributes instead of 40" in report.faults[0]
    assert "1 of 80 images are missing: 000080.jpg" in report.faults[1]
    assert "000003.jpg: no image" in report.faults[2]


def test_missing_images_are_reported(tmp_path: Path) -> None:
    """The set is incomplete even without an image of a person that no study uses."""
    write_folder(tmp_path, {**TWO_EACH, 900: 1})
    (tmp_path / form.IMAGE_FOLDER / "000081.jpg").unlink()

    report = check(tmp_path)

    assert len(report.faults) == 1
    assert "1 of 81 images are missing: 000081.jpg" in report.faults[0]


def test_too_few_identities_are_a_fault(tmp_path: Path) -> None:
    """A folder that no study can use is not called good."""
    write_folder(tmp_path, {1: 2})

    report = check(tmp_path)

    assert len(report.faults) == 1
    assert "1 identities; 40 are needed" in report.faults[0]


def test_published_lists_are_recognised(tmp_path: Path) -> None:
    """Lists with the published checksums are called genuine; one of them alone is not enough."""
    write_folder(tmp_path)
    sums = {
        name: hashlib.md5((tmp_path / name).read_bytes(), usedforsecurity=False).hexdigest()
        for name in (form.IDENTITY_LIST, form.ATTRIBUTE_LIST)
    }

    whole = check(tmp_path, published=sums)
    half = check(tmp_path, published={**sums, form.ATTRIBUTE_LIST: "0"})

    assert whole.origin.startswith("genuine lists")
    assert half.origin.startswith("not the published lists")


def test_a_missing_part_is_an_error(tmp_path: Path) -> None:
    """Without images there is nothing to check."""
    shutil.rmtree(write_folder(tmp_path) / form.IMAGE_FOLDER)

    with pytest.raises(DataError, match="lacks img_align_celeba"):
        check(tmp_path)
