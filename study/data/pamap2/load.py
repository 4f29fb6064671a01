"""Loading of PAMAP2 from a folder into arrays: windows, split by subject, z-score, cache."""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from study.data import cache
from study.data.pamap2 import format as form
from study.data.pamap2 import sample as pamap2_sample
from study.data.pamap2.reader import content_faults, missing_file, read_subject
from study.data.pamap2.windows import NO_CLASS, WindowOptions, copy_windows, find_windows
from study.data.sample_folder import sample_folder
from study.errors import DataError
from study.scenario import Arrays, Data

CACHE_VERSION = 1
"""To be increased whenever the same files and options give other arrays."""

_SUBJECTS_OF = {
    "train": tuple(
        s for s in form.SUBJECTS if s not in (form.VALIDATION_SUBJECT, form.TEST_SUBJECT)
    ),
    "val": (form.VALIDATION_SUBJECT,),
    "test": (form.TEST_SUBJECT,),
}
_FILES_AT_A_TIME = 2
"""Number of files read at a time: while Polars' threads parse one, the windows of another are found."""


_CLASS_OF = np.full(np.iinfo(np.int8).max + 1, NO_CLASS, np.int8)
"""Class number of each activity number; `NO_CLASS` for those that are not in the protocol."""
_CLASS_OF[list(form.ACTIVITIES)] = np.arange(len(form.ACTIVITIES))


class _Found(NamedTuple):
    """A subject's recording with short gaps filled, and its windows.

    Attributes:
        signals: Sensor channels; shape (27, rows).
        first: First row of each window; shape (windows,).
        targets: Class number of each window; shape (windows,).
    """

    signals: npt.NDArray[np.float32]
    first: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]


def load(
    data_dir: Path,
    *,
    options: WindowOptions | None = None,
    cache_dir: Path | None = None,
) -> Data:
    """Load a PAMAP2 folder, from the cache if it holds the same files and options.

    Args:
        data_dir: Folder that was unpacked from UCI's archive, or written by `study.data sample`.
        options: Settings for cutting the recordings into windows; None takes the defaults.
        cache_dir: Folder of the cache; None takes the user's cache folder.

    Returns:
        Windows of shape (windows, 27, window_samples), z-scored by the training subjects.

    Raises:
        DataError: The folder or a file in it is not as it should be.
    """
    options = options or WindowOptions()
    protocol = form.find_protocol(data_dir)
    files = [protocol / form.file_name(subject) for subject in form.SUBJECTS]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise DataError("\n".join(str(missing_file(file)) for file in missing))
    word = cache.fingerprint(files, CACHE_VERSION, dataclasses.astuple(options))
    arrays = cache.cached_arrays(
        f"pamap2-{word}",
        2 * len(_SUBJECTS_OF),
        lambda: _read(protocol, options),
        cache_dir=cache_dir,
    )
    parts = {
        part: Arrays(inputs=arrays[2 * n], targets=arrays[2 * n + 1])
        for n, part in enumerate(_SUBJECTS_OF)
    }
    synthetic = form.is_synthetic(protocol)
    return Data(
        train=parts["train"],
        val=parts["val"],
        test=parts["test"],
        classes=tuple(form.ACTIVITIES.values()),
        synthetic=synthetic,
        description=_description(options, synthetic=synthetic),
    )


def load_sample(*, options: WindowOptions | None = None, cache_dir: Path | None = None) -> Data:
    """Load the built-in synthetic sample, which is written once to the cache folder, in the real format.

    If that folder cannot be written, the sample is made anew each time.
    """
    name = f"pamap2-sample-{pamap2_sample.GENERATOR_VERSION}"
    with sample_folder(name, pamap2_sample.write_sample, cache_dir=cache_dir) as folder:
        return load(folder, options=options, cache_dir=cache_dir)


def _description(options: WindowOptions, *, synthetic: bool) -> str:
    source = (
        "synthetic data in the format of PAMAP2 (nobody was measured)" if synthetic else "PAMAP2"
    )
    return (
        f"{source}: {len(form.CHANNELS)} channels, windows of {options.window_samples} samples at "
        f"{form.RATE_HZ} Hz; subject {form.VALIDATION_SUBJECT} validates, {form.TEST_SUBJECT} tests"
    )


def _read(protocol: Path, options: WindowOptions) -> list[npt.NDArray[Any]]:
    """Return inputs and targets of each part in turn, in the order of `_SUBJECTS_OF`."""
    with ThreadPoolExecutor(_FILES_AT_A_TIME) as pool:
        paths = [protocol / form.file_name(subject) for subject in form.SUBJECTS]
        found = pool.map(lambda path: _find(path, options), paths)
        by_subject = dict(zip(form.SUBJECTS, found, strict=True))
    arrays: list[npt.NDArray[Any]] = []
    for part, subjects in _SUBJECTS_OF.items():
        pieces = [by_subject.pop(subject) for subject in subjects]
        targets = np.concatenate([piece.targets for piece in pieces])
        if not len(targets):
            files = ", ".join(form.file_name(subject) for subject in subjects)
            message = (
                f"{protocol}: no window of {options.window_samples} rows without a gap in {files}, "
                f"of which the {part} part is made. Use files with longer unbroken activities."
            )
            raise DataError(message)
        shape = (len(targets), len(form.CHANNELS), options.window_samples)
        inputs = np.empty(shape, np.float32)
        start = 0
        for piece in pieces:
            stop = start + len(piece.first)
            copy_windows(piece.signals, piece.first, inputs[start:stop])
            start = stop
        arrays += [inputs, targets]
    normalise(arrays[0], arrays[::2])
    return arrays


def _find(path: Path, options: WindowOptions) -> _Found:
    recording = read_subject(path)
    faults = content_faults(path, recording)
    if faults:
        raise DataError("\n".join(map(str, faults)))
    labels = _CLASS_OF[recording.activity]
    first = find_windows(recording.signals, labels, recording.time_s, options)
    return _Found(recording.signals, first, labels[first].astype(np.int64))


def normalise(train: npt.NDArray[np.float32], parts: Sequence[npt.NDArray[np.float32]]) -> None:
    """Z-score each channel of all `parts`, in place, with mean and deviation of the training windows.

    A channel that is constant in training is only centred.

    Args:
        train: Training windows, one of `parts`; shape (windows, channels, samples).
        parts: Windows of the same channels.
    """
    mean = train.mean(axis=(0, 2), dtype=np.float64).astype(np.float32)[:, np.newaxis]
    for part in parts:
        np.subtract(part, mean, out=part)
    square = np.einsum("wct,wct->c", train, train, dtype=np.float64)
    spread = np.sqrt(square / (len(train) * train.shape[2]))
    scale = np.where(spread > 0, spread, 1).astype(np.float32)[:, np.newaxis]
    for part in parts:
        np.divide(part, scale, out=part)
