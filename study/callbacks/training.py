"""A training and its measurements: the values that become a study of one setup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from study.record.objective import ACCURACY, Objective
from study.record.vocabulary import Stage, StopReason
from trackers.sample import Component, Device, Reading
from trackers.sources.detect import Detection

STAGE = Stage.ENCODER_CLASSIFIER
"""A training as a whole has the word of the paper's whole network."""

NOT_MEASURED = "before a checkpoint"
"""Note of the readings of an epoch that was over, or begun, before the training was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """Description of a training.

    Attributes:
        objective: Validation metric that decides.
        batch_size: Of the training; None if not known.
        learning_rate: Likewise.
        parameters: Whatever else sets this training apart from others.
        seed: Of weights and order.
        scenario: Name of what is trained.
        data: Says what it is trained on; studies of the same words are compared.
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
    """An epoch; its energy is there once it has ended, its metrics are the training's to fill in.

    Attributes:
        number: From 1.
        energy_j: Energy that ranks; None until the end, and where it is missing.
        mean_power_w: Over the epoch.
        train_loss: Mean loss over the training samples.
        val_loss: Mean loss over the validation samples.
        metrics: Validation metrics by name; what is no number is not kept.
        readings: By device; empty until the end.
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
    """A training that has ended.

    Attributes:
        training: What was trained.
        detection: What measured.
        devices: The devices on its bill.
        scope: The components whose energy ranks.
        epochs: In their order.
        whole: Readings of the whole training, by device.
        setup: Those of the time until the first epoch.
        started_at: Wall time, ISO 8601.
        hostname: The machine.
        stop_reason: Why it ended.
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
