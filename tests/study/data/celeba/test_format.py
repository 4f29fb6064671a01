"""The parts of CelebA: found in every known layout, and named if they are missing."""

import shutil
from pathlib import Path

import pytest

from study.data.celeba import format as form
from study.errors import DataError
from tests.study.data.celeba.celeba_files import write_folder

LAYOUTS = {
    "one folder": {},
    "torchvision": dict.fromkeys(
        (form.IMAGE_FOLDER, form.IDENTITY_LIST, form.ATTRIBUTE_LIST), "celeba"
    ),
    "published": {
        form.IMAGE_FOLDER: "CelebA/Img",
        form.IDENTITY_LIST: "CelebA/Anno",
        form.ATTRIBUTE_LIST: "CelebA/Anno",
        form.PARTITION_LIST: "CelebA/Eval",
    },
    "unpacked into a folder of its name": {form.IMAGE_FOLDER: form.IMAGE_FOLDER},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_known_layouts_are_found(tmp_path: Path, layout: str) -> None:
    """Data that were downloaded for another program need not be moved."""
    flat = write_folder(tmp_path / "flat", {1: 1})
    (flat / form.PARTITION_LIST).write_text("")
    for part in list(flat.iterdir()):
        target = tmp_path / "data" / LAYOUTS[layout].get(part.name, "")
        target.mkdir(parents=True, exist_ok=True)
        shutil.move(part, target / part.name)

    found = form.find_layout(tmp_path / "data")

    assert (found.images / "000001.jpg").is_file()
    assert found.identities.name == form.IDENTITY_LIST
    assert found.attributes.name == form.ATTRIBUTE_LIST
    assert (found.partition is None) == (layout == "torchvision")
    assert not found.synthetic


@pytest.mark.parametrize("part", [form.IDENTITY_LIST, form.ATTRIBUTE_LIST])
def test_a_missing_list_is_named(tmp_path: Path, part: str) -> None:
    """The message names it, and says where to get it and what to run then."""
    (write_folder(tmp_path, {1: 1}) / part).unlink()

    with pytest.raises(DataError) as caught:
        form.find_layout(tmp_path)

    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: lacks {part}. CelebA is shared by a form and a drive")
    assert form.HOME in message
    assert "study.data check celeba" in message


def test_the_attribute_list_of_kaggle_is_found(tmp_path: Path) -> None:
    """It may lie beside the list of identities, which Kaggle lacks, and Kaggle's nested folders of images."""
    write_folder(tmp_path, {1: 1})
    (tmp_path / form.ATTRIBUTE_LIST).rename(tmp_path / form.KAGGLE_ATTRIBUTE_LIST)
    inner = tmp_path / form.IMAGE_FOLDER / form.IMAGE_FOLDER
    inner.mkdir()
    (inner.parent / "000001.jpg").rename(inner / "000001.jpg")

    found = form.find_layout(tmp_path)

    assert found.attributes.name == form.KAGGLE_ATTRIBUTE_LIST
    assert found.images == inner


def test_a_list_under_another_name_is_noticed(tmp_path: Path) -> None:
    """A second suffix or other capitals: the message names the file that is there."""
    write_folder(tmp_path, {1: 1})
    other = (tmp_path / form.IDENTITY_LIST).rename(tmp_path / "identity_celeba.txt.txt")

    with pytest.raises(DataError, match=f"{other} is there: .* name it {form.IDENTITY_LIST}"):
        form.find_layout(tmp_path)


def test_a_zip_that_was_not_unpacked_is_noticed(tmp_path: Path) -> None:
    """The message says that the archive must be unpacked."""
    shutil.rmtree(write_folder(tmp_path, {1: 1}) / form.IMAGE_FOLDER)
    (tmp_path / "Img").mkdir()
    (tmp_path / "Img" / "img_align_celeba.zip").write_text("")

    with pytest.raises(DataError, match=r"lacks img_align_celeba\. .*celeba\.zip must be unpacked"):
        form.find_layout(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A wrong path is not taken for an empty data set."""
    with pytest.raises(DataError, match="is no folder; expected is one with img_align_celeba, id"):
        form.find_layout(tmp_path / "nowhere")


def test_the_attributes_are_the_forty_of_celeba() -> None:
    """Forty different names, in alphabetical order as in the published header."""
    names = form.ATTRIBUTES

    assert len(set(names)) == 40
    assert list(names) == sorted(names)
