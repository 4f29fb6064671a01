"""Reader of CelebA's lists: the identity and the attributes of each image."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from study.data.celeba import format as form
from study.data.faults import Fault
from study.errors import DataError

MOST_FAULTS = 10
"""Largest number of faults listed for a file."""

_KAGGLE_FIRST = "image_id"
"""First word of the header in Kaggle's version of the list."""

_ATTRIBUTE_OF = {"1": 1, "-1": 0}
_REPLACE = "Fetch the list again, or correct the line"


class MalformedListError(DataError):
    """Error: a list is not as it should be.

    Attributes:
        faults: Faults found, at most `MOST_FAULTS` and a note that there are more.
    """

    def __init__(self, faults: list[Fault]) -> None:
        """Use all faults as the message, one per line."""
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def read_identities(path: Path) -> dict[str, int]:
    """Return the identity of each image by file name, in the order of the list.

    Args:
        path: `identity_CelebA.txt`; lines may end with CR LF or LF.

    Raises:
        MalformedListError: A line is not a name and a number, a name occurs twice, or the list is empty.
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
    """Return the attributes of some images by file name.

    Every line of the list is checked for its number of columns, and the lines of `images` for
    their values.

    Args:
        path: `list_attr_celeba.txt`, or Kaggle's version of it with commas and without the number of
            images; lines may end with CR LF or LF.
        images: Mapping whose keys are the file names of the wanted images.

    Returns:
        Attributes by file name: 1 if the image has the attribute, else 0, in the order of
        `study.data.celeba.format.ATTRIBUTES`; each of shape (40,).

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
                _note(faults, path, number, f"an attribute is {strange[0]!r}; allowed: 1 or -1")
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
    """Return the identities with most images; ties go to the smaller identity number.

    Args:
        identities: Identity by file name.
        count: Number of identities to choose.

    Returns:
        Numbers of the chosen identities in ascending order, which is the order of the classes.

    Raises:
        DataError: There are too few identities, or a chosen one has a single image, which cannot be split.
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
    """Return a single fault for all missing images; empty if none is missing."""
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
    """Return the number of images that the header states (None if it states none) and the header's lines."""
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
    """Refuse a list whose columns are not the 40 attributes in order."""
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
    """Yield the lines of a text file without line ends, with commas replaced by spaces."""
    try:
        # An editor may have added a byte order mark, which this encoding removes.
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
