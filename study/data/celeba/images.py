"""Parallel decoding of jpg files into one array."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from study.data.faults import Fault
from study.data.progress import report_progress
from study.errors import DataError

MOST_FAULTS = 10
_IMAGES_AT_A_TIME = 32
"""Number of images in a thread's task: small enough for progress, large enough to cost nothing."""

_Pixels = npt.NDArray[np.uint8]


def decode(paths: Sequence[Path], size: int, *, threads: int | None = None) -> _Pixels:
    """Decode images and resize them to squares.

    The whole image is resized without cropping: what is worn on the head or around the neck stays
    visible, and a distortion that all images share does no harm. A jpg is decoded at a fraction of its size
    (a half, a quarter ...) if that is still large enough.

    Args:
        paths: Image files.
        size: Width and height of the results, in pixels.
        threads: Number of threads; None takes one for each CPU.

    Returns:
        Red, green and blue; uint8, shape (images, 3, size, size).

    Raises:
        DataError: Files are damaged or cannot be read; the message names them.
    """
    pixels = np.empty((len(paths), 3, size, size), np.uint8)
    faults: list[Fault] = []
    # Pillow releases the GIL while it decodes and resizes, so threads run in parallel.
    with ThreadPoolExecutor(threads or _cpus()) as pool:
        starts = range(0, len(paths), _IMAGES_AT_A_TIME)
        tasks = (range(start, min(start + _IMAGES_AT_A_TIME, len(paths))) for start in starts)
        done = 0
        for found in pool.map(lambda task: _decode_some(paths, task, pixels), tasks):
            faults += found
            done += _IMAGES_AT_A_TIME
            report_progress("decoding images", min(done, len(paths)), len(paths))
    if faults:
        lines = [str(fault) for fault in faults[:MOST_FAULTS]]
        if len(faults) > MOST_FAULTS:
            lines.append(f"and {len(faults) - MOST_FAULTS} more damaged images")
        raise DataError("\n".join(lines))
    return pixels


def _decode_some(paths: Sequence[Path], places: range, pixels: _Pixels) -> list[Fault]:
    """Decode the images at some indices into `pixels`, and return a fault for each that cannot be decoded."""
    faults = []
    for place in places:
        try:
            pixels[place] = _decode_one(paths[place], pixels.shape[-1])
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            # Pillow raises any of these for damaged files.
            faults.append(
                Fault(
                    path=paths[place],
                    found=f"no image, or a damaged one ({error})",
                    remedy="Unpack this file again",
                )
            )
    return faults


def _decode_one(path: Path, size: int) -> _Pixels:
    with Image.open(path) as image:
        image.draft("RGB", (size, size))
        resized = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized).transpose(2, 0, 1)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
