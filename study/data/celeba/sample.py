"""Generator of a synthetic CelebA of any size, in the real on-disk format.

It exercises every part of the real reader: jpg files of 178 x 218 pixels, lists whose lines end with CR LF,
more identities than the 40 that are used, and ties in their numbers of images. The faces are drawn
(`study.data.celeba.faces`); nobody is depicted, and nothing about people can be learnt from them.
"""

from pathlib import Path

import numpy as np

from study.data.celeba import format as form
from study.data.celeba.faces import draw
from study.data.celeba.people import Person
from study.data.progress import report_progress
from study.errors import OptionError

GENERATOR_VERSION = 1
"""To be increased whenever the same seed gives other files."""

DEFAULT_IDENTITIES = 44
DEFAULT_IMAGES = 30
"""Smallest number of images of each of the 40 identities with most; in the real set these have 30 to 35."""

LEAST_IMAGES = 2
"""Smallest number allowed: one image for training and one for validation."""

_MOST_EXTRA = 5
_JPEG_QUALITY = 90
_REPORT_EVERY = 50


def write_sample(
    data_dir: Path,
    *,
    identities: int = DEFAULT_IDENTITIES,
    images: int = DEFAULT_IMAGES,
    seed: int = 0,
) -> Path:
    """Draw and write a data set.

    Args:
        data_dir: A new or empty folder, or one that this function wrote.
        identities: Number of identities, at least 40; those beyond 40 have fewer images, and a
            study leaves them out.
        images: Smallest number of images of each of the 40 identities with most; some have up to a sixth more.
        seed: Seed of the generator; the same seed and sizes give the same files.

    Returns:
        The folder.

    Raises:
        OptionError: Too few identities or images, or the folder cannot be written or holds other files.
    """
    if identities < form.IDENTITIES or images < LEAST_IMAGES:
        message = (
            f"--identities is {identities} and --images is {images}; allowed: "
            f"{form.IDENTITIES} identities or more with {LEAST_IMAGES} images or more each."
        )
        raise OptionError(message)
    try:
        _prepare(data_dir)
        rng = np.random.default_rng([seed, identities, images])
        whose = _whose_images(identities, images, rng)
        people = {
            number: Person.drawn_by(np.random.default_rng([seed, number]))
            for number in sorted({*whose})
        }
        rows = []
        for place, number in enumerate(whose, start=1):
            name = f"{place:06d}.jpg"
            image, shows = draw(people[number], np.random.default_rng([seed, number, place]))
            image.save(data_dir / form.IMAGE_FOLDER / name, quality=_JPEG_QUALITY)
            rows.append((name, number, [shows[attribute] for attribute in form.ATTRIBUTES]))
            if place % _REPORT_EVERY == 0:
                report_progress("drawing the sample", place, len(whose))
        _write_lists(data_dir, rows)
    except OSError as error:
        message = f"--data-dir: {data_dir} cannot be used: {error}. Choose another folder."
        raise OptionError(message) from error
    return data_dir


def _prepare(data_dir: Path) -> None:
    """Create the folder and mark it as synthetic, emptying one that this module wrote and refusing others."""
    marker = data_dir / form.SYNTHETIC_MARKER
    if data_dir.exists() and not marker.is_file() and any(data_dir.iterdir()):
        message = (
            f"--data-dir: {data_dir} holds files that are no synthetic sample and may hold real "
            "data. Choose a new or empty folder."
        )
        raise OptionError(message)
    folder = data_dir / form.IMAGE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text("Drawn by `python -m study.data sample celeba`; nobody is depicted.\n")
    for image in folder.glob("*.jpg"):
        image.unlink()


def _whose_images(identities: int, images: int, rng: np.random.Generator) -> list[int]:
    """Return the identity of each image in the order of the files: shuffled, as in the real set."""
    # Identity numbers with gaps, as if others had been removed from the set.
    numbers = np.sort(rng.choice(np.arange(1, 20 * identities), identities, replace=False))
    extra = np.minimum(rng.geometric(0.5, size=form.IDENTITIES) - 1, min(_MOST_EXTRA, images // 6))
    fewer = rng.integers(1, images, size=identities - form.IDENTITIES)
    counts = rng.permutation(np.concatenate([images + extra, fewer]))
    return [int(number) for number in rng.permutation(np.repeat(numbers, counts))]


def _write_lists(data_dir: Path, rows: list[tuple[str, int, list[bool]]]) -> None:
    identities = [f"{name} {number}" for name, number, _ in rows]
    attributes = [
        str(len(rows)),
        # As in the real list, the header ends with a space and the numbers are aligned in columns.
        " ".join(form.ATTRIBUTES) + " ",
        *(f"{name} {' '.join(f'{1 if on else -1:2d}' for on in shows)}" for name, _, shows in rows),
    ]
    # The official split has 0 for training, 1 for validation and 2 for test, by identity.
    partition = [f"{name} {max(0, number % 10 - 7)}" for name, number, _ in rows]
    for file, lines in (
        (form.IDENTITY_LIST, identities),
        (form.ATTRIBUTE_LIST, attributes),
        (form.PARTITION_LIST, partition),
    ):
        (data_dir / file).write_bytes("".join(f"{line}\r\n" for line in lines).encode())
