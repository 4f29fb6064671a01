"""A synthetic CelebA of any size, written in the real on-disk format.

Made so that the real reader always runs: jpg files of 178 x 218 pixels, lists that end their lines
with CR LF, identities of which only the 40 best represented are taken, some with as many images as
others. The faces are drawn (`study.data.celeba.faces`); nobody is depicted, and nothing about
people can be learnt from them.
"""

from pathlib import Path

import numpy as np

from study.data.celeba import format as form
from study.data.celeba.faces import draw
from study.data.celeba.people import Person
from study.data.progress import report
from study.errors import OptionError

GENERATOR_VERSION = 1
"""Raised whenever the same seed would give other files."""

DEFAULT_IDENTITIES = 44
DEFAULT_IMAGES = 30
"""For each identity, at least; the real set's 40 best represented have 30 to 35."""

LEAST_IMAGES = 2
"""One for training and one for validation."""

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
        data_dir: A new or empty folder, or one that was written by this function.
        identities: Number of identities, at least 40; those over 40 have fewer images, and a
            study leaves them out.
        images: Images of each of the 40 best represented identities, at least; up to a sixth more.
        seed: The same seed and sizes give the same files.

    Returns:
        The folder.

    Raises:
        OptionError: Too few, or a folder that holds something else.
    """
    if identities < form.IDENTITIES or images < LEAST_IMAGES:
        message = (
            f"--identities is {identities} and --images is {images}; allowed are "
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
                report("drawing the sample", place, len(whose))
        _write_lists(data_dir, rows)
    except OSError as error:
        message = f"--data-dir: {data_dir} cannot be used: {error}. Choose another folder."
        raise OptionError(message) from error
    return data_dir


def _prepare(data_dir: Path) -> None:
    """Empty a folder that this module wrote, refuse one that it did not; mark it as ours."""
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
    """The identity of each image, in the order of the files: mixed, as in the real set."""
    # Numbers with holes between them, as those of a set from which others were taken out.
    numbers = np.sort(rng.choice(np.arange(1, 20 * identities), identities, replace=False))
    extra = np.minimum(rng.geometric(0.5, size=form.IDENTITIES) - 1, min(_MOST_EXTRA, images // 6))
    fewer = rng.integers(1, images, size=identities - form.IDENTITIES)
    counts = rng.permutation(np.concatenate([images + extra, fewer]))
    return [int(number) for number in rng.permutation(np.repeat(numbers, counts))]


def _write_lists(data_dir: Path, rows: list[tuple[str, int, list[bool]]]) -> None:
    identities = [f"{name} {number}" for name, number, _ in rows]
    attributes = [
        str(len(rows)),
        # The real header ends with a blank, and its numbers are set in columns.
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
