"""Reads CelebA's lists: whose face an image shows, and which attributes it has."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from study.data.celeba import format as form
from study.data.faults import Fault
from study.errors import DataError

MOST_FAULTS = 10
"""A list with more is not described further."""

_KAGGLE_FIRST = "image_id"
"""With it begins the header of Kaggle's form of the list."""

_ATTRIBUTE_OF = {"1": 1, "-1": 0}
_REPLACE = "Fetch the list again, or correct the line"


class MalformedListError(DataError):
    """A list is not as it should be.

    Attributes:
        faults: What is wrong, at most `MOST_FAULTS`.
    """

    def __init__(self, faults: list[Fault]) -> None:
        """Say all faults, one a line."""
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def read_identities(path: Path) -> dict[str, int]:
    """The identity of each image, by the image's file name, in the order of the list.

    Args:
        path: `identity_CelebA.txt`; lines may end with CR LF or LF.

    Raises:
        MalformedListError: A line is not a name and a number, or a name stands twice.
    """
    identities: dict[str, int] = {}
    faults: list[Fault] = []
    for number, line in enumerate(_lines(path), start=1):
        cells = line.split()
        if len(cells) != 2 or not cells[1].isascii() or not cells[1].isdigit():  # noqa: PLR2004
            found = f"{_shown(line)} instead of an image's name and the number of its identity"
        elif cells[0] in identities:
            found = f"{cells[0]} stands here for the second time"
        else:
            identities[cells[0]] = int(cells[1])
            continue
        _note(faults, path, number, found)
    _raise_if_any(faults)
    if not identities:
        raise MalformedListError([_fault(path, None, "the list is empty")])
    return identities


def read_attributes(path: Path, images: Mapping[str, object]) -> dict[str, npt.NDArray[np.uint8]]:
    """The attributes of some images, by the image's file name.

    Every line of the list is checked for its number of columns, and the lines of `images` for
    their values.

    Args:
        path: `list_attr_celeba.txt`, or Kaggle's form of it with commas and without the number of
            images; lines may end with CR LF or LF.
        images: File names of the images that are wanted.

    Returns:
        1 where an image has the attribute, else 0, in the order of `celeba_format.ATTRIBUTES`;
        each of shape (40,).

    Raises:
        MalformedListError: The header or a line is not as it should be, or an image is not listed.
    """
    lines = _lines(path)
    count, header_lines = _read_header(path, lines)
    attributes: dict[str, npt.NDArray[np.uint8]] = {}
    faults: list[Fault] = []
    rows = 0
    for number, line in enumerate(lines, start=header_lines + 1):
        rows += 1
        name, *cells = line.split() or [""]
        if len(cells) != len(form.ATTRIBUTES):
            found = f"{len(cells)} attributes instead of {len(form.ATTRIBUTES)}"
            _note(faults, path, number, found)
        elif name in images:
            strange = [cell for cell in cells if cell not in _ATTRIBUTE_OF]
            if strange:
                _note(faults, path, number, f"an attribute is {strange[0]!r}; allowed are 1 and -1")
            else:
                attributes[name] = np.array([_ATTRIBUTE_OF[cell] for cell in cells], np.uint8)
    _raise_if_any(faults)
    if count is not None and rows != count:
        found = f"{rows} images are listed, and the first line says {count}"
        raise MalformedListError([_fault(path, 1, found)])
    missing = [name for name in images if name not in attributes]
    if missing:
        found = f"{len(missing)} images of {form.IDENTITY_LIST} are not listed: {_some(missing)}"
        raise MalformedListError([_fault(path, None, found)])
    return attributes


def choose_identities(identities: Mapping[str, int], count: int = form.IDENTITIES) -> list[int]:
    """The identities with most images, the smaller number first where two have as many.

    Args:
        identities: Identity by image.
        count: How many to choose.

    Returns:
        Their numbers in ascending order, which is the order of the classes.

    Raises:
        DataError: There are too few, or one has a single image, which cannot be split.
    """
    images_of = Counter(identities.values())
    if len(images_of) < count:
        message = (
            f"{form.IDENTITY_LIST}: {len(images_of)} identities; {count} are needed. Give a data "
            "set with more, or write a synthetic one with `python -m study.data sample celeba`."
        )
        raise DataError(message)
    ranked = sorted(images_of, key=lambda identity: (-images_of[identity], identity))
    chosen = sorted(ranked[:count])
    single = [identity for identity in chosen if images_of[identity] == 1]
    if single:
        message = (
            f"{form.IDENTITY_LIST}: {len(single)} of the {count} identities with most images have "
            f"one image only ({_some(single)}), and training and validation need one each. "
            f"Give a data set with at least two images of {count} identities."
        )
        raise DataError(message)
    return chosen


def missing_images(layout: form.Layout, names: list[str]) -> list[Fault]:
    """One fault for all images that are not there; empty where all are."""
    absent = [name for name in names if not (layout.images / name).is_file()]
    if not absent:
        return []
    other = next((path.name for path in layout.images.glob(f"{Path(absent[0]).stem}.*")), None)
    seems = "" if other is None else f"; {other} is there, as if it were another form of the set"
    return [
        Fault(
            path=layout.images,
            found=f"{len(absent)} of {len(names)} images are missing: {_some(absent)}{seems}",
            remedy=f"Unpack {form.IMAGE_FOLDER}.zip again",
        )
    ]


def _read_header(path: Path, lines: Iterator[str]) -> tuple[int | None, int]:
    """The number of images where the list tells it, and how many lines the header has."""
    first = next(lines, "")
    if first.split()[:1] == [_KAGGLE_FIRST]:
        _check_names(path, 1, first.split()[1:])
        return None, 1
    if not (first.isascii() and first.strip().isdigit()):
        found = f"the first line is {_shown(first)}; expected is the number of images"
        raise MalformedListError([_fault(path, 1, found)])
    _check_names(path, 2, next(lines, "").split())
    return int(first), 2


def _check_names(path: Path, line: int, names: list[str]) -> None:
    """Refuse a list whose columns are not the 40 attributes in their order."""
    if tuple(names) == form.ATTRIBUTES:
        return
    pairs = enumerate(zip(names, form.ATTRIBUTES, strict=False), start=1)
    unlike = next(
        (
            f"name {place} is {got!r} instead of {want!r}"
            for place, (got, want) in pairs
            if got != want
        ),
        f"{len(names)} names instead of {len(form.ATTRIBUTES)}",
    )
    found = f"the header does not name CelebA's 40 attributes: {unlike}"
    raise MalformedListError([_fault(path, line, found)])


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file without their ends; what commas part is parted by spaces."""
    try:
        # A byte order mark is an editor's, and says nothing.
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                yield line.rstrip("\n").replace(",", " ")
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedListError([_fault(path, None, f"it cannot be read ({error})")]) from error


def _note(faults: list[Fault], path: Path, number: int, found: str) -> None:
    if len(faults) == MOST_FAULTS:
        faults.append(_fault(path, None, "more faults; the rest is not listed"))
        raise MalformedListError(faults)
    faults.append(_fault(path, number, found))


def _raise_if_any(faults: list[Fault]) -> None:
    if faults:
        raise MalformedListError(faults)


def _fault(path: Path, line: int | None, found: str) -> Fault:
    return Fault(path=path, line=line, found=found, remedy=_REPLACE)


def _shown(line: str, most: int = 40) -> str:
    return repr(line if len(line) <= most else f"{line[:most]}...")


def _some(things: list[str] | list[int], most: int = 5) -> str:
    text = ", ".join(map(str, things[:most]))
    return text if len(things) <= most else f"{text} and more"
