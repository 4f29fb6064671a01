"""Protocols of a scenario: an application's data, its network, its loss and its metrics.

The built-in scenarios are the packages of `study.data`; `study.scenario_lookup` finds them and the
user's own. Any class with the members of `Scenario` is a scenario; no base class is required.
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
    """Samples of a part of the data, as one array of inputs and one of targets.

    Attributes:
        inputs: Shape (samples, ...); float32, uint8, or int64 (tokens); channels first.
        targets: Shape (samples, ...). int64 for tokens or for class numbers from 0 (in column 0, where
            there are several columns and `Data.classes` is given); float32 for real values.
    """

    inputs: npt.NDArray[Any]
    targets: npt.NDArray[Any]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.targets)

    def __post_init__(self) -> None:
        """Check that the two arrays fit together.

        Raises:
            ValueError: They are not numpy arrays, are empty, differ in length, or have a dtype with
                which every training would fail; the message lists all faults.
        """
        named: dict[str, object] = {"inputs": self.inputs, "targets": self.targets}
        faults = [
            f"{name} are a {type(array).__name__}; allowed: an array of numpy. Convert them: "
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
                    f"{name} are {array.dtype.name}; allowed: {' or '.join(allowed)}. Convert them: {how}"
                )
        if faults:
            raise ValueError("; ".join(faults))

    @property
    def labels(self) -> npt.NDArray[Any]:
        """Class numbers, shape (samples,); only meaningful where the targets are class numbers."""
        return self.targets if self.targets.ndim == 1 else self.targets[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A scenario's data, split and ready to train on.

    Attributes:
        train: Training data: `Arrays`, or a map-style `torch.utils.data.Dataset` of pairs of inputs and
            targets, which is opened on the machine of the trial.
        val: Validation data for early stopping and scores; of the same types.
        test: Test data, of the same types, on which the weights of the best epoch are evaluated once;
            no choice depends on it. None where there is none.
        classes: Names of the classes, in the order of their numbers; empty where the targets are not
            class numbers.
        synthetic: True for generated data; every output then says so.
        description: One line for people.
        weights: Published weights for the encoder, by name; None where it starts from scratch.
        encoder_weights: Origin of those weights, in words; None where there are none.
        network_options: What the scenario's networks need to know besides the arrays; it is sent to the
            trials with them.
        loading: Arguments of the `DataLoader` where a part is a data set: `num_workers`, `pin_memory`,
            `collate_fn` ...
        variants: The scenario and its data for other values of its own options, where a study has such
            options as axes; see `study.axes.variants`.
        fingerprint: A string that changes whenever the data does. Required where a part is a data set,
            since its content is not read in advance; None otherwise.
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
        """Parts of the data that are not None, by name."""
        named = {"train": self.train, "val": self.val, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}

    def __post_init__(self) -> None:
        """Check the data for faults with which every training would fail.

        Raises:
            DataError: A label is not the number of a class, or a part is neither `Arrays` nor a valid
                data set (with a length, samples and a fingerprint); a paragraph for each fault.
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
        """Return the facts of the data for the manifest, with a hash of its content."""
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
        """Validation accuracy of always predicting the most frequent class; None without class numbers."""
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
            f"the labels of {name} go from {low} to {high}; allowed: 0 to "
            f"{len(classes) - 1}, for {len(classes)} classes. Number the classes from 0, and "
            "name each in `classes`."
        )


