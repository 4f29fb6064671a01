"""Check of a CelebA folder: whether it is complete, well-formed, and has the published lists."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from study.data.celeba import format as form
from study.data.celeba.images import decode
from study.data.celeba.reader import (
    MalformedListError,
    choose_identities,
    missing_images,
    read_attributes,
    read_identities,
)
from study.errors import DataError

_TRIED_SIZE = 32
"""Size in pixels at which images are decoded, only to see whether they can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Findings of a check of a folder.

    Attributes:
        layout: Paths of its parts.
        faults: Faults, one line of text each; empty if the data can be used.
        images: Number of images in the list of identities.
        chosen: Number of images of the identities that a study uses.
        most: Largest number of images of one of these identities.
        fewest: Smallest number of images of one of these identities.
        genuine: Names of the lists that are identical to the published ones.
    """

    layout: form.Layout
    faults: tuple[str, ...]
    images: int
    chosen: int
    most: int
    fewest: int
    genuine: tuple[str, ...]

    @property
    def origin(self) -> str:
        """Return a description of where the files come from."""
        if self.layout.synthetic:
            return f"not CelebA: a synthetic sample ({form.SYNTHETIC_MARKER} is there)"
        if {form.IDENTITY_LIST, form.ATTRIBUTE_LIST} <= {*self.genuine}:
            return "genuine lists: identities and attributes have the published md5"
        return "not the published lists: their md5 differ"


def check(data_dir: Path, *, published: Mapping[str, str] = form.PUBLISHED_MD5) -> Report:
    """Check both lists completely, that all images exist, and that those a study uses can be decoded.

    Args:
        data_dir: Folder with images and lists.
        published: MD5 of the published lists by file name.

    Raises:
        DataError: A part of the data set is missing.
    """
    layout = form.find_layout(data_dir)
    faults: list[str] = []
    whose: dict[str, int] = {}
    chosen: dict[str, int] = {}
    try:
        whose = read_identities(layout.identities)
        identities = {*choose_identities(whose)}
        chosen = {name: who for name, who in whose.items() if who in identities}
    except MalformedListError as error:
        faults += map(str, error.faults)
    except DataError as error:
        faults.append(str(error))
    try:
        read_attributes(layout.attributes, whose)
    except MalformedListError as error:
        faults += map(str, error.faults)
    faults += map(str, missing_images(layout, list(whose)))
    there = [path for name in chosen if (path := layout.images / name).is_file()]
    try:
        decode(there, _TRIED_SIZE)
    except DataError as error:
        faults += str(error).splitlines()
    counts = Counter(chosen.values()).values()
    return Report(
        layout=layout,
        faults=tuple(faults),
        images=len(whose),
        chosen=len(chosen),
        most=max(counts, default=0),
        fewest=min(counts, default=0),
        genuine=_genuine(layout, published),
    )


def _genuine(layout: form.Layout, published: Mapping[str, str]) -> tuple[str, ...]:
    lists = [layout.identities, layout.attributes, layout.partition]
    return tuple(
        path.name for path in lists if path is not None and _md5(path) == published.get(path.name)
    )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        # The publishers give no stronger checksum.
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
