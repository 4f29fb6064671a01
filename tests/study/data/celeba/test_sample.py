"""The drawn sample of CelebA: real format, and the same files for the same seed."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.data.celeba import format as form
from study.data.celeba.people import BEARD
from study.data.celeba.reader import choose_identities, read_attributes, read_identities
from study.data.celeba.sample import write_sample
from study.errors import OptionError


def digests(folder: Path) -> dict[str, str]:
    """Digest of each file by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample."""
    return write_sample(tmp_path_factory.mktemp("sample"), images=6, seed=3)


@pytest.mark.slow
def test_it_has_the_format_of_the_real_set(sample: Path) -> None:
    """Sizes, names and line ends are those of CelebA."""
    lists = [form.IDENTITY_LIST, form.ATTRIBUTE_LIST, form.PARTITION_LIST]

    with Image.open(sample / form.IMAGE_FOLDER / "000001.jpg") as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (178, 218), "RGB")
    for name in lists:
        content = (sample / name).read_bytes()
        assert content.count(b"\n") == content.count(b"\r\n") > 200
    assert form.find_layout(sample).synthetic


@pytest.mark.slow
def test_forty_identities_stand_out(sample: Path) -> None:
    """There are more identities than are chosen, so that the choice is tested; those have fewer images."""
    identities = read_identities(sample / form.IDENTITY_LIST)

    chosen = choose_identities(identities)

    images_of = Counter(identities.values())
    assert len(images_of) == 44
    assert {images_of[identity] for identity in chosen} <= {6, 7}
    assert max(images_of[who] for who in images_of if who not in chosen) < 6


@pytest.mark.slow
def test_attributes_match_the_images(sample: Path) -> None:
    """Images of people with a hat are darker there, as a hat is darker than any background."""
    identities = read_identities(sample / form.IDENTITY_LIST)
    attributes = read_attributes(sample / form.ATTRIBUTE_LIST, identities)
    hat = form.ATTRIBUTES.index("Wearing_Hat")
    tops: dict[int, list[float]] = {0: [], 1: []}
    for name, shows in attributes.items():
        with Image.open(sample / form.IMAGE_FOLDER / name) as image:
            tops[int(shows[hat])].append(float(np.asarray(image)[30:60, 60:118].mean()))

    assert len(tops[1]) > 5
    assert np.mean(tops[1]) < np.mean(tops[0]) - 20


def test_attributes_do_not_contradict_each_other(sample: Path) -> None:
    """No beard means none of the beards; a bald head has no hair to describe."""
    identities = read_identities(sample / form.IDENTITY_LIST)

    for shows in read_attributes(sample / form.ATTRIBUTE_LIST, identities).values():
        named = dict(zip(form.ATTRIBUTES, shows.tolist(), strict=True))
        assert named["No_Beard"] == (not any(named[name] for name in BEARD))
        assert not (named["Straight_Hair"] and named["Wavy_Hair"])
        if named["Bald"]:
            assert not any(named[name] for name in ("Bangs", "Gray_Hair", "Wavy_Hair"))


@pytest.mark.slow
def test_the_seed_decides_every_byte(tmp_path: Path, sample: Path) -> None:
    """The same seed and size give the same files, another seed others."""
    same = write_sample(tmp_path / "same", images=6, seed=3)
    other = write_sample(tmp_path / "other", images=6, seed=4)

    first = digests(sample)

    assert digests(same) == first
    faces = f"{form.IMAGE_FOLDER}/000001.jpg"
    assert digests(other)[faces] != first[faces]


@pytest.mark.slow
def test_a_sample_may_be_overwritten(tmp_path: Path) -> None:
    """A folder that was written before is written anew, without leftovers."""
    write_sample(tmp_path, images=3)
    before = len(list((tmp_path / form.IMAGE_FOLDER).iterdir()))

    write_sample(tmp_path, images=2)

    images = list((tmp_path / form.IMAGE_FOLDER).iterdir())
    assert len(images) == len(read_identities(tmp_path / form.IDENTITY_LIST)) < before


def test_real_data_are_never_overwritten(tmp_path: Path) -> None:
    """A folder without the marker is left alone."""
    (tmp_path / "list_attr_celeba.txt").write_text("mine")

    with pytest.raises(OptionError, match="may hold real data"):
        write_sample(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["list_attr_celeba.txt"]


@pytest.mark.parametrize(("identities", "images"), [(39, 30), (40, 1)])
def test_a_sample_that_could_not_be_used_is_refused(
    tmp_path: Path, identities: int, images: int
) -> None:
    """Nothing is written that the reader would refuse."""
    with pytest.raises(OptionError, match=f"--identities is {identities} and --images is {images}"):
        write_sample(tmp_path / "new", identities=identities, images=images)

    assert not (tmp_path / "new").exists()


def test_exactly_forty_identities_are_enough(tmp_path: Path) -> None:
    """The smallest sample has two images each."""
    write_sample(tmp_path, identities=40, images=2)

    identities = read_identities(tmp_path / form.IDENTITY_LIST)

    assert set(Counter(identities.values()).values()) == {2}
