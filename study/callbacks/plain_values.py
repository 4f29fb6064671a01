"""Values of somebody else's training as numbers: what a study's tables can hold of them.

A framework's metrics may be arrays, tensors, nested mappings or words; nothing of that ends a training.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from study.callbacks.training import Training
from study.record.tune_rows import as_json, flat, float_of, number_of


def is_not_finite(value: object) -> bool:
    """Return whether a value is infinite or NaN, as the loss of a training that diverged."""
    number = float_of(value)
    return number is not None and not math.isfinite(number)


def numbers_in(values: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers among values; those of a nested mapping as `outer/inner`."""
    found = {name: number_of(value) for name, value in flat(values).items()}
    return {name: number for name, number in found.items() if number is not None}


def plain_training(training: Training) -> Training:
    """Return the description of a training in values that JSON and parquet have."""
    return replace(
        training,
        batch_size=None if training.batch_size is None else int(training.batch_size),
        learning_rate=None if training.learning_rate is None else float(training.learning_rate),
        seed=int(training.seed),
        parameters={str(name): as_json(value) for name, value in training.parameters.items()},
    )
