"""Values that describe a training and its measurements, from which a study of one setup is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from study.record.objective import ACCURACY, Objective
from study.record.vocabulary import Stage, StopReason
from trackers.sample import Component, Device, Reading
from trackers.sources.detect import Detection

STAGE = Stage.ENCODER_CLASSIFIER
"""Stage recorded for the training: the paper's name for training the whole network."""

NOT_MEASURED = "before a checkpoint"
"""Note on the readings of an epoch that had ended, or begun, before measuring started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Description of a training: its parameters, its objective and its data.

    Attributes:
        objective: Validation metric that decides.
        batch_size: Batch size; None when unknown.
        learning_rate: Learning rate; None when unknown.
        parameters: Other parameters in which this training differs from others, by name.
        seed: Seed of the initial weights and of the order of the samples.
        scenario: Name of the application or network that is trained.
        data: Description of the data set; studies whose descriptions are equal are compared.
    """

    objective: Objective = ACCURACY
    batch_size: int | None = None
    learning_rate: float | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    scenario: str = "training"
    data: str = ""


@dataclass(slots=True, kw_only=True)
class MeasuredEpoch:
    """A measured epoch: the meter sets its energy when it ends, the training script sets its metrics.

    Attributes:
        number: Number of the epoch, from 1.
        energy_j: Energy of the components that rank; None until the epoch ends, or when it is missing.
        mean_power_w: Mean power of these components over the epoch; None likewise.
        train_loss: Mean loss over the training samples; None when unknown.
        val_loss: Mean loss over the validation samples; None when unknown.
        metrics: Validation metrics by name; values that are not numbers are not saved.
        readings: Readings by device UUID; empty until the epoch ends.
    """

    number: int
    energy_j: float | None = None
    mean_power_w: float | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredTraining:
    """A training and its measurements, complete or as far as they have come.

    Attributes:
        training: Description of the training.
        detection: Power sources that measured it.
        devices: Devices on its bill.
        scope: Components whose energy ranks.
        epochs: Epochs that have ended, in order.
        whole: Readings of the whole training, by device UUID; empty until it ends.
        setup: Readings of the time before the first epoch, by device UUID.
        started_at: Wall time of the start, ISO 8601.
        hostname: Name of the machine.
        stop_reason: Why the training ended.
    """

    training: Training
    detection: Detection
    devices: tuple[Device, ...]
    scope: frozenset[Component]
    epochs: tuple[MeasuredEpoch, ...]
    whole: Mapping[str, Reading]
    setup: Mapping[str, Reading]
    started_at: str
    hostname: str
    stop_reason: StopReason
