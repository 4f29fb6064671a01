"""The objective, the validation metric that decides: which score is better, and when a target is reached."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Mode = Literal["max", "min"]


@dataclass(frozen=True, slots=True)
class Objective:
    """The validation metric that decides.

    Attributes:
        name: Name of the metric among those that the scenario returns.
        mode: `max` where higher is better, `min` where lower is.
        is_share: Whether its values are shares in [0, 1], which are then shown in %.

    Examples:
        >>> Objective("accuracy", "max", is_share=True).gain(0.9)
        0.9
        >>> Objective("val_loss", "min").gain(0.3)
        -0.3
    """

    name: str
    mode: Mode = "max"
    is_share: bool = False

    def __post_init__(self) -> None:
        """Check name and mode.

        Raises:
            ValueError: The name is empty, or the mode is neither `max` nor `min`.
        """
        if not self.name:
            message = "the objective has no name; give it that of one of the scenario's metrics"
            raise ValueError(message)
        if self.mode not in ("max", "min"):
            message = f"the objective's mode is {self.mode!r}; allowed: 'max' or 'min'"
            raise ValueError(message)

    def __str__(self) -> str:
        """Return name and mode, for messages."""
        return f"{self.name} ({self.mode})"

    def of_task(self, task: str) -> str:
        """Return the name of the objective of one task of several: `identity/accuracy`."""
        return f"{task}/{self.name}"

    def gain(self, score: float) -> float:
        """Return the score, negated where lower is better, so that a higher gain is always better."""
        return score if self.mode == "max" else -score

    @property
    def gain_ends(self) -> tuple[float, float] | None:
        """Lowest and highest possible gain; None where the objective is not a share."""
        if not self.is_share:
            return None
        return (0.0, 1.0) if self.mode == "max" else (-1.0, 0.0)

    def best(self, scores: Iterable[float | None]) -> float | None:
        """Return the best of the scores that are neither None nor NaN; None where there are none."""
        known = (each for each in scores if each is not None and not math.isnan(each))
        return max(known, key=self.gain, default=None)

    def reaches(self, score: float | None, target: float | None) -> bool:
        """Return whether a score is at least as good as the target; False where either is unknown."""
        if score is None or target is None or math.isnan(score):
            return False
        return self.gain(score) >= self.gain(target)


ACCURACY = Objective("accuracy", "max", is_share=True)
"""Objective of scenarios that define none, and of all studies of version 0.1."""


def metrics_text(metrics: Mapping[str, float | None]) -> str | None:
    """Return metrics as stored in a row: JSON with sorted keys; None where there are none.

    Values that are None or not finite are omitted together with their names.
    """
    known = {
        name: value for name, value in metrics.items() if value is not None and math.isfinite(value)
    }
    return json.dumps(known, sort_keys=True) if known else None


def metrics_of(text: str | None) -> dict[str, float]:
    """Return the metrics stored in a row, by name; empty where it has none."""
    metrics: dict[str, float] = json.loads(text) if text else {}
    return metrics
