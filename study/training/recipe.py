"""The training of a network beside its loss: optimiser, schedule, steps, precision.

Each is plain unless the scenario has a member of that name (`study.scenario.Recipe`). What is global to
torch is put back when a training ends, because a process runs many.
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
from study.training.loading import quickly_loading

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
        batch_size: Samples per step; more than there are means all of them.
        learning_rate: Constant over the training, unless the scenario has a schedule.
        max_epochs: The training ends after so many epochs at the latest.
        patience: It ends when what it watches has not become better for so many epochs.
        optimizer: A key of `OPTIMIZERS`.
        seed: Of the weights and of the order of samples.
        weight_decay: Of the optimiser; None for its own default.
        precision: Of the arithmetic; weights and their sums are always fp32.
        compiled: Whether the network is compiled.
        accumulate: Parts that each batch is split into, whose gradients are added up.
        clip_norm: Largest norm of the gradients of a step; None for any.
        validate_every: Share of a pass over the samples after which it is validated, below 1, or
            steps, from 1; None for once in a pass. What lies between two validations is then what
            is called an epoch.
        steps_per_epoch: Steps of an epoch, for schedules; None until the data are known.
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
        """Steps from one validation to the next; all of a pass where those do not suffice."""
        return _steps_between(self.steps_per_epoch or 1, self.validate_every)

    @property
    def validations(self) -> int:
        """Validations in a pass over the samples, the one at its end included."""
        return validations_of(self.steps_per_epoch or 1, self.validate_every)


def validations_of(steps: int, validate_every: float | None) -> int:
    """Return the number of validations in a pass over the samples.

    Args:
        steps: Of a pass.
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
    """A scenario's own ways; None where it does the plain thing.

    Attributes:
        optimizer: From network and settings to an optimiser, or an optimiser and its schedule.
        training_step: From network and batch to the loss.
        validation_step: From network and batch to the loss and metrics.
        loaders: From batch size and seed to loaders by the name of the part.
    """

    optimizer: Callable[[nn.Module, TrainingSettings], Any] | None = None
    training_step: Callable[[nn.Module, Any], Tensor] | None = None
    validation_step: Callable[[nn.Module, Any], tuple[Tensor, Mapping[str, Tensor]]] | None = None
    loaders: Callable[[int, int], Mapping[str, Any]] | None = None


def optimizer_of(
    network: nn.Module, settings: TrainingSettings, steps: Steps
) -> tuple[torch.optim.Optimizer, Any]:
    """The optimiser of a training, and its schedule, which is None where the rate is constant.

    Raises:
        TypeError: The scenario's `optimizer` returns something else.
    """
    if steps.optimizer is not None:
        made = steps.optimizer(network, settings)
        found, schedule = made if isinstance(made, tuple | list) else (made, None)
        if not isinstance(found, torch.optim.Optimizer):
            message = (
                f"optimizer(network, settings) returns a {type(found).__name__}; allowed is a torch "
                "optimiser, or an optimiser and its schedule"
            )
            raise TypeError(message)
        return found, schedule
    trained = [each for each in network.parameters() if each.requires_grad]
    decay = {} if settings.weight_decay is None else {"weight_decay": settings.weight_decay}
    with quickly_loading():  # the first optimiser of a process loads torch's compiler
        return OPTIMIZERS[settings.optimizer](trained, lr=settings.learning_rate, **decay), None


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Around a forward pass: the arithmetic of bf16 and fp16 where it is safe."""
    if precision not in AUTOCAST:
        return nullcontext()
    return torch.autocast(device.type, dtype=AUTOCAST[precision])


def scaler_of(device: torch.device, precision: Precision) -> torch.amp.GradScaler:
    """Scales the loss of fp16, whose gradients would vanish; does nothing otherwise."""
    return torch.amp.GradScaler(device.type, enabled=precision == "fp16")


def check_compiler() -> None:
    """Compile something tiny on this machine's CPU.

    Raises:
        OptionError: torch.compile does not work here.
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
    """Around a training: whether matrices and convolutions may round to tf32; put back afterwards.

    torch lets convolutions do so by itself, so that `fp32` would not be what it says.
    """
    matmul, convolution = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "fp32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution
