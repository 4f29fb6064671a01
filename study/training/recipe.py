"""Training recipe: settings, optimiser, schedule, steps and precision.

The defaults apply unless the scenario has a member of that name (`study.scenario.Recipe`). Global flags of
torch are restored when a training ends, because a process runs many trainings.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from study.errors import OptionError
from study.training.loading import gc_paused

Precision = Literal["fp32", "tf32", "bf16", "fp16"]

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """Settings of one stage's training.

    Attributes:
        batch_size: Samples per step; all samples if there are fewer.
        learning_rate: Learning rate, constant over the training unless the scenario has a schedule.
        max_epochs: Largest number of passes over the samples.
        patience: Number of passes over the samples without a better objective after which training stops.
        optimizer: Name of the optimiser, a key of `OPTIMIZERS`.
        seed: Seed of the initial weights and of the order of samples.
        weight_decay: Weight decay of the optimiser; None for its own default.
        precision: Precision of the arithmetic; weights and their sums are always fp32.
        compiled: Whether the network is compiled with `torch.compile`.
        accumulate: Number of parts each batch is split into, whose gradients are added up.
        clip_norm: Largest norm of a step's gradients; None does not clip.
        validate_every: Interval between validations: below 1 a share of a pass over the samples, from 1
            a number of steps; None validates once per pass. With a value, the part of a pass between two
            validations is counted as an epoch.
        steps_per_epoch: Steps in a pass over the samples, for schedules; None until the data are known.
    """

    batch_size: int
    learning_rate: float
    max_epochs: int
    patience: int
    optimizer: str
    seed: int
    weight_decay: float | None = None
    precision: Precision = "fp32"
    compiled: bool = False
    accumulate: int = 1
    clip_norm: float | None = None
    validate_every: float | None = None
    steps_per_epoch: int | None = None

    @property
    def steps_between(self) -> int:
        """Steps from one validation to the next, at most those of a pass."""
        return _steps_between(self.steps_per_epoch or 1, self.validate_every)

    @property
    def validations(self) -> int:
        """Number of validations in a pass over the samples, including the one at its end."""
        return validations_of(self.steps_per_epoch or 1, self.validate_every)


def validations_of(steps: int, validate_every: float | None) -> int:
    """Return the number of validations in a pass over the samples.

    Args:
        steps: Number of steps in a pass.
        validate_every: See `TrainingSettings`.
    """
    return math.ceil(steps / _steps_between(steps, validate_every))


def _steps_between(steps: int, validate_every: float | None) -> int:
    if validate_every is None:
        return steps
    wanted = validate_every if validate_every >= 1 else validate_every * steps
    return min(steps, max(1, math.ceil(wanted - 1e-9)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Functions of a scenario that replace the default ones; None keeps the default.

    Attributes:
        optimizer: Makes the optimiser, or a pair of optimiser and schedule, from network and settings.
        training_step: Computes the loss from network and batch.
        validation_step: Computes the loss and the metrics from network and batch.
        loaders: Makes data loaders by name of the part (train, val, test) from batch size and seed.
    """

    optimizer: Callable[[nn.Module, TrainingSettings], Any] | None = None
    training_step: Callable[[nn.Module, Any], Tensor] | None = None
    validation_step: Callable[[nn.Module, Any], tuple[Tensor, Mapping[str, Tensor]]] | None = None
    loaders: Callable[[int, int], Mapping[str, Any]] | None = None


def optimizer_of(
    network: nn.Module, settings: TrainingSettings, steps: Steps
) -> tuple[torch.optim.Optimizer, Any]:
    """Return the optimiser and its schedule, which is None if the learning rate is constant.

    Raises:
        TypeError: The scenario's `optimizer` returns something other than an optimiser with or without
            a schedule.
    """
    if steps.optimizer is not None:
        made = steps.optimizer(network, settings)
        found, schedule = made if isinstance(made, tuple | list) else (made, None)
        if not isinstance(found, torch.optim.Optimizer):
            message = (
                f"optimizer(network, settings) returns a {type(found).__name__}; allowed: a torch "
                "optimiser, or an optimiser and its schedule"
            )
            raise TypeError(message)
        return found, schedule
    trained = [each for each in network.parameters() if each.requires_grad]
    decay = {} if settings.weight_decay is None else {"weight_decay": settings.weight_decay}
    with gc_paused():  # the first optimiser in a process imports torch's compiler
        return OPTIMIZERS[settings.optimizer](trained, lr=settings.learning_rate, **decay), None


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Return a context for forward passes that uses bf16 or fp16 where torch considers it safe."""
    if precision not in AUTOCAST:
        return nullcontext()
    return torch.autocast(device.type, dtype=AUTOCAST[precision])


def scaler_of(device: torch.device, precision: Precision) -> torch.amp.GradScaler:
    """Return a scaler that keeps fp16 gradients from vanishing; in other precisions it does nothing."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")


def check_compiler() -> None:
    """Compile a tiny function for this machine's CPU, to find out whether `torch.compile` works.

    Raises:
        OptionError: `torch.compile` does not work on this machine.
    """
    try:
        torch.compile(lambda values: values + 1)(torch.zeros(2))
    except Exception as error:  # whatever a compiler, or its absence, raises
        first = str(error).strip().partition("\n")[0]
        message = (
            f"--compile: torch.compile does not work on this machine: {type(error).__name__}: {first}. "
            "It needs a C++ compiler (such as g++) and Python's headers; install them, or leave "
            "--compile out."
        )
        raise OptionError(message) from error
    finally:
        torch.compiler.reset()


@contextmanager
def global_flags(precision: Precision) -> Iterator[None]:
    """Allow or forbid tf32 in matrix products and convolutions, and restore torch's flags afterwards.

    By default torch allows tf32 in convolutions, so without this `fp32` would not mean fp32.
    """
    matmul, convolution = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution
