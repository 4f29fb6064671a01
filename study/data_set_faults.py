"""Checks of a data set that a scenario returns as a part of its data, made without reading a sample."""

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

MOST_MAPPED_BYTES = 2**26
"""Limit for the memory-mapped files that a data set holds: they are sent to the trials with it."""


def faults_of_data_set(name: str, part: object, fingerprint: str | None) -> Iterator[str]:
    """Yield a message for each fault of a data set.

    Args:
        name: Name of the part, such as `train`.
        part: The data set.
        fingerprint: Fingerprint of the data; None where the scenario gives none.
    """
    for member, what in (("__len__", "a length"), ("__getitem__", "samples by index")):
        if not hasattr(part, member):
            yield (
                f"{name} is a {type(part).__name__} without {what}; allowed: Arrays and map-style "
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
            "the file names and sizes), so that a study that is resumed continues with the same."
        )


def _mapped_files(part: object) -> Iterator[np.memmap[Any, Any]]:
    """Yield the memory-mapped arrays that a data set, or a data set inside it, holds."""
    held = getattr(part, "__dict__", {}).values()
    for each in (
        *held,
        *(item for many in held if isinstance(many, list | tuple) for item in many),
    ):
        if isinstance(each, np.memmap):
            yield each
        elif hasattr(each, "__getitem__") and hasattr(each, "__dict__"):
            yield from _mapped_files(each)
