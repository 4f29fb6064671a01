"""Numbers and plain values from the metrics and parameters of a user's training."""

from pathlib import Path

import numpy as np
import torch

from study.callbacks.plain_values import numbers_in, plain_training
from study.callbacks.training import Training
from study.record.tune_rows import number_of


def test_numbers_of_any_library_are_numbers() -> None:
    """Numbers of Python, numpy and torch are recognised; one that is not finite is missing."""
    values = (1, 0.5, np.float32(0.5), np.array(2), torch.tensor(3.0, requires_grad=True))

    assert [number_of(each) for each in values] == [1.0, 0.5, 0.5, 2.0, 3.0]
    assert number_of(np.inf) is None


def test_values_that_are_no_numbers_are_left_out() -> None:
    """Arrays, words and None are left out; numbers of a nested mapping are named by their path."""
    found = numbers_in(
        {
            "f1": 0.25,
            "per_class_iou": np.array([0.1, 0.2]),
            "confusion": [[1, 0], [0, 1]],
            "label": "cat",
            "none": None,
            "report": {"cat": {"recall": np.float64(0.5)}},
        }
    )

    assert found == {"f1": 0.25, "report/cat/recall": 0.5}


def test_a_training_is_described_in_plain_values() -> None:
    """Numbers of numpy, paths and functions, as a script may pass them, become plain values."""
    training = plain_training(
        Training(
            batch_size=np.int64(8),  # type: ignore[arg-type]  # as a script may pass it
            learning_rate=np.float32(0.5),  # type: ignore[arg-type]
            parameters={
                "width": np.int64(3),
                "init": Path("a.pt"),
                "act": test_numbers_of_any_library_are_numbers,
            },
        )
    )

    assert (type(training.batch_size), type(training.learning_rate)) == (int, float)
    assert training.parameters["width"] == 3
    assert training.parameters["init"] == "a.pt"
    assert " at 0x" not in str(training.parameters["act"])
