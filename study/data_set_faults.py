"""Faults of a data set that a scenario gives as a part of its data, before any sample is read."""

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

MOST_MAPPED_BYTES = 2**26
"""Of open files that a data set may hold: what it holds is sent to the trials."""


def faults_of_data_set(name: str, part: object, fingerprint: str | None) -> Iterator[str]:
    """Say what is wrong, a paragraph each.

    Args:
        name: Of the part, such as `train`.
        part: The data set.
        fingerprint: Of the data; None where the scenario gives none.
    """
    for member, what in (("__len__", "a length"), ("__getitem__", "samples by index")):
        if not hasattr(part, member):
            yield (
                f"{name} is a {type(part).__name__} without {what}; allowed are Arrays and map-style "
                "data sets (torch.utils.data.Dataset with __len__ and __getitem__)."
            )
            return
    if isinstance(part, Sized) and not len(part):
        yield f"{name} is a {type(part).__name__} without samples; there must be at least one."
        return
    mapped = sum(each.nbytes for each in _mapped_files(part))
    if mapped > MOST_MAPPED_BYTES:
        yield (
            f"{name} is a {type(part).__name__} with an open file of {mapped / 1e9:.1f} GB (numpy.memmap), "
            "which would be read whole and sent to each machine. Keep its path, and open it where a sample "
            'is read: np.load(path, mmap_mode="r")[place].'
        )
    if fingerprint is None:
        yield (
            f"{name} is a {type(part).__name__}, whose content is not read before the trials: give "
            "Data a fingerprint, a word that changes whenever the data would (a version, a hash of "
            "the file names and sizes), so that a study that is resumed goes on with the same."
        )


def _mapped_files(part: object) -> Iterator[np.memmap[Any, Any]]:
    """Files that a data set, or one that it is made of, holds open."""
    held = getattr(part, "__dict__", {}).values()
    for each in (
        *held,
        *(item for many in held if isinstance(many, list | tuple) for item in many),
    ):
        if isinstance(each, np.memmap):
            yield each
        elif hasattr(each, "__getitem__") and hasattr(each, "__dict__"):
            yield from _mapped_files(each)
