"""Training loop of every stage of every paradigm; without Ray.

Arrays are put on the device once, and a batch is a selection by index; data sets are read batch by batch
(`study.training.streams`). The training loss is fetched from the device once per epoch, so that steps do
not wait for it.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial

import torch

from study.record.vocabulary import StopReason
from study.training.devices import synchronize
from study.training.ranks import ALONE, Ranks
from study.training.recipe import TrainingSettings, global_flags
from study.training.stage import StageState, StageTraining
from study.training.task import Task

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "status_alloc_failed")
"""Parts of the messages with which CUDA and MPS, the CPU, and CUDA's libraries report it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOutcome:
    """Outcome of one epoch.

    Attributes:
        epoch: Number of the epoch, from 1.
        train_loss: Mean loss over the training samples; None if it was not finite or not computed.
        val_loss: Mean loss over the validation samples; None likewise.
        val_metrics: Metrics over the validation samples by name; empty if `val_loss` is None, because
            metrics of outputs that are NaN mean nothing.
        stop_reason: Why the training ends with this epoch; None if it goes on.
        test_metrics: Metrics of the best epoch's weights on the test samples, with the last epoch; None
            before, and if there are no test samples.
        state: Returns the stage's state after this epoch, and must be called before the next outcome is
            requested; None if the training ends.
        samples: Number of samples trained on; None if the epoch did not complete.
    """

    epoch: int
    train_loss: float | None
    val_loss: float | None
    val_metrics: Mapping[str, float]
    stop_reason: StopReason | None
    test_metrics: Mapping[str, float] | None = None
    state: Callable[[], StageState] | None = field(default=None, compare=False, repr=False)
    samples: int | None = field(default=None, compare=False)


def train(
    make: Callable[[], Task],
    settings: TrainingSettings,
    *,
    device: torch.device,
    window: Callable[[int], AbstractContextManager[object]],
    latents: Callable[[], AbstractContextManager[object]] = nullcontext,
    tested: Callable[[], AbstractContextManager[object]] = nullcontext,
    begin: StageState | None = None,
    at_step: Callable[[int, int], None] | None = None,
    ranks: Ranks = ALONE,
    cause: Callable[[Exception], Exception] = lambda error: error,
) -> Iterator[EpochOutcome]:
    """Train one stage, with early stopping.

    The same seed gives the same initial weights and order of samples. A loss that is not finite and running
    out of memory end the training with an outcome, not with an error.

    Args:
        make: Makes the task; called after the seed is set.
        settings: Settings of the training.
        device: Device to train on.
        window: Makes the context of an epoch from its number: entered before its training and left after
            its validation, with the device synchronised at both ends.
        latents: Makes the context, within the first epoch's window, in which latent features are computed.
        tested: Makes the context, after the last epoch's window, in which the best weights are tested.
        at_step: See `StageTraining.train_epoch`.
        begin: State to resume from; None begins with the first epoch. On resuming, latent features are
            computed again, before any window.
        ranks: This process among those that train the stage together.
        cause: Returns the error to raise for one that occurred: another process's, if this process failed
            only because it lost that one.

    Yields:
        One outcome for each epoch; the last has a stop reason.
    """
    epoch = first = 1 if begin is None else int(begin["epoch"]) + 1
    try:
        with global_flags(settings.precision):
            torch.manual_seed(settings.seed)
            stage = StageTraining(make(), settings, device, ranks=ranks)
            if begin is not None:
                stage.restore(begin)
                begin = None  # it may hold much memory
            last = settings.max_epochs * stage.validations
            for epoch in range(first, last + 1):
                synchronize(device)
                with window(epoch):
                    if epoch == 1:
                        stage.encode(latents)
                    train_loss, samples = stage.train_epoch(epoch, at_step)
                    val_loss, val_metrics = stage.validate()
                    synchronize(device)
                reason = stage.stop_reason_after(train_loss, val_loss, val_metrics)
                if reason is None and epoch == last:
                    reason = StopReason.MAX_EPOCHS
                yield EpochOutcome(
                    epoch=epoch,
                    train_loss=train_loss if math.isfinite(train_loss) else None,
                    val_loss=val_loss if math.isfinite(val_loss) else None,
                    val_metrics=val_metrics if math.isfinite(val_loss) else {},
                    stop_reason=reason,
                    test_metrics=None if reason is None else _tested(stage, tested),
                    state=partial(stage.state, epoch) if reason is None else None,
                    samples=samples,
                )
                if reason is not None:
                    return
    except (RuntimeError, MemoryError) as error:
        first_error = error if is_out_of_memory(error) else cause(error)
        if not is_out_of_memory(first_error):
            raise first_error from (None if first_error is error else error)
        yield EpochOutcome(
            epoch=epoch,
            train_loss=None,
            val_loss=None,
            val_metrics={},
            stop_reason=StopReason.OUT_OF_MEMORY,
        )


def _tested(
    stage: StageTraining, tested: Callable[[], AbstractContextManager[object]]
) -> dict[str, float] | None:
    """Test the best weights in the context `tested`; without test samples, enter none and return None."""
    if not stage.has_test:
        return None
    with tested():
        return stage.test()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means out of memory, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return any(words in said for words in OUT_OF_MEMORY)
