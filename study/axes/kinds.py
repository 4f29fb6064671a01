"""Axes known to every study: which values they allow, and which of them are cost-only.

A setup has one value on each axis. An axis is *cost-only* where its value changes the time and the energy
of an epoch but not what is learnt in it; trainings that differ only in such axes have the same learning
curve.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from study.record.vocabulary import COST_ONLY_AXES

POWER_LIMIT: Final = "power_limit_w"


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisKind:
    """Kind of values that an axis accepts.

    Attributes:
        allowed: The allowed values in words, for messages.
        accepts: Returns whether a value is allowed.
        is_number: Whether its values are numbers, so that a search may also take a range of them.
        whole: Whether its values are integers.
    """

    allowed: str
    accepts: Callable[[Any], bool]
    is_number: bool = False
    whole: bool = False


KNOWN: Final[Mapping[str, AxisKind]] = {
    "batch_size": AxisKind(
        allowed="whole numbers from 1",
        accepts=lambda v: isinstance(v, int) and is_number(v) and v >= 1,
        is_number=True,
        whole=True,
    ),
    "learning_rate": AxisKind(
        allowed="numbers above 0", accepts=lambda v: is_number(v) and v > 0, is_number=True
    ),
    "optimizer": AxisKind(
        allowed="adam, adamw, sgd", accepts=lambda v: v in ("adam", "adamw", "sgd")
    ),
    "weight_decay": AxisKind(
        allowed="numbers from 0", accepts=lambda v: is_number(v) and v >= 0, is_number=True
    ),
    "precision": AxisKind(
        allowed="fp32, tf32, bf16, fp16", accepts=lambda v: v in ("fp32", "tf32", "bf16", "fp16")
    ),
    "compile": AxisKind(allowed="true, false", accepts=lambda v: isinstance(v, bool)),
    POWER_LIMIT: AxisKind(
        allowed="watts above 0",
        accepts=lambda v: is_number(v) and v > 0,
        is_number=True,
    ),
}
"""Axes that are available with every scenario, by name."""


def is_cost_only(name: str) -> bool:
    """Return whether an axis changes only the cost; an unknown axis is assumed to change learning too."""
    return name in COST_ONLY_AXES


def is_number(value: object) -> bool:
    """Return whether a value is a finite number; bools are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
