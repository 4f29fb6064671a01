"""The validation metric that decides: which of two scores is better, and when a target is reached."""

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
        name: Name under which the scenario's metrics have it.
        mode: `max` where more is better, `min` where less is.
        is_share: Whether it is a share in [0, 1], which is then shown in %.

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
        """Refuse what is no objective.

        Raises:
            ValueError: The name is empty, or the mode is none of the two.
        """
        if not self.name:
            message = "the objective has no name; give it that of one of the scenario's metrics"
            raise ValueError(message)
        if self.mode not in ("max", "min"):
            message = f"the objective's mode is {self.mode!r}; allowed are 'max' and 'min'"
            raise ValueError(message)

    def __str__(self) -> str:
        """Return it in words, for messages."""
        return f"{self.name} ({self.mode})"

    def of_task(self, task: str) -> str:
        """Return the name of the objective of one task of several: `identity/accuracy`."""
        return f"{task}/{self.name}"

    def gain(self, score: float) -> float:
        """Return the score, turned where necessary so that more is better."""
        return score if self.mode == "max" else -score

    @property
    def gain_ends(self) -> tuple[float, float] | None:
        """Least and greatest gain of a share; None where the objective is none."""
        if not self.is_share:
            return None
        return (0.0, 1.0) if self.mode == "max" else (-1.0, 0.0)

    def best(self, scores: Iterable[float | None]) -> float | None:
        """Return the best of those scores that are known; None where none is."""
        known = (each for each in scores if each is not None and not math.isnan(each))
        return max(known, key=self.gain, default=None)

    def reaches(self, score: float | None, target: float | None) -> bool:
        """Return whether a score is at least as good as the target."""
        if score is None or target is None or math.isnan(score):
            return False
        return self.gain(score) >= self.gain(target)


ACCURACY = Objective("accuracy", "max", is_share=True)
"""The objective of a scenario that names none, and of all studies of version 0.1."""


def metrics_text(metrics: Mapping[str, float | None]) -> str | None:
    """Return metrics as a row holds them: JSON with sorted keys; None where there are none.

    A value that is not a finite number is missing, and its name is left out.
    """
    known = {
        name: value for name, value in metrics.items() if value is not None and math.isfinite(value)
    }
    return json.dumps(known, sort_keys=True) if known else None


def metrics_of(text: str | None) -> dict[str, float]:
    """Return the metrics of a row by their names; none where the row has none."""
    metrics: dict[str, float] = json.loads(text) if text else {}
    return metrics
