"""The parts of a scenario: an application's data, its network, its loss and its accuracy.

The built-in ones are in `study.data`, a room each; `study.scenario_lookup` finds those and the user's
own. Any class with the members of `Scenario` is one; nothing needs to be inherited.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from study.data_set_faults import faults_of_data_set
from study.errors import DataError, ScenarioError
from study.record.manifest import DataFacts
from study.record.objective import ACCURACY, Objective

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrays:
    """Samples and what is to be learnt of them, as one array each.

    Attributes:
        inputs: Shape (samples, ...); float32, uint8, or int64 (tokens); channels first.
        targets: Shape (samples, ...). int64: class numbers from 0, in column 0 where there are
            several columns and `classes` are named; or tokens. float32: numbers.
    """

    inputs: npt.NDArray[Any]
    targets: npt.NDArray[Any]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.targets)

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: They are no arrays, there is no sample, not one target for each, or a type that
                would make every training fail; all that is wrong.
        """
        named: dict[str, object] = {"inputs": self.inputs, "targets": self.targets}
        faults = [
            f"{name} are a {type(array).__name__}; allowed is an array of numpy. Convert them: "
            + (f"{name}.numpy()" if hasattr(array, "numpy") else f"numpy.asarray({name})")
            for name, array in named.items()
            if not isinstance(array, np.ndarray)
        ]
        if faults:
            raise ValueError("; ".join(faults))
        if len(self.inputs) != len(self.targets) or not len(self.targets):
            faults.append(
                f"{len(self.inputs)} inputs and {len(self.targets)} targets; "
                "there must be as many of both, and at least one"
            )
        for name, array, allowed in (
            ("inputs", self.inputs, ("float32", "uint8", "int64")),
            ("targets", self.targets, ("float32", "int64")),
        ):
            if array.dtype.name not in allowed:
                to = {"f": "float32", "i": "int64", "u": "int64", "b": "int64"}.get(
                    array.dtype.kind
                )
                how = f"{name}.astype({to or 'float32'!r})"
                if name == "targets" and not to:
                    how = "numpy.unique(targets, return_inverse=True)[1]"
                faults.append(
                    f"{name} are {array.dtype.name}; allowed is {' or '.join(allowed)}. Convert them: {how}"
                )
        if faults:
            raise ValueError("; ".join(faults))

    @property
    def labels(self) -> npt.NDArray[Any]:
        """Class numbers, where the targets are some; shape (samples,)."""
        return self.targets if self.targets.ndim == 1 else self.targets[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A scenario's data, split and ready to train on.

    Attributes:
        train: What is trained on: arrays, or a map-style `torch.utils.data.Dataset` of pairs of
            inputs and targets, which is opened on the machine of the trial.
        val: What early stopping and scores are taken from, likewise.
        test: What the best epoch's weights are evaluated on, once, and nobody looks at while
            choosing; None where there is none.
        classes: Names of the classes, in the order of their numbers; none where targets are no
            class numbers.
        synthetic: True for generated data; every output then says so.
        description: One line for people.
        weights: Published weights for the encoder, by name; None where it starts from scratch.
        encoder_weights: Where those come from, in words; None where there are none.
        network_options: What the scenario's networks must know besides the arrays; it reaches the
            trials with them.
        loading: Options of the `DataLoader` for data sets: `num_workers`, `pin_memory`,
            `collate_fn` ...
        variants: The scenario and its data with other values of its own options, where a study has
            those as axes; see `study.axes.variants`.
        fingerprint: A word that changes whenever the data would; needed where a part is a data set,
            whose content nobody reads beforehand.
    """

    train: Any
    val: Any
    test: Any = None
    classes: tuple[str, ...] = ()
    synthetic: bool
    description: str
    weights: Mapping[str, npt.NDArray[Any]] | None = None
    encoder_weights: str | None = None
    network_options: Mapping[str, Any] = field(default_factory=dict)
    loading: Mapping[str, Any] = field(default_factory=dict)
    variants: tuple[Any, ...] = ()
    fingerprint: str | None = None

    @property
    def parts(self) -> dict[str, Any]:
        """The parts that there are, by name."""
        named = {"train": self.train, "val": self.val, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}

    def __post_init__(self) -> None:
        """Refuse what makes each training fail.

        Raises:
            DataError: A label is not the number of a class, or a part is neither arrays nor a data
                set with a length and a fingerprint; a paragraph for each part.
        """
        faults = [
            fault
            for name, part in {"train": self.train, "val": self.val, **self.parts}.items()
            for fault in (
                _faults_of_labels(name, part, self.classes)
                if isinstance(part, Arrays)
                else faults_of_data_set(name, part, self.fingerprint)
            )
        ]
        if faults:
            raise DataError("\n\n".join(faults))

    def facts(self) -> DataFacts:
        """Facts of the data, for the manifest."""
        digest = hashlib.sha256()
        for name, part in self.parts.items():
            if not isinstance(part, Arrays):
                digest.update(str((name, len(part), self.fingerprint)).encode())
                continue
            for array in (part.inputs, part.targets):
                digest.update(str((array.shape, array.dtype.str)).encode())
                digest.update(np.ascontiguousarray(array).data)
        for name, array in sorted((self.weights or {}).items()):
            digest.update(str((name, array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).data)
        for variant in self.variants:
            digest.update(variant.data.facts().fingerprint.encode())
        return DataFacts(
            synthetic=self.synthetic,
            description=self.description,
            fingerprint=digest.hexdigest(),
            train_samples=len(self.train),
            val_samples=len(self.val),
            classes=self.classes,
            chance_accuracy=self._chance(),
        )

    def _chance(self) -> float | None:
        """Accuracy of always naming the commonest class; None where that says nothing."""
        if not self.classes or not isinstance(self.val, Arrays):
            return None
        if self.val.targets.dtype.kind != "i":
            return None
        return float(np.bincount(self.val.labels).max() / len(self.val))


def _faults_of_labels(name: str, part: Arrays, classes: tuple[str, ...]) -> Iterator[str]:
    if not classes or part.targets.dtype.kind != "i":
        return
    low, high = int(part.labels.min()), int(part.labels.max())
    if low < 0 or high >= len(classes):
        yield (
            f"the labels of {name} go from {low} to {high}; with {len(classes)} classes "
            f"allowed are 0 to {len(classes) - 1}. Number the classes from 0, and "
            "name each in `classes`."
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
        """Means over a batch, each of shape (), the objective among them.

        The objective is `accuracy`, a share, unless the scenario has a member `objective`.
        """
        ...


def objective_of(scenario: Scenario) -> Objective:
    """The validation metric that decides: the scenario's own `objective`, or the accuracy.

    Raises:
        ScenarioError: Its `objective` is something else.
    """
    found = getattr(scenario, "objective", ACCURACY)
    if not isinstance(found, Objective):
        message = (
            f"scenario {scenario.name}: its objective is {found!r}; allowed is "
            'study.Objective("rmse", mode="min") or its like.'
        )
        raise ScenarioError(message)
    return found


@runtime_checkable
class Pretrainable(Protocol):
    """A scenario whose encoder can be pretrained as the half of an autoencoder.

    Its network must have the members `encoder` and `head`, and compute `head(encoder(inputs))`.
    """

    def decoder(self, data: Data) -> "nn.Module":
        """Return a fresh decoder, from the encoder's latent features to the inputs' shape."""
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
        """Mean loss of a batch of one task, from what the network gives under its name; shape ().

        Targets are those of all tasks, as `load` has them.
        """
        ...

    def task_score(self, task: str, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """The objective of one task in a batch, such as its accuracy, likewise; shape ().

        Where several are trained, their mean decides when the training stops: give values of a like
        size.
        """
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
