"""Enumerations of the records: the values that columns with a fixed vocabulary may hold.

`EnergyMethod` and `EnergyStatus` are those of the tracker, so that the values of a reading go into a row
unchanged.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import tee

from trackers.sample import Method as EnergyMethod
from trackers.sample import Status as EnergyStatus

__all__ = [
    "ALL_DIGITS",
    "COST_ONLY_AXES",
    "CUTS_EPOCH",
    "FAILURES",
    "LATENTS",
    "NOT_WHOLE",
    "PROFILE",
    "TEST",
    "EnergyMethod",
    "EnergyScope",
    "EnergyStatus",
    "Paradigm",
    "Stage",
    "StopReason",
    "TrialStatus",
    "axis_words",
    "parameters_text",
    "positional",
    "ranked_stage",
    "setup_parts",
    "setup_words",
    "telling_digits",
]


class Paradigm(StrEnum):
    """Paradigm of a study: what it compares."""

    REGIME = "regime"
    PRETRAINING = "pretraining"
    MULTITASK = "multitask"
    SEARCH = "search"


class Stage(StrEnum):
    """A training within a trial, with its own early stopping and its own energy.

    These are the stages with fixed names. In a multitask study, the training of a single task is a stage
    as well and has the name of the task.
    """

    ENCODER = "encoder"
    CLASSIFIER_FROZEN = "classifier-frozen"
    CLASSIFIER_UNFROZEN = "classifier-unfrozen"
    ENCODER_CLASSIFIER = "encoder+classifier"
    BOTH = "both"
    """Two tasks together."""
    ALL = "all"
    """Three tasks or more together."""


LATENTS = "latents"
"""Stage of the window in which a frozen encoder computes the latent features once.

It lies within the first epoch of `Stage.CLASSIFIER_FROZEN`, whose energy includes it."""


PROFILE = "power limits"
"""Stage of the windows in which power limits are measured.

They lie within epochs, whose energies include theirs."""


TEST = "test"
"""Stage of the windows in which the best weights of a stage are tested, after its last epoch."""


COST_ONLY_AXES = frozenset({"power_limit_w"})
"""Axes that change the energy and time of an epoch but not what is learnt in it."""


class EnergyScope(StrEnum):
    """Scope of the energy that setups are ranked by; other measured energies are recorded beside it."""

    ACCELERATOR = "accelerator"
    """The trial's accelerators, as in the paper."""
    COMPONENTS = "components"
    """The trial's accelerators, and its share of CPU and memory."""
    NODE = "node"
    """The trial's share of the whole machine, measured at its plug."""


class StopReason(StrEnum):
    """Reason for which a stage ended; recorded on the row of its last epoch."""

    PATIENCE = "patience"
    MAX_EPOCHS = "max_epochs"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    ERROR = "error"
    TARGET = "target"
    """A search ended it because it had reached the target."""
    STOPPED = "stopped"
    """A search or an energy budget stopped it early: its energy is a lower bound."""


FAILURES = frozenset({StopReason.DIVERGED, StopReason.OUT_OF_MEMORY, StopReason.ERROR})
"""Reasons with which the training failed: its energy is not that of a training."""

NOT_WHOLE = FAILURES | {StopReason.STOPPED}
"""Reasons with which the training did not end by itself."""

CUTS_EPOCH = frozenset({StopReason.OUT_OF_MEMORY, StopReason.ERROR})
"""Reasons that interrupt an epoch: the epoch on whose row they are is incomplete."""


class TrialStatus(StrEnum):
    """State of a trial.

    A trial that diverged or ran out of memory is FINISHED, because that is a result about its setup.
    """

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


def ranked_stage(paradigm: Paradigm, stages: Sequence[str]) -> str | None:
    """Return the stage by which setups are ranked; None where trials have a single stage.

    For pretraining it is the training from scratch, the baseline that does not depend on whether
    pretraining pays; for multitask it is the last one, the joint training of all tasks.

    Args:
        paradigm: Paradigm of the study.
        stages: Stages of its manifest.
    """
    if paradigm is Paradigm.MULTITASK:
        return stages[-1]
    return Stage.ENCODER_CLASSIFIER if paradigm is Paradigm.PRETRAINING else None


_OF_AXES = {"power_limit_w": ("power limit", "W")}
"""Names and units of axes that the project defines; anybody else's suffix may mean something else."""

FEW_DIGITS, ALL_DIGITS = 6, 17


def axis_words(name: str) -> tuple[str, str]:
    """Return the name of an axis for people, and its unit, which may be empty.

    >>> axis_words("power_limit_w"), axis_words("kernel_w")
    (('power limit', 'W'), ('kernel w', ''))
    """
    return _OF_AXES.get(name, (name.replace("_", " "), ""))


def parameters_text(parameters: Mapping[str, object], *, digits: int = FEW_DIGITS) -> str:
    """Return what a setup chooses, in words and in the order of the names; empty for nothing.

    >>> parameters_text({"power_limit_w": 200.0, "alpha": 0.5, "compile": True})
    'alpha 0.5, compile true, power limit 200 W'

    Args:
        parameters: Values by the names of the axes.
        digits: Significant digits of numbers; see `telling_digits`.
    """
    return ", ".join(_chosen(name, value, digits) for name, value in sorted(parameters.items()))


def telling_digits(every: Iterable[Mapping[str, object]]) -> int:
    """Return how many digits `parameters_text` needs to tell setups apart: few, or all that a float has."""
    few, full = (
        {parameters_text(each, digits=digits) for each in every}
        for every, digits in zip(tee(every), (FEW_DIGITS, ALL_DIGITS), strict=True)
    )
    return FEW_DIGITS if len(few) == len(full) else ALL_DIGITS


def setup_parts(
    batch_size: int | None, learning_rate: float | None, parameters: Mapping[str, object]
) -> list[str]:
    """Return what is known of a setup, each in words: `batch size 64`, `learning rate 0.01`, `alpha 0.5`."""
    return [
        *([] if batch_size is None else [f"batch size {batch_size}"]),
        *([] if learning_rate is None else [f"learning rate {positional(learning_rate)}"]),
        *([parameters_text(parameters)] if parameters else []),
    ]


def setup_words(batch_size: int | None, learning_rate: float | None, parameters: str | None) -> str:
    """Return a setup in words: `batch size 64, learning rate 0.01, power limit 200 W`.

    Args:
        batch_size: Batch size of the setup.
        learning_rate: Learning rate of the setup.
        parameters: Its further parameters as a record has them, in JSON; None if there are none.
    """
    return ", ".join(setup_parts(batch_size, learning_rate, json.loads(parameters or "{}")))


def _chosen(name: str, value: object, digits: int) -> str:
    words, unit = axis_words(name)
    if isinstance(value, bool):
        value = str(value).lower()  # as it is typed
    text = positional(value, digits=digits) if isinstance(value, float) else str(value)
    return f"{words} {text} {unit}".rstrip()


def positional(value: float | None, *, digits: int = FEW_DIGITS) -> str:
    """Return a number without an exponent, as the paper writes learning rates: 0.0001, not 1e-04.

    Args:
        value: The number; None, written `-`, where it is not known.
        digits: Significant digits to keep at most; 17 keep all of a float.
    """
    if value is None:
        return "-"
    return f"{Decimal(repr(float(f'{value:.{digits}g}'))).normalize():f}"
