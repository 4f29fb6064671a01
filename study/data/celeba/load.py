"""Loading of CelebA from a folder into arrays: choice of identities, decoding, cache, split."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from study.data import cache
from study.data.celeba import format as form
from study.data.celeba import sample as celeba_sample
from study.data.celeba.images import decode
from study.data.celeba.options import IMAGE_SIZE
from study.data.celeba.reader import (
    choose_identities,
    missing_images,
    read_attributes,
    read_identities,
)
from study.data.sample_folder import sample_folder
from study.errors import DataError
from study.scenario import Arrays, Data

CACHE_VERSION = 1
"""To be increased whenever the same files and options give other arrays."""

VALIDATION_SHARE = 0.2

_Ints = npt.NDArray[np.int64]


def load(
    data_dir: Path,
    *,
    seed: int,
    image_size: int = IMAGE_SIZE,
    cache_dir: Path | None = None,
) -> Data:
    """Read the images of the 40 identities with most images, from a CelebA folder or from the cache.

    Args:
        data_dir: Folder with images and lists; see `study.data.celeba.format.find_layout`.
        seed: Seed of the split.
        image_size: Width and height of the images in the arrays, in pixels.
        cache_dir: Folder of the cache; None takes the user's cache folder.

    Returns:
        Inputs uint8 of shape (images, 3, image_size, image_size). Targets of shape (images, 41):
        in column 0 the class of the identity, from 0; then the 40 attributes, 0 or 1.

    Raises:
        DataError: The folder or a file in it is not as it should be.
    """
    layout = form.find_layout(data_dir)
    identities = read_identities(layout.identities)
    chosen = choose_identities(identities)
    class_of = {identity: number for number, identity in enumerate(chosen)}
    images = {name: class_of[who] for name, who in identities.items() if who in class_of}
    missing = missing_images(layout, list(images))
    if missing:
        raise DataError("\n".join(map(str, missing)))
    paths = [layout.images / name for name in images]
    word = cache.fingerprint(
        [layout.identities, layout.attributes, *paths], CACHE_VERSION, image_size
    )

    def read() -> list[npt.NDArray[Any]]:
        attributes = read_attributes(layout.attributes, images)
        targets = np.array([[images[name], *attributes[name]] for name in images], np.int64)
        return [decode(paths, image_size), targets]

    pixels, targets = cache.cached_arrays(f"celeba-{word}", 2, read, cache_dir=cache_dir)
    parts = split(targets[:, 0], seed=seed)
    train, val = (Arrays(inputs=pixels[part], targets=targets[part]) for part in parts)
    return Data(
        train=train,
        val=val,
        classes=tuple(f"identity {number}" for number in chosen),
        synthetic=layout.synthetic,
        description=_description(len(images), image_size, synthetic=layout.synthetic),
    )


def load_sample(*, seed: int, image_size: int = IMAGE_SIZE, cache_dir: Path | None = None) -> Data:
    """Load the built-in synthetic sample, which is drawn once into the cache folder, in the real format.

    If that folder cannot be written, the sample is drawn anew each time.
    """
    name = f"celeba-sample-{celeba_sample.GENERATOR_VERSION}"
    with sample_folder(name, celeba_sample.write_sample, cache_dir=cache_dir) as folder:
        return load(folder, seed=seed, image_size=image_size, cache_dir=cache_dir)


def split(classes: _Ints, *, seed: int) -> tuple[_Ints, _Ints]:
    """Split the images of each class into training and validation, four to one.

    Both parts have at least one image of each class. The split of a class does not depend on the other
    classes.

    Args:
        classes: Class of each image, at least two images each; shape (images,).
        seed: The same seed and classes give the same split.

    Returns:
        Indices of the training images and of the validation images, each ascending.
    """
    train, val = [], []
    for number in np.unique(classes):
        places = np.flatnonzero(classes == number)
        shuffled = np.random.default_rng([seed, int(number)]).permutation(places)
        held_out = max(1, round(VALIDATION_SHARE * len(places)))
        val.append(shuffled[:held_out])
        train.append(shuffled[held_out:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(val))


def _description(images: int, image_size: int, *, synthetic: bool) -> str:
    source = "synthetic data in the format of CelebA (faces are drawn)" if synthetic else "CelebA"
    return (
        f"{source}: {images:,} images of the {form.IDENTITIES} identities with most, at "
        f"{image_size} x {image_size} pixels; a fifth of each identity's validates"
    )
