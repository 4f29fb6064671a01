"""Decoding of images into one array, in parallel; damaged images are named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from study.data.celeba.images import decode
from study.data.progress import progress_to
from study.errors import DataError
from tests.study.data.celeba.celeba_files import colour_image


def write_images(folder: Path, count: int) -> list[Path]:
    """Write `count` images, whose red encodes their number; returns their paths."""
    paths = [folder / f"{number:06d}.jpg" for number in range(1, count + 1)]
    for number, path in enumerate(paths, start=1):
        colour_image(number).save(path, quality=95)
    return paths


@pytest.mark.parametrize("threads", [1, 3])
def test_images_stay_in_order(tmp_path: Path, threads: int) -> None:
    """Image n is at place n, channels first, red before green before blue."""
    pixels = decode(write_images(tmp_path, 80), 32, threads=threads)

    assert pixels.shape == (80, 3, 32, 32)
    assert pixels.dtype == np.uint8
    expected = np.array([[3 * number, 100, 200] for number in range(1, 81)])
    np.testing.assert_allclose(pixels.mean(axis=(2, 3)), expected, atol=1.4)


def test_the_whole_image_is_kept(tmp_path: Path) -> None:
    """The top and the bottom of a portrait stay in sight."""
    image = Image.new("RGB", (178, 218), "white")
    image.paste("black", (0, 0, 178, 16))
    image.paste("black", (0, 202, 178, 218))
    image.save(tmp_path / "a.jpg")

    pixels = decode([tmp_path / "a.jpg"], 64)[0].mean(axis=(0, 2))

    assert pixels[1] < 30
    assert pixels[-2] < 30
    assert pixels[32] > 220


def test_small_and_large_sizes_agree(tmp_path: Path) -> None:
    """The shortcut of decoding at a reduced size changes almost nothing."""
    ramp = np.linspace(0, 255, 178, dtype=np.uint8)[np.newaxis, :].repeat(218, axis=0)
    Image.fromarray(ramp).convert("RGB").save(tmp_path / "a.jpg", quality=95)

    small = decode([tmp_path / "a.jpg"], 32)[0].astype(int)
    large = decode([tmp_path / "a.jpg"], 128)[0].astype(int)

    halved = large.reshape(3, 32, 4, 32, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(small, halved, atol=4)


def test_a_grey_image_gets_three_channels(tmp_path: Path) -> None:
    """A jpg without colour is an image like any other."""
    Image.new("L", (92, 112), 77).save(tmp_path / "a.jpg")

    pixels = decode([tmp_path / "a.jpg"], 32)

    np.testing.assert_allclose(pixels, 77, atol=2)


@pytest.mark.parametrize("kept_bytes", [0, 10, 600])
def test_a_damaged_image_is_named(tmp_path: Path, kept_bytes: int) -> None:
    """It may be empty, without a complete header, or cut off; the message says what to do."""
    paths = write_images(tmp_path, 5)
    whole = paths[3].read_bytes()
    assert len(whole) > 700
    paths[3].write_bytes(whole[:kept_bytes])

    with pytest.raises(DataError) as caught:
        decode(paths, 32)

    assert str(caught.value).startswith(f"{paths[3]}: no image, or a damaged one (")
    assert str(caught.value).endswith("). Unpack this file again")
    assert len(str(caught.value).splitlines()) == 1


def test_not_all_of_many_damaged_images_are_listed(tmp_path: Path) -> None:
    """The message lists ten, and the number of the others."""
    paths = write_images(tmp_path, 40)
    for path in paths[:33]:
        path.write_bytes(b"no image")

    with pytest.raises(DataError) as caught:
        decode(paths, 32)

    lines = str(caught.value).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and 23 more damaged images"


def test_progress_is_reported(tmp_path: Path) -> None:
    """A listener sees how far the decoding is, up to its end."""
    reported: list[str] = []
    with progress_to(reported.append):
        decode(write_images(tmp_path, 70), 32)
    decode(write_images(tmp_path, 5), 32)

    assert reported == [f"decoding images: {done} of 70" for done in (32, 64, 70)]
