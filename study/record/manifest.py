"""study.json: what was asked of a study, and where and with what it ran.

With `study.record.records` the contract between `study`, which writes, and `analysis`, which reads.
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
"""What editors of Windows put before a file's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """Facts of the data that the networks of a study were trained on.

    Attributes:
        synthetic: True for generated data; every output then says `data: synthetic`.
        description: One line for people.
        fingerprint: Changes whenever the arrays would.
        train_samples: Number of training samples; None where nobody says.
        val_samples: Number of validation samples; None likewise.
        classes: Names of the classes, in the order of their numbers.
        chance_accuracy: Validation accuracy of always naming the commonest validation class; None
            where targets are no class numbers, or are not read beforehand.
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
        uuid: As its vendor identifies it.
        name: As its vendor names it.
        kind: `gpu`, `cpu` or `recording`.
        power_limit_w: Highest power it may draw; None if not known.
        idle_power_w: Mean power before the first trial; None if not measured by a sensor.
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
        method: How its energies come about.
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
        hostname: Its name.
        cpus: CPUs that Ray may use on it.
        gpus: GPUs that Ray may use on it.
        source: Name of the power source that its tracker uses; None if it has none.
        method: How energies come about with it.
        note: How the source measures, in a sentence (for an estimate: the watts it takes).
        refused: Sources that were not taken, with the reason for each.
        devices: The devices that the source can measure.
        components: What each component is measured by; one that is not measured is left out.
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
        setup: Its number.
        batch_size: Of every stage.
        learning_rate: Of every stage.
        parameters: Whatever else it chooses, for example `{"alpha": 0.5}`.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, Any]:
        """Return all that it chooses, by name."""
        own = {"batch_size": self.batch_size, "learning_rate": self.learning_rate}
        return {**own, **self.parameters}


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherTrial:
    """A training of one setup beyond the repeats that every setup has.

    Attributes:
        setup: Number of the setup.
        seed: Of weights and order.
        attempt: With which it begins; a trial that was paused before goes on with a later one.
    """

    setup: int
    seed: int
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The setup that a search recommends at its end, by the rule that decides which trainings it repeats.

    Attributes:
        setup: Its number.
        right: Probability that it is at most 5 % dearer than the cheapest setup; None where no setup
            was trained twice.
        repeats: Trainings on which that rests, beside the first of each setup.
    """

    setup: int
    right: float | None
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """study.json: what was asked, and where and with what it ran.

    Attributes:
        study: Name of the study.
        paradigm: What it compares.
        scenario: Name of the scenario.
        status: `running`, `finished` or `interrupted`.
        started_at: Wall time, ISO 8601 with zone.
        finished_at: The same; None while it runs.
        setup_time_s: From the command's start to the first trial's; None until then.
        command: The command line.
        options: Every option with its value.
        versions: Python, the operating system and the packages that matter.
        git_commit: Commit of the checkout; None outside one.
        data: What was trained on.
        setups: The setups of the study.
        seeds: One for each repeat that every setup has.
        further: Trainings of single setups beyond those, in the order in which they were begun.
        nodes: The machines.
        warnings: What a reader of the results must know, a sentence each.
        stages: What each trial trains, in the order of the paper.
        encoder_weights: Published weights that every encoder starts from, whose energy is not
            known; None where encoders start from scratch.
        objective: Validation metric that decides.
        energy_of: Energy that setups are ranked by, in `EpochRecord.epoch_energy_j`.
        charging: Rule by which each shared component was charged to a trial, by component.
        answer: Of a search that pauses trainings, when it last ended; None while it runs, of other
            studies, and where no training reached the target.
        schema_version: Of this file and the tables beside it.
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
        said: int | None = self.options.get("workers_per_trial")
        return said or max(1, int(self.options.get("gpus_per_trial") or 1))

    @property
    def estimated_components(self) -> frozenset[str]:
        """Return the components that no sensor measures on one of the machines."""
        every = (each for node in self.nodes for each in node.components)
        return frozenset(c.component for c in every if c.method is EnergyMethod.ESTIMATED)

    def to_json(self) -> str:
        """Return the manifest as indented JSON."""
        values: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        values["options"] = {name: _plain(value) for name, value in values["options"].items()}
        return json.dumps(values, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the manifest that `to_json` wrote, in this version or in 0.1.

        Raises:
            ValueError: Not JSON, another schema version, or a field that is missing or wrong.
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
    """A value of JSON whose texts command no terminal."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(name): _printable(each) for name, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list) else value


def _plain(option: object) -> object:
    """An option as JSON has it; it has no infinity."""
    return str(option) if isinstance(option, float) and not math.isfinite(option) else option
