"""Enumerations of the records: the values that columns with a fixed vocabulary may hold.

`EnergyMethod` and `EnergyStatus` are those of the tracker, so that the values of a reading go into a row
unchanged.
"""

from collections.abc import Sequence
from enum import StrEnum

from trackers.sample import Method as EnergyMethod
from trackers.sample import Status as EnergyStatus

__all__ = [
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
    "ranked_stage",
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
