"""Training of one stage on its device: epochs of training and validation, and resumable state."""

import copy
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, cast, final

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from study.record.vocabulary import StopReason
from study.training.devices import random_state, restore_random_state, synchronize
from study.training.early_stopping import EarlyStopping
from study.training.ranks import ALONE, Ranks
from study.training.recipe import TrainingSettings, autocast, optimizer_of, scaler_of
from study.training.samples import Batch, DataPart, index_batches
from study.training.task import Task, part_of

StageState = dict[str, Any]
"""All that a stage needs to resume after an epoch as if it had not been interrupted; only tensors and plain
values, so that it can be saved without pickling code."""

SEEN = "number of samples"
"""Key of the number of samples, beside the metrics, in sums over processes."""

LOSS = "mean loss"
"""Key of the loss in these sums; not `loss`, as a scenario may have a metric of that name."""

WARM_UP_ON_CPU = 64
"""Number of samples in the warm-up batch on a CPU, before the first epoch."""


@final
class StageTraining:
    """Training of a task on a device, with its optimiser, order of samples and early stopping."""

    def __init__(
        self,
        task: Task,
        settings: TrainingSettings,
        device: torch.device,
        *,
        ranks: Ranks = ALONE,
    ) -> None:
        """Put a task on `device`; called in each of the processes that train it together."""
        self._task = task
        self._device = device
        self._ranks = ranks
        self._network = ranks.on_device(task.network, device)
        self._encoder = None if task.encode is None else task.encode.to(device)
        own = (
            {}
            if task.steps.loaders is None
            else task.steps.loaders(
                math.ceil(settings.batch_size / settings.accumulate), settings.seed
            )
        )
        self._train, self._val = (
            part_of(task, part, own.get(name), device, ranks)
            for name, part in (("train", task.train), ("val", task.val))
        )
        self._test = (
            None if task.test is None else part_of(task, task.test, own.get("test"), device, ranks)
        )
        steps = math.ceil(len(self._train) / settings.batch_size)
        self._settings = replace(settings, steps_per_epoch=steps)
        self._forward: nn.Module = self._network
        some_unused = self._compile() if settings.compiled else self._warm_up()
        self._trained = ranks.wrapped_for_ddp(self._forward, some_unused=some_unused)
        self._optimizer, self._schedule = optimizer_of(self._network, self._settings, task.steps)
        self._scaler = scaler_of(device, settings.precision)
        self._order = torch.Generator().manual_seed(settings.seed)
        self._pass: Iterator[list[Batch]] | None = None
        self._before_pass = self._order.get_state()
        self.stopping = EarlyStopping(patience=settings.patience * self.validations)
        self._best: dict[str, Tensor] | None = None

    @property
    def validations(self) -> int:
        """Number of validations in a pass over the samples."""
        return self._settings.validations

    def state(self, epoch: int) -> StageState:
        """Return all that is needed to resume after `epoch`."""
        return {
            "epoch": epoch,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": None if self._schedule is None else self._schedule.state_dict(),
            "scaler": self._scaler.state_dict(),
            # Within a pass, the generator's state at its start, from which the rest of it is reproduced.
            "order": self._before_pass if epoch % self.validations else self._order.get_state(),
            "stopping": self.stopping.state(),
            "random": random_state(self._device),
            "best": self._best,
        }

    def restore(self, state: StageState) -> None:
        """Resume from what `state` returned."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._schedule is not None:
            self._schedule.load_state_dict(state["schedule"])
        self._scaler.load_state_dict(state["scaler"])
        self._order.set_state(state["order"])
        self._skip(int(state["epoch"]) % self.validations)
        self.stopping.restore(state["stopping"])
        self._best = state["best"]
        self.encode(nullcontext)
        restore_random_state(self._device, state["random"])
        if (
            self._ranks.rank
        ):  # the state is the first process's, but dropout must differ between them
            torch.manual_seed(self._ranks.seed(self._settings.seed) + int(state["epoch"]))

    def encode(self, latents: Callable[[], AbstractContextManager[object]]) -> None:
        """Replace the inputs by latent features if the task has an encoder, within the context `latents`."""
        if self._encoder is not None:
            with latents():
                self._train = self._train.encoded(self._encoder)
                self._val = self._val.encoded(self._encoder)
                synchronize(self._device)

    def train_epoch(
        self, epoch: int, at_step: Callable[[int, int], None] | None = None
    ) -> tuple[float, int]:
        """Train for one pass over the training samples, or for the part of one up to the next validation.

        Args:
            epoch: Number of the epoch, from 1.
            at_step: Called before each step with its index, from 0, and the number of steps in the epoch,
                and once more after the last step; None calls nothing.

        Returns:
            The mean loss, and the number of samples trained on.
        """
        part = (epoch - 1) % self.validations
        is_last = part == self.validations - 1
        self._network.train()
        if part == 0:
            self._begin_pass()
        total, seen = torch.zeros((), device=self._device), 0
        between = self._settings.steps_between
        steps = (self._settings.steps_per_epoch or 1) - part * between if is_last else between
        # The last part takes all remaining batches: a scenario's own loader may have more than expected.
        left = itertools.islice(self._pass or iter(()), None if is_last else steps)
        for step, parts in enumerate(left):
            if at_step is not None and step < steps:
                at_step(step, steps)
            self._step(parts, total)
            seen += sum(each.size for each in parts)
        if at_step is not None:
            at_step(steps, steps)
        seen = len(self._train) if self.validations == 1 else seen
        return self._ranks.summed(total).item() / max(1, seen), seen

    def _begin_pass(self) -> None:
        """Begin a pass over the samples, in a new random order."""
        self._before_pass = self._order.get_state()
        size = math.ceil(self._settings.batch_size / self._settings.accumulate)
        batches = self._train.training(size, self._order)
        self._pass = _grouped(batches, self._settings.accumulate)

    def _skip(self, parts: int) -> None:
        """Begin a pass and skip those of its parts that were trained before a checkpoint."""
        if parts:
            self._begin_pass()
            for _ in itertools.islice(self._pass or (), parts * self._settings.steps_between):
                pass

    def stop_reason_after(
        self, train_loss: float, val_loss: float, metrics: Mapping[str, float]
    ) -> StopReason | None:
        """Return the reason to stop after an epoch with these figures, or None to go on.

        Early stopping watches the objective, or the validation loss if the metrics lack it. The weights
        of the best epoch are kept if there are test samples.
        """
        score = metrics.get(self._task.objective.name)
        watched = -val_loss if score is None else self._task.objective.gain(score)
        reason = self.stopping.reason(train_loss, val_loss, watched)
        if self._test is not None and self.stopping.is_best:
            state = self._network.state_dict().items()
            self._best = {name: each.detach().cpu().clone() for name, each in state}
        return reason

    @property
    def has_test(self) -> bool:
        """Return whether there are test samples and weights of a best epoch to test."""
        return self._test is not None and self._best is not None

    def validate(self) -> tuple[float, dict[str, float]]:
        """Return the mean loss and the mean metrics over the validation samples."""
        return self._evaluate(self._val)

    def test(self) -> dict[str, float] | None:
        """Return the metrics of the best epoch's weights on the test samples; None if there are none."""
        if self._test is None or self._best is None:
            return None
        self._network.load_state_dict(self._best)
        part = self._test if self._encoder is None else self._test.encoded(self._encoder)
        _, metrics = self._evaluate(part)
        return metrics or None

    def _step(self, parts: list[Batch], total: Tensor) -> None:
        """Take one optimiser step over the parts of a batch, and add their samples' losses to `total`.

        A small step on an accelerator takes as long as launching its kernels does, so no avoidable kernel
        is launched here.
        """
        size = sum(part.size for part in parts)
        self._optimizer.zero_grad(set_to_none=True)
        for number, part in enumerate(parts, start=1):
            # DDP averages gradients over the processes, once, at the last part's backward pass.
            share = part.size / size * part.share * self._ranks.count
            with self._no_sync() if number < len(parts) else nullcontext():
                loss = self._loss(self._trained, part)
                weighted = loss if share == 1 else loss * share
                self._scaler.scale(weighted).backward()  # type: ignore[no-untyped-call]
            total.add_(loss.detach(), alpha=part.size * part.share)
        if self._settings.clip_norm is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._network.parameters(), self._settings.clip_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._schedule is not None:
            self._schedule.step()

    def _no_sync(self) -> AbstractContextManager[object]:
        """Return a context for a backward pass whose gradients are not to be synchronised yet."""
        network = self._trained
        return network.no_sync() if isinstance(network, DistributedDataParallel) else nullcontext()

    def _loss(self, network: nn.Module, batch: Batch) -> Tensor:
        with autocast(self._device, self._settings.precision):
            if self._task.steps.training_step is not None:
                return self._task.steps.training_step(network, (batch.inputs, batch.targets))
            return self._task.loss(network(batch.inputs), batch.targets)

    @torch.inference_mode()
    def _evaluate(self, part: DataPart) -> tuple[float, dict[str, float]]:
        """Return the mean loss and the mean metrics, each batch weighted by its size."""
        self._ranks.same_buffers(self._network)
        self._network.eval()
        totals: dict[str, Any] = {}
        seen = 0
        for batch in part.validation():
            with autocast(self._device, self._settings.precision):
                of_batch = self._evaluated(batch)
            for name, value in of_batch.items():
                # Summed in fp32: a sum in bf16 would stop growing.
                totals[name] = totals.get(name, 0.0) + value.to(torch.float32) * batch.size
            seen += batch.size
        sums = self._ranks.totals({**{n: each.item() for n, each in totals.items()}, SEEN: seen})
        seen_by_all = sums.pop(SEEN)
        means = {name: total / seen_by_all for name, total in sums.items()}
        return means.pop(LOSS), means

    def _evaluated(self, batch: Batch) -> dict[str, Tensor]:
        if self._task.steps.validation_step is not None:
            loss, metrics = self._task.steps.validation_step(
                self._forward, (batch.inputs, batch.targets)
            )
        else:
            outputs = self._forward(batch.inputs)
            loss, metrics = (
                self._task.loss(outputs, batch.targets),
                self._task.metrics(outputs, batch.targets),
            )
        return {**metrics, LOSS: loss}

    def _compile(self) -> bool:
        """Compile the network for all batch sizes that it will see, before the first window.

        The running statistics of batch norms are restored afterwards.

        Returns:
            Whether some parameters take no part in the loss.
        """
        torch.compiler.reset()  # or torch stops compiling after many trials in one process
        self._forward = cast("nn.Module", torch.compile(self._network))
        before = copy.deepcopy(self._network.state_dict())
        size = math.ceil(self._settings.batch_size / self._settings.accumulate)
        self._network.train()
        for count in _sizes(index_batches(torch.arange(len(self._train)), size)):
            first = self._encoded(self._train.first(count, self._ranks))
            self._loss(self._forward, first).backward()  # type: ignore[no-untyped-call]
        self._network.eval()
        with torch.inference_mode(), autocast(self._device, self._settings.precision):
            for count in _sizes(
                torch.split(torch.arange(len(self._val)), self._val.validation_batch)
            ):
                self._evaluated(self._encoded(self._val.first(count)))
        some_unused = _some_unused(self._network)
        self._network.zero_grad(set_to_none=True)
        self._network.load_state_dict(before)
        torch.manual_seed(self._ranks.seed(self._settings.seed))
        return some_unused

    def _encoded(self, batch: Batch) -> Batch:
        """Return the batch as latent features if the task has an encoder."""
        if self._encoder is None:
            return batch
        with torch.no_grad():
            return batch._replace(inputs=self._encoder(batch.inputs))

    def _warm_up(self) -> bool:
        """Run one pass on a copy of the network, so that work done once per process is not measured.

        An accelerator chooses its kernels by batch size, so it is given a whole batch.

        Returns:
            Whether some parameters take no part in the loss.
        """
        size = self._settings.batch_size if self._device.type != "cpu" else WARM_UP_ON_CPU
        first = self._encoded(self._train.first(size, self._ranks))
        copied = copy.deepcopy(self._network).train()
        self._loss(copied, first).backward()  # type: ignore[no-untyped-call]
        torch.manual_seed(self._ranks.seed(self._settings.seed))
        return _some_unused(copied)


def _some_unused(network: nn.Module) -> bool:
    """Return whether parameters have no gradient after a backward pass."""
    return any(each.requires_grad and each.grad is None for each in network.parameters())


def _sizes(batches: Sequence[Tensor]) -> list[int]:
    """Return the distinct sizes of batches, in order: that of whole batches first."""
    return list(dict.fromkeys(len(each) for each in batches))


def _grouped(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    while group := list(itertools.islice(batches, size)):
        yield group
