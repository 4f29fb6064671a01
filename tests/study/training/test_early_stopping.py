"""Early stopping of a training."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.vocabulary import StopReason
from study.training.early_stopping import EarlyStopping


@given(
    accuracies=st.lists(st.integers(0, 4).map(float) | st.just(math.nan), max_size=15),
    patience=st.integers(1, 5),
)
def test_a_training_stops_when_its_patience_runs_out(
    accuracies: list[float], patience: int
) -> None:
    """That is when none of the last `patience` epochs was better than all epochs before it."""
    stopping = EarlyStopping(patience=patience)

    reasons = [stopping.reason(1.0, 1.0, accuracy) for accuracy in accuracies]

    known = [-math.inf if math.isnan(accuracy) else accuracy for accuracy in accuracies]
    better = [a > max(known[:i], default=-math.inf) for i, a in enumerate(known)]
    stops = [
        i + 1 >= patience and not any(better[i + 1 - patience : i + 1]) for i in range(len(known))
    ]
    assert [StopReason.PATIENCE if stop else None for stop in stops] == reasons


@pytest.mark.parametrize(
    ("train_loss", "val_loss"), [(math.inf, 1.0), (1.0, math.nan), (-math.inf, math.nan)]
)
def test_a_loss_that_is_not_finite_stops_at_once(train_loss: float, val_loss: float) -> None:
    """The training has diverged, whatever the accuracy and the patience left."""
    stopping = EarlyStopping(patience=10)

    assert stopping.reason(train_loss, val_loss, 1.0) is StopReason.DIVERGED


@given(
    before=st.lists(st.integers(0, 4).map(float), max_size=8),
    after=st.lists(st.integers(0, 4).map(float), max_size=8),
)
def test_early_stopping_resumes_from_its_state(before: list[float], after: list[float]) -> None:
    """An instance restored from another's state makes the same decisions as the other from then on."""
    first, second = EarlyStopping(patience=3), EarlyStopping(patience=3)
    for accuracy in before:
        first.reason(1.0, 1.0, accuracy)

    second.restore(first.state())

    assert [second.reason(1.0, 1.0, each) for each in after] == [
        first.reason(1.0, 1.0, each) for each in after
    ]