@runtime_checkable
class Scenario(Protocol):
    """An application: a data set with its network, loss and metrics.

    Attributes:
        name: Short name; it is written into every record.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - see the class

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Read and split the data; called once per study, in the driver.

        Args:
            data_dir: Folder of the data set; None for data that needs no folder, or for the built-in
                synthetic sample.
            seed: Seed of any randomness in the split.

        Raises:
            DataError: The folder or a file in it is missing, incomplete or malformed.
        """
        ...

    def network(self, data: Data) -> "nn.Module":
        """Return a new network for the data's shapes and classes; the caller has set the seed."""
        ...

    def loss(self, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Mean loss of a batch; shape ()."""
        ...

    def metrics(self, outputs: "Tensor", targets: "Tensor") -> "Mapping[str, Tensor]":
        """Mean metrics of a batch by name, each of shape (), including the objective.

        The objective is `accuracy`, between 0 and 1, unless the scenario has a member `objective`.
        """
        ...


def objective_of(scenario: Scenario) -> Objective:
    """Return the objective of a scenario: its own `objective`, or by default the accuracy.

    Raises:
        ScenarioError: Its `objective` is not an `Objective`.
    """
    found = getattr(scenario, "objective", ACCURACY)
    if not isinstance(found, Objective):
        message = (
            f"scenario {scenario.name}: its objective is {found!r}; allowed: "
            'study.Objective("rmse", mode="min") or its like.'
        )
        raise ScenarioError(message)
    return found


@runtime_checkable
class Pretrainable(Protocol):
    """A scenario whose encoder can be pretrained as one half of an autoencoder.

    Its network must have the members `encoder` and `head`, and compute `head(encoder(inputs))`.
    """

    def decoder(self, data: Data) -> "nn.Module":
        """Return a new decoder, from the encoder's latent features to the shape of the inputs."""
        ...


@runtime_checkable
class Multitask(Protocol):
    """A scenario with two or more tasks on the same inputs, which share an encoder.

    Its networks return their outputs by the name of the task, also where they have a single task.

    Attributes:
        tasks: Names of the tasks, in the order in which the weights of the joint loss are given.
    """

    @property
    def tasks(self) -> tuple[str, ...]: ...  # noqa: D102 - see the class

    def task_network(self, data: Data, tasks: tuple[str, ...]) -> "nn.Module":
        """Return a new network with a head for each of these tasks; its outputs are a mapping by task."""
        ...

    def task_loss(self, task: str, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Mean loss of one task in a batch; shape ().

        Args:
            task: Name of the task.
            outputs: Output of the network for this task.
            targets: Targets of all tasks, as `load` returned them.
        """
        ...

    def task_score(self, task: str, outputs: "Tensor", targets: "Tensor") -> "Tensor":
        """Objective of one task in a batch, such as its accuracy; shape (). For arguments see `task_loss`.

        Where several tasks are trained together, the mean of their scores decides early stopping, so
        the scores should be on a similar scale.
        """
        ...


@runtime_checkable
class Configurable(Protocol):
    """A scenario that has options of its own.

    Attributes:
        options: A frozen dataclass whose fields all have defaults. They become a separate group of
            command-line options, documented by the docstring of the class.
    """

    @property
    def options(self) -> type: ...  # noqa: D102 - see the class

    def configured(self, options: Any) -> Scenario:  # noqa: ANN401 - an instance of `options`
        """Return this scenario with these options; called in the driver, before `load`.

        `load` puts whatever the networks need to know of them into `Data.network_options`.

        Raises:
            OptionError: A value is not allowed.
        """
        ...


@runtime_checkable
class Searchable(Protocol):
    """A scenario with axes of its own that a search can choose from.

    Attributes:
        own_axes: Values of each axis by its name. An axis with values is searched by default; one
            without any only where `--space` names it.
    """

    @property
    def own_axes(self) -> Mapping[str, tuple[Any, ...]]: ...  # noqa: D102 - see the class

    def offering(self, choices: Mapping[str, tuple[Any, ...]]) -> Scenario:
        """Return this scenario with these values to choose from; called in the driver, before `load`.

        `load` then puts the data for all of these values into `Data`, so that a trial finds its own
        whichever it chooses.

        Raises:
            OptionError: A value is not allowed.
        """
        ...

    def chosen(self, data: Data, parameters: Mapping[str, Any]) -> Data:
        """Return the data for a trial whose setup has these parameters, the scenario's own included."""
        ...
