"""The words of a record: what a column with a fixed list of values may hold.

`EnergyMethod` and `EnergyStatus` are the tracker's own, so that a reading's words need no
translation on their way into a row.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
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
    "axis_words",
    "further_choices",
    "parameters_text",
    "positional",
    "ranked_stage",
]


class Paradigm(StrEnum):
    """Comparison that a study makes."""

    REGIME = "regime"
    PRETRAINING = "pretraining"
    MULTITASK = "multitask"
    SEARCH = "search"


class Stage(StrEnum):
    """A training within a trial, with its own early stopping and its own energy.

    These are the stages of the paradigms. A single task of a multitask study is a stage, too, and
    has the task's name.
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
"""Stage of the window in which a frozen encoder computes latent features once. It lies within the
first epoch of `Stage.CLASSIFIER_FROZEN`, whose energy includes it."""


PROFILE = "power limits"
"""Stage of the windows in which power limits are measured. They lie within epochs, whose energies include
theirs."""


TEST = "test"
"""Stage of the windows in which the best weights of a stage are tested, after its last epoch."""


COST_ONLY_AXES = frozenset({"power_limit_w"})
"""Axes that change what an epoch costs and not what is learnt in it."""


class EnergyScope(StrEnum):
    """Energy that setups are ranked by; everything else that was measured stands beside it."""

    ACCELERATOR = "accelerator"
    """The trial's accelerators, as in the paper."""
    COMPONENTS = "components"
    """Accelerators, and the trial's share of CPU and memory."""
    NODE = "node"
    """The trial's share of the whole machine, at its plug."""


class StopReason(StrEnum):
    """Reason for the end of a stage; stands on its last epoch's row."""

    PATIENCE = "patience"
    MAX_EPOCHS = "max_epochs"
    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    ERROR = "error"
    TARGET = "target"
    """A search ended it, having seen the target."""
    STOPPED = "stopped"
    """Its study ended it early, a search or a budget: what it cost is a lower bound."""


FAILURES = frozenset({StopReason.DIVERGED, StopReason.OUT_OF_MEMORY, StopReason.ERROR})
"""The training came to nothing: what it used is not the energy of a training."""

NOT_WHOLE = FAILURES | {StopReason.STOPPED}
"""The training did not come to an end of its own."""

CUTS_EPOCH = frozenset({StopReason.OUT_OF_MEMORY, StopReason.ERROR})
"""The epoch on whose row it stands did not come to its end."""


class TrialStatus(StrEnum):
    """State of a trial.

    A trial that diverged or ran out of memory is FINISHED: that is a result about its setup.
    """

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


def ranked_stage(paradigm: Paradigm, stages: Sequence[str]) -> str | None:
    """Return the stage by which setups are ranked; None where a trial has one.

    For pretraining it is the training from scratch, which each setup needs whether or not
    pretraining pays; for multitask it is the last, the training that does all of the work.

    Args:
        paradigm: Of the study.
        stages: Of its manifest.
    """
    if paradigm is Paradigm.MULTITASK:
        return stages[-1]
    return Stage.ENCODER_CLASSIFIER if paradigm is Paradigm.PRETRAINING else None


_UNITS = {"_w": "W", "_j": "J", "_s": "s", "_hz": "Hz"}
"""Units of axes, by the suffix of their names."""


def axis_words(name: str) -> tuple[str, str]:
    """Return the name of an axis for people, and its unit, which may be empty.

    >>> axis_words("power_limit_w")
    ('power limit', 'W')
    """
    stem, suffix = name, ""
    if found := re.fullmatch(r"(.+)(_w|_j|_s|_hz)", name):
        stem, suffix = found[1], found[2]
    return stem.replace("_", " "), _UNITS.get(suffix, "")


def parameters_text(parameters: Mapping[str, object]) -> str:
    """Return what a setup chooses, in words and in the order of the names; empty for nothing.

    >>> parameters_text({"power_limit_w": 200.0, "alpha": 0.5, "compile": True})
    'alpha 0.5, compile true, power limit 200 W'
    """
    return ", ".join(_chosen(name, value) for name, value in sorted(parameters.items()))


def further_choices(parameters: str | None) -> str:
    """Return what follows batch size and learning rate in a line on a setup: `, alpha 0.5`, or nothing.

    Args:
        parameters: The setup's further parameters as a record has them, in JSON.
    """
    return f", {parameters_text(json.loads(parameters))}" if parameters else ""


def _chosen(name: str, value: object) -> str:
    words, unit = axis_words(name)
    if isinstance(value, bool):
        value = str(value).lower()  # as it is typed
    text = positional(value) if isinstance(value, float) else str(value)
    return f"{words} {text} {unit}".rstrip()


def positional(value: float | None, *, digits: int = 6) -> str:
    """Return a number without an exponent, as the paper writes learning rates: 0.0001, not 1e-04.

    Args:
        value: The number; None, written `-`, where it is not known.
        digits: Significant digits to keep at most; 17 keep all of a float.
    """
    if value is None:
        return "-"
    return f"{Decimal(repr(float(f'{value:.{digits}g}'))).normalize():f}"
