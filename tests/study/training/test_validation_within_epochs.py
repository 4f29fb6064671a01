"""`--validate-every`: validation within the epochs of a training."""

from functools import partial
from pathlib import Path

import pytest
import torch

from study.record.vocabulary import StopReason
from study.training.loop import EpochOutcome, train
from study.training.recipe import TrainingSettings
from study.training.task import plain_task
from tests.study.tiny import Tiny, data
from tests.study.training.short_trainings import Windows, settings
from tests.study.training.test_checkpoints import Forgetful, attempt, trained
from tests.study.training.test_training import SameStart


def outcomes(
    scenario: Tiny, own_settings: TrainingSettings, windows: Windows
) -> list[EpochOutcome]:
    """Outcomes of a training on 20 samples."""
    points = data(train=20)
    return list(
        train(
            partial(plain_task, scenario, points),
            own_settings,
            device=torch.device("cpu"),
            window=windows,
        )
    )


@pytest.mark.parametrize(
    ("every", "samples"),
    [(0.5, [16, 4]), (0.34, [16, 4]), (0.33, [8, 8, 4]), (1, [8, 8, 4]), (2, [16, 4]), (50, [20])],
)
def test_training_between_two_validations_has_its_own_window(
    every: float, samples: list[int]
) -> None:
    """The steps of 8, 8 and 4 samples of an epoch are split by share or by number of steps."""
    windows = Windows()

    found = outcomes(Tiny(), settings(max_epochs=2, validate_every=every), windows)

    assert [each.samples for each in found] == samples * 2
    assert [each.epoch for each in found] == list(range(1, 2 * len(samples) + 1))
    assert found[-1].stop_reason is StopReason.MAX_EPOCHS
    assert len(windows.log) == 4 * len(samples)


def test_validating_within_epochs_does_not_change_the_training() -> None:
    """Batches and the last validation loss are the same as without it."""
    often, once = SameStart(), SameStart()

    outcomes(often, settings(validate_every=1), Windows())
    last = outcomes(once, settings(), Windows())[-1]

    assert often.batches == once.batches
    assert (
        outcomes(SameStart(), settings(validate_every=1), Windows())[-1].val_loss == last.val_loss
    )


def test_patience_counts_whole_epochs() -> None:
    """With three validations per epoch, patience 1 means three validations."""
    found = outcomes(
        Tiny(), settings(max_epochs=9, patience=1, validate_every=1, learning_rate=1e-12), Windows()
    )

    assert found[-1].stop_reason is StopReason.PATIENCE
    assert len(found) == 4


@pytest.mark.parametrize("lost_after", [1, 2, 3, 4, 6])
def test_a_training_that_is_lost_within_an_epoch_resumes_there(
    tmp_path: Path, lost_after: int
) -> None:
    """The order of samples, dropout and batch norm are restored, to the last bit."""
    make = partial(plain_task, Forgetful(), data())
    whole = trained(make, attempt(1, tmp_path / "whole"), validate_every=0.3)

    first = trained(make, attempt(1, tmp_path), until=lost_after, validate_every=0.3)
    torch.manual_seed(99)
    rest = trained(make, attempt(2, tmp_path), validate_every=0.3)

    assert [*first, *rest] == whole
