"""The only training loop: every stage of every paradigm goes through it. It knows nothing of Ray.

Arrays lie on the device once, and a batch is a selection by index; data sets are read batch by batch
(`study.training.streams`). One number is fetched from the device per epoch, so that nothing waits for it
in between.
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
"""What CUDA and MPS, the CPU, and CUDA's libraries say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochOutcome:
    """Outcome of one epoch.

    Attributes:
        epoch: From 1.
        train_loss: Mean over the training samples; None where it was not finite or not reached.
        val_loss: Mean over the validation samples; None likewise.
        val_metrics: The scenario's metrics over the validation samples; empty where there is no
            `val_loss`, because outputs that are not numbers recognise nothing.
        stop_reason: Why the training ends with this epoch; None where it goes on.
        test_metrics: Where the training ends: the metrics of the best epoch's weights on the test
            samples; None where there are none.
        state: Gives the stage as it is after this epoch, to be taken before the next outcome; None
            where the training ends.
        samples: Number that it was trained on; None where it did not come to its end.
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

    The same seed gives the same weights and order. A loss that is not finite and memory that does
    not suffice end the training as outcomes, not as errors.

    Args:
        make: Gives the task; called once the seed is set.
        settings: How it is trained.
        device: Where.
        window: Called with the epoch's number; entered before its training and left after its
            validation, with the device synchronised at both ends.
        latents: Entered, within the first epoch's window, while latent features are computed.
        tested: Entered, after the last epoch's window, while its weights are tested.
        at_step: See `StageTraining.train_epoch`.
        begin: State to go on from; None to begin with the first epoch. Latent features are then
            computed anew, before any window.
        ranks: Which of the processes this is that train the stage together.
        cause: What an error comes from; another process's, where this one has lost it.

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
                reason = stage.ended(train_loss, val_loss, val_metrics)
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
    """Test the best weights; opens no window where there are no test samples."""
    if not stage.has_test:
        return None
    with tested():
        return stage.test()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory did not suffice, on whatever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    return any(words in said for words in OUT_OF_MEMORY)
