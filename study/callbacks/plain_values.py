"""Conversion of a framework's metrics and parameters into values that a study's tables can hold.

Metrics may be arrays, tensors, nested mappings or strings; none of these may stop a training.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from study.callbacks.training import Training
from study.record.tune_rows import as_json, flat, float_of, number_of


def is_not_finite(value: object) -> bool:
    """Return whether a value is a number but infinite or NaN, like the loss of a training that diverged."""
    number = float_of(value)
    return number is not None and not math.isfinite(number)


def numbers_in(values: Mapping[str, Any]) -> dict[str, float]:
    """Return only the values that are numbers; those of a nested mapping are named `outer/inner`."""
    found = {name: number_of(value) for name, value in flat(values).items()}
    return {name: number for name, number in found.items() if number is not None}


def plain_training(training: Training) -> Training:
    """Return the description of a training with its values converted to types that JSON and Parquet hold."""
    return replace(
        training,
        batch_size=None if training.batch_size is None else int(training.batch_size),
        learning_rate=None if training.learning_rate is None else float(training.learning_rate),
        seed=int(training.seed),
        parameters={str(name): as_json(value) for name, value in training.parameters.items()},
    )
