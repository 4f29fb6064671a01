"""What a scenario is: an application's data, its network, its loss and its accuracy.

The built-in ones are in `study.data`, a room each; `study.scenario_lookup` finds those and the user's
own. Any class with the members of `Scenario` is one; nothing needs to be inherited.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from study.errors import DataError
from study.record.manifest import DataFacts

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrays:
    """Samples and what is to be learnt of them, as one array each.

    Attributes:
        inputs: Shape (samples, ...), float32 or uint8; channels first.
        targets: int64; shape (samples,), class numbers from 0. Or shape (samples, columns) where
            there is more to be learnt: column 0 holds the class numbers, what the others hold is
            the scenario's to know.
    """

    inputs: npt.NDArray[Any]
    targets: npt.NDArray[Any]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.targets)

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: There is no sample, not one target for each, or a type that would make every
                training fail.
        """
        if len(self.inputs) != len(self.targets) or not len(self.targets):
            message = (
                f"{len(self.inputs)} inputs and {len(self.targets)} targets; "
                "there must be as many of both, and at least one"
            )
            raise ValueError(message)
        if self.targets.ndim not in (1, 2):
            message = (
                f"targets have the shape {self.targets.shape}; allowed are (samples,) and "
                "(samples, columns)"
            )
            raise ValueError(message)
        for name, array, allowed in (
            ("inputs", self.inputs, ("float32", "uint8")),
            ("targets", self.targets, ("int64",)),
        ):
            if array.dtype.name not in allowed:
                message = (
                    f"{name} are {array.dtype.name}; allowed is {' or '.join(allowed)}. "
                    f"Convert them: {name}.astype({allowed[0]!r})"
                )
                raise ValueError(message)

    @property
    def labels(self) -> npt.NDArray[Any]:
        """Class numbers; shape (samples,)."""
        return self.targets if self.targets.ndim == 1 else self.targets[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A scenario's data, split and ready to train on.

    Attributes:
        train: What is trained on.
        val: What early stopping and accuracy are taken from.
        test: What nobody looks at while choosing; None where there is none.
        classes: Names of the classes, in the order of their numbers.
        synthetic: True for generated data; every output then says so.
        description: One line for people.
        weights: Published weights for the encoder, by name; None where it starts from scratch.
        encoder_weights: Where those come from, in words; None where there are none.
        network_options: What the scenario's networks must know besides the arrays; it reaches the
            trials with them.
    """

    train: Arrays
    val: Arrays
    test: Arrays | None = None
    classes: tuple[str, ...]
    synthetic: bool
    description: str
    weights: Mapping[str, npt.NDArray[Any]] | None = None
    encoder_weights: str | None = None
    network_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse class numbers without a class: each training would fail on them.

        Raises:
            DataError: A label is not the number of a class.
        """
        parts = {"train": self.train, "val": self.val, "test": self.test}
        for name, part in parts.items():
            if part is None:
                continue
            low, high = int(part.labels.min()), int(part.labels.max())
            if low < 0 or high >= len(self.classes):
                message = (
                    f"the labels of {name} go from {low} to {high}; with {len(self.classes)} classes "
                    f"allowed are 0 to {len(self.classes) - 1}. Number the classes from 0, and "
                    "name each in `classes`."
                )
                raise DataError(message)

    def facts(self) -> DataFacts:
        """What the manifest says of the data."""
        digest = hashlib.sha256()
        for part in (self.train, self.val, *((self.test,) if self.test else ())):
            for array in (part.inputs, part.targets):
                digest.update(str((array.shape, array.dtype.str)).encode())
                digest.update(np.ascontiguousarray(array).data)
        for name, array in sorted((self.weights or {}).items()):
            digest.update(str((name, array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        return DataFacts(
            synthetic=self.synthetic,
            description=self.description,
            fingerprint=digest.hexdigest(),
            train_samples=len(self.train),
            val_samples=len(self.val),
            classes=self.classes,
            chance_accuracy=float(np.bincount(self.val.labels).max() / len(self.val)),
        )


@runtime_checkable
class Scenario(Protocol):
    """An application: a data set with its network, loss and metrics.

    Attributes:
        name: Short; stands in every record.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Read and split the data; called once per study, in the driver.

        Args:
            data_dir: The folder of the data set; None for data that needs none, or a built-in
                synthetic sample.
            seed: Of whatever is random in the split.

        Raises:
            DataError: The folder or a file in it is not as it should be.
        """
        ...

    def network(self, data: Data) -> "nn.Module":
        """A fresh network for the data's shapes and classes; the caller has set the seed."""
        ...

    def loss(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Mean loss of a batch; shape ()."""
        ...

    def metrics(self, outputs: "Tensor", targets: "Tensor") -> "Mapping[str, Tensor]":
        """Means over a batch, each of shape (), `accuracy` among them; more are heads' own."""
        ...


@runtime_checkable
class Pretrainable(Protocol):
    """A scenario whose encoder can be pretrained as the half of an autoencoder.

    Its network must have the members `encoder` and `head`, and compute `head(encoder(inputs))`.
    """

    def decoder(self, data: Data) -> "nn.Module":
        """From the encoder's latent features back to the inputs' shape; a fresh one."""
        ...


@runtime_checkable
class Multitask(Protocol):
    """A scenario with two or more tasks on the same inputs, which share an encoder.

    A network for several gives its outputs by the name of the task, and so takes whoever has one.

    Attributes:
        tasks: Their names, in the order in which weights of the joint loss are given.
    """

    @property
    def tasks(self) -> tuple[str, ...]: ...  # noqa: D102 - see the class

    def task_network(self, data: Data, tasks: tuple[str, ...]) -> "nn.Module":
        """A fresh network with a head for each of the tasks; its outputs are by task."""
        ...

    def task_loss(self, task: str, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Mean loss of a batch of one task; shape ()."""
        ...

    def task_accuracy(self, task: str, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Share of what was recognised in a batch of one task; shape ()."""
        ...


@runtime_checkable
class Configurable(Protocol):
    """A scenario that has options of its own.

    Attributes:
        options: A frozen dataclass whose fields all have defaults. They become options of the
            command line, explained by the class's docstring, in a group of their own.
    """

    @property
    def options(self) -> type: ...  # noqa: D102 - see the class

    def configured(self, options: Any) -> Scenario:  # noqa: ANN401 - an instance of `options`
        """This scenario with these options; called in the driver, before `load`.

        What its networks must know of them, `load` puts into `Data.network_options`.

        Raises:
            OptionError: A value is not allowed.
        """
        ...


@runtime_checkable
class Searchable(Protocol):
    """A scenario with something of its own to choose, which a search can choose from.

    Attributes:
        own_axes: Values by name: what is searched over by itself; none for what is searched over
            only where `--space` names it.
    """

    @property
    def own_axes(self) -> Mapping[str, tuple[Any, ...]]: ...  # noqa: D102 - see the class

    def offering(self, choices: Mapping[str, tuple[Any, ...]]) -> Scenario:
        """This scenario with these values to choose from; called in the driver, before `load`.

        What they need, `load` puts into the data, so that a trial has it whatever it chooses.

        Raises:
            OptionError: A value is not allowed.
        """
        ...

    def chosen(self, data: Data, parameters: Mapping[str, Any]) -> Data:
        """The data of a trial whose setup has these parameters, the scenario's own among them."""
        ...
