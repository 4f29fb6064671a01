"""Loading of CelebA: choice of identities, split within each of them, and cache."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.data.celeba import format as form
from study.data.celeba import load as celeba
from study.data.celeba import sample as celeba_sample
from study.errors import DataError
from study.scenario import Data
from tests.study.data.celeba.celeba_files import TWO_EACH, attributes_of, write_folder

SIX_EACH = dict.fromkeys(range(100, 140), 6)


def _load(data_dir: Path, cache_dir: Path, *, seed: int = 0) -> Data:
    return celeba.load(data_dir, seed=seed, image_size=32, cache_dir=cache_dir)


def _numbers(data: Data, part: str) -> list[int]:
    """The number of each image, which its red encodes."""
    inputs = getattr(data, part).inputs
    return [round(float(red) / 3) for red in inputs[:, 0].mean(axis=(1, 2))]


def test_identities_and_attributes_become_targets(tmp_path: Path) -> None:
    """Column 0 is the class, the others are the attributes of the same image."""
    write_folder(tmp_path / "data", {**TWO_EACH, 500: 1, 77: 3})

    data = _load(tmp_path / "data", tmp_path / "cache")

    assert data.train.inputs.shape == (41, 3, 32, 32)
    assert data.train.inputs.dtype == np.uint8
    assert data.val.targets.shape == (40, 41)
    assert data.train.targets.dtype == np.int64
    assert data.classes == tuple(f"identity {n}" for n in (*range(1, 40), 77))
    for number, target in zip(_numbers(data, "train")[:39], data.train.targets, strict=False):
        assert data.classes[target[0]] == f"identity {(number + 1) // 2}"
        expected = [value == 1 for value in attributes_of(f"{number}.jpg")]
        assert target[1:].astype(bool).tolist() == expected


def test_each_identity_is_split_separately(tmp_path: Path) -> None:
    """Of the six images of each identity, one is for validation and five are for training."""
    write_folder(tmp_path / "data", SIX_EACH)

    data = _load(tmp_path / "data", tmp_path / "cache")

    assert np.bincount(data.train.labels).tolist() == [5] * 40
    assert np.bincount(data.val.labels).tolist() == [1] * 40
    assert data.facts().chance_accuracy == 1 / 40


def test_the_seed_decides_the_split(tmp_path: Path) -> None:
    """The same seed gives the same parts, another seed others, of the same images."""
    write_folder(tmp_path / "data", SIX_EACH)

    first, again, other = (
        _load(tmp_path / "data", tmp_path / "cache", seed=seed) for seed in (0, 0, 1)
    )

    assert first.facts() == again.facts()
    assert first.facts().fingerprint != other.facts().fingerprint
    assert len(list((tmp_path / "cache").iterdir())) == 1


@given(
    counts=st.lists(st.integers(2, 40), min_size=1, max_size=12),
    seed=st.integers(0, 2**31 - 1),
)
def test_a_split_is_stratified(counts: list[int], seed: int) -> None:
    """Each class gives a fifth, rounded, and at least one image to each part."""
    classes = np.repeat(np.arange(len(counts)), counts)

    train, val = celeba.split(classes, seed=seed)

    assert sorted([*train, *val]) == list(range(len(classes)))
    held_out = np.bincount(classes[val], minlength=len(counts))
    assert held_out.tolist() == [max(1, round(count / 5)) for count in counts]


def test_the_split_of_a_class_does_not_depend_on_the_others() -> None:
    """Further images of one person do not move the images of another."""
    few = np.array([0] * 10 + [1] * 10)
    more = np.array([0] * 10 + [1] * 25)

    of_few, of_more = (celeba.split(classes, seed=3)[1] for classes in (few, more))

    assert [place for place in of_few if place < 10] == [place for place in of_more if place < 10]


def test_the_cache_avoids_decoding(tmp_path: Path) -> None:
    """If size and time of the files are unchanged, the second load does not read the images."""
    write_folder(tmp_path / "data")
    first = _load(tmp_path / "data", tmp_path / "cache")
    path = tmp_path / "data" / form.IMAGE_FOLDER / "000001.jpg"
    facts = path.stat()
    path.write_bytes(b"x" * facts.st_size)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    second = _load(tmp_path / "data", tmp_path / "cache")

    assert first.facts() == second.facts()


def test_a_changed_image_is_decoded_again(tmp_path: Path) -> None:
    """Changed content, with its time of change, leads to other arrays."""
    write_folder(tmp_path / "data")
    before = _load(tmp_path / "data", tmp_path / "cache")
    (tmp_path / "data" / form.IMAGE_FOLDER / "000002.jpg").write_bytes(
        (tmp_path / "data" / form.IMAGE_FOLDER / "000080.jpg").read_bytes()
    )

    after = _load(tmp_path / "data", tmp_path / "cache")

    numbers = sorted(_numbers(after, "train") + _numbers(after, "val"))
    assert before.facts().fingerprint != after.facts().fingerprint
    assert numbers[-2:] == [80, 80]


def test_sizes_have_caches_of_their_own(tmp_path: Path) -> None:
    """Another image size, even an odd one, is not loaded from the cache of the first."""
    write_folder(tmp_path / "data")
    _load(tmp_path / "data", tmp_path / "cache")

    sizes = [
        celeba.load(
            tmp_path / "data", seed=0, image_size=33, cache_dir=tmp_path / "cache"
        ).train.inputs.shape
        for _ in range(2)
    ]

    assert sizes == [(40, 3, 33, 33)] * 2


def test_faults_are_reported_and_nothing_is_cached(tmp_path: Path) -> None:
    """A damaged image stops the loading, and so does a missing one."""
    write_folder(tmp_path / "data")
    images = tmp_path / "data" / form.IMAGE_FOLDER
    (images / "000007.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"000007\.jpg: no image, or a damaged one"):
        _load(tmp_path / "data", tmp_path / "cache")
    (images / "000007.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 80 images are missing: 000007\.jpg"):
        _load(tmp_path / "data", tmp_path / "cache")

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("part", [form.IDENTITY_LIST, form.ATTRIBUTE_LIST])
def test_a_damaged_list_stops_the_loading(tmp_path: Path, part: str) -> None:
    """The message names its file, and nothing is cached."""
    path = write_folder(tmp_path / "data") / part
    path.write_text(path.read_text() + "000081.jpg\n")

    with pytest.raises(DataError, match=re.escape(f"{path}, line ")):
        _load(tmp_path / "data", tmp_path / "cache")

    assert not (tmp_path / "cache").exists()


def test_the_marker_makes_it_synthetic(tmp_path: Path) -> None:
    """A folder is synthetic if and only if it has the marker, and the description says so."""
    write_folder(tmp_path / "data")
    real = _load(tmp_path / "data", tmp_path / "cache")
    (tmp_path / "data" / form.SYNTHETIC_MARKER).write_text("")

    made = _load(tmp_path / "data", tmp_path / "cache")

    assert (real.synthetic, made.synthetic) == (False, True)
    assert made.description.startswith("synthetic data")
    assert "synthetic" not in real.description


@pytest.mark.slow
def test_the_built_in_sample_is_drawn_once(tmp_path: Path) -> None:
    """It goes through the real reader, has the size of the real set, and is kept for the next time."""
    first = celeba.load_sample(seed=0, image_size=32, cache_dir=tmp_path)
    folder = tmp_path / f"celeba-sample-{celeba_sample.GENERATOR_VERSION}"
    drawn = (folder / form.IMAGE_FOLDER / "000001.jpg").stat().st_mtime_ns

    second = celeba.load_sample(seed=0, image_size=32, cache_dir=tmp_path)

    assert first.synthetic
    assert 1200 <= len(first.train) + len(first.val) <= 1300
    assert first.facts() == second.facts()
    assert (folder / form.IMAGE_FOLDER / "000001.jpg").stat().st_mtime_ns == drawn
    assert not list(tmp_path.glob("*.part"))
