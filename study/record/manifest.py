"""The manifest study.json: what a study was asked to do, and where and with what software it ran.

Together with `study.record.records` this is the contract between `study`, which writes, and `analysis`,
which reads.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec

from study.record.migration import READABLE, SCHEMA_VERSION, migrated_manifest
from study.record.objective import ACCURACY, Objective
from study.record.rows import printable
from study.record.vocabulary import EnergyMethod, EnergyScope, Paradigm, Stage

BYTE_ORDER_MARK = "\ufeff"
"""Mark that some editors on Windows put at the start of a text file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """Facts of the data that the networks of a study were trained on.

    Attributes:
        synthetic: True for generated data; every output then says `data: synthetic`.
        description: One line for people.
        fingerprint: String that changes whenever the data does.
        train_samples: Number of training samples; None if unknown.
        val_samples: Number of validation samples; None if unknown.
        classes: Names of the classes, in the order of their numbers; empty where there are none.
        chance_accuracy: Validation accuracy of always predicting the most frequent class of the
            validation data; None where targets are not class numbers, or are not read in advance.
    """

    synthetic: bool
    description: str
    fingerprint: str
    train_samples: int | None
    val_samples: int | None
    classes: tuple[str, ...]
    chance_accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """A device that was measured.

    Attributes:
        uuid: Vendor's identifier of the device.
        name: Vendor's name of the device.
        kind: `gpu`, `cpu` or `recording`.
        power_limit_w: Power limit of the device in watts; None if unknown.
        idle_power_w: Mean power before the first trial, in watts; None if not measured by a sensor.
        driver: Version of its driver; None if it has none.
    """

    uuid: str
    name: str
    kind: str
    power_limit_w: float | None
    idle_power_w: float | None
    driver: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentFacts:
    """Source and method by which a component of a machine is measured.

    Attributes:
        component: `gpu`, `cpu`, `memory` or `node`, which contains the others.
        source: Name of the power source.
        method: Method by which its energies are determined.
        note: How the source measures, in a sentence.
    """

    component: str
    source: str
    method: EnergyMethod
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A machine of the study.

    Attributes:
        hostname: Host name of the machine.
        cpus: Number of CPUs that Ray may use on it.
        gpus: Number of GPUs that Ray may use on it.
        source: Name of the power source that its tracker uses; None if it has none.
        method: Method by which energies are determined with this source; None without one.
        note: How the source measures, in a sentence (for an estimate: the watts that it assumes).
        refused: Sources that are not used, with the reason for each.
        devices: Devices that the source can measure.
        components: How each measured component is measured; unmeasured ones are omitted.
    """

    hostname: str
    cpus: float
    gpus: float
    source: str | None
    method: EnergyMethod | None
    note: str
    refused: dict[str, str]
    devices: tuple[DeviceFacts, ...]
    components: tuple[ComponentFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupFacts:
    """One choice of training parameters, numbered from 1 (paper, Table 1).

    Attributes:
        setup: Number of the setup.
        batch_size: Batch size in every stage; None where it has none.
        learning_rate: Learning rate in every stage; None where it has none.
        parameters: Values of all further axes, by name, for example `{"alpha": 0.5}`.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, Any]:
        """Return the values of all axes, by name."""
        own = {"batch_size": self.batch_size, "learning_rate": self.learning_rate}
        return {**own, **self.parameters}


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherTrial:
    """A training of one setup beyond the repeats that every setup has.

    Attributes:
        setup: Number of the setup.
        seed: Seed of the weights and of the order of samples.
        attempt: Number of the attempt with which it starts; more than 1 for a trial that was paused.
    """

    setup: int
    seed: int
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The setup that a search recommends at its end, by the same rule that decides what it repeats.

    Attributes:
        setup: Number of the setup.
        probability: Probability that it needs at most 5 % more energy than the cheapest setup; None where no
            setup was trained twice.
        repeats: Number of trainings that this rests on, beyond the first of each setup.
    """

    setup: int
    probability: float | None
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Content of study.json: what was asked of a study, and where and with what software it ran.

    Attributes:
        study: Name of the study.
        paradigm: What it compares.
        scenario: Name of the scenario.
        status: `running`, `finished` or `interrupted`.
        started_at: Start of the study: wall time in ISO 8601 with time zone.
        finished_at: End of the study, in the same format; None while it runs.
        setup_time_s: Seconds from the start of the command to that of the first trial; None until then.
        command: The command line, as words.
        options: Values of all options by name.
        versions: Versions of Python, the operating system and the relevant packages.
        git_commit: Commit of the checkout; None outside one.
        data: Facts of the data trained on.
        setups: Setups of the study.
        seeds: Seeds that every setup is trained with, one for each repeat.
        further: Trainings of single setups beyond those, in the order in which they were started.
        nodes: Machines of the study.
        warnings: Sentences that a reader of the results needs to know.
        stages: Stages of each trial, in the order of the paper.
        encoder_weights: Origin of published weights that every encoder starts from, and whose energy is
            unknown; None where encoders start from scratch.
        objective: Validation metric that decides.
        energy_of: Scope of the energy that setups are ranked by, in `EpochRecord.epoch_energy_j`.
        charging: Rule by which each shared component was charged to trials, by component.
        answer: Answer of a search that pauses trainings, when it last ended; None while it runs, for
            other studies, and where no training reached the target.
        schema_version: Schema version of this file and of the tables beside it.
    """

    study: str
    paradigm: Paradigm
    scenario: str
    status: str
    started_at: str
    finished_at: str | None
    setup_time_s: float | None
    command: tuple[str, ...]
    options: dict[str, Any]
    versions: dict[str, str]
    git_commit: str | None
    data: DataFacts
    setups: tuple[SetupFacts, ...]
    seeds: tuple[int, ...]
    nodes: tuple[NodeFacts, ...]
    further: tuple[FurtherTrial, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    stages: tuple[str, ...] = (Stage.ENCODER_CLASSIFIER,)
    encoder_weights: str | None = None
    objective: Objective = ACCURACY
    energy_of: EnergyScope = EnergyScope.ACCELERATOR
    charging: dict[str, str] = field(default_factory=dict)
    answer: SearchAnswer | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def trials(self) -> int:
        """Return the number of trials: every setup with every seed, and the further ones."""
        return len(self.setups) * len(self.seeds) + len(self.further)

    @property
    def workers(self) -> int:
        """Return the number of processes that train each trial, as its options say."""
        given = (self.options.get(name) for name in ("workers_per_trial", "gpus_per_trial"))
        return workers_of(*given)

    @property
    def estimated_components(self) -> frozenset[str]:
        """Return the components that are estimated, not measured, on at least one of the machines."""
        every = (each for node in self.nodes for each in node.components)
        return frozenset(c.component for c in every if c.method is EnergyMethod.ESTIMATED)

    def to_json(self) -> str:
        """Return the manifest as indented JSON."""
        values: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        values["options"] = {name: _plain(value) for name, value in values["options"].items()}
        return json.dumps(values, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse a manifest that `to_json` wrote, in this version or in 0.1.

        Raises:
            ValueError: The text is not JSON, has another schema version, or a field is missing or wrong.
        """
        raw = _printable(json.loads(text.removeprefix(BYTE_ORDER_MARK)))
        got = raw.get("schema_version") if isinstance(raw, Mapping) else type(raw).__name__
        if got not in READABLE:
            message = (
                f"schema version {got!r}; this program reads {' and '.join(map(str, READABLE))}. "
                "Read the study with the version of the program that wrote it."
            )
            raise ValueError(message)
        try:
            return msgspec.convert(migrated_manifest(raw), cls)
        except (msgspec.ValidationError, KeyError, TypeError) as error:
            message = f"the manifest is incomplete or from another program: {error}"
            raise ValueError(message) from error


def _printable(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has
    """Return a JSON value without control characters in its strings, see `printable`."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(name): _printable(each) for name, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list) else value


def _plain(option: object) -> object:
    """Return an option's value as JSON can hold it: infinities and NaN become text."""
    return str(option) if isinstance(option, float) and not math.isfinite(option) else option


def workers_of(workers_per_trial: int | None, gpus_per_trial: float | None) -> int:
    """Return the number of processes that train a trial: as many as it has boards, unless given."""
    return workers_per_trial or max(1, int(gpus_per_trial or 1))
