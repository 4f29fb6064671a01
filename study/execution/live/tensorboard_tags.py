"""Curves of a study in TensorBoard, each with a description, and its page of them side by side.

What is constant in a trial is no curve: batch size, learning rate and seed are its hyper-parameters.
"""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.record.files import EnergyUnit
from study.record.objective import Objective

Layout = dict[str, dict[str, list[Any]]]
"""Charts by category and title, as tensorboardX takes them."""

SIDE_BY_SIDE = "Side by side"
ENERGY, POWER = "energy", "power"

_COMPONENTS = {
    "gpu": "the GPU",
    "cpu": "the CPU",
    "memory": "the memory",
    "node": "the whole machine",
}

_PLAIN = (
    ("mean_power_w", f"{POWER}/mean_w", "Mean power of an epoch, in watts"),
    ("val_loss", "loss/validation", "Mean loss over the validation samples"),
    ("train_loss", "loss/training", "Mean loss over the training samples"),
    ("epoch_time_s", "speed/epoch_s", "Duration of an epoch with its validation, in seconds"),
    ("samples_per_s", "speed/samples_per_s", "Training samples per second"),
    (
        "peak_memory_bytes",
        "board/peak_memory_bytes",
        "Most memory the trial had on its accelerator",
    ),
    ("temperature_c", "board/temperature_c", "Temperature at the epoch's end, in degrees Celsius"),
    ("sm_clock_hz", "board/sm_clock_hz", "Clock of the board's processors at the epoch's end"),
    ("utilization", "board/utilization", "Share of recent time in which the board was busy"),
    ("power_limit_w", "board/power_limit_w", "Enforced power limit at the epoch's end, in watts"),
)
"""Columns of a row that are curves, their tags, and their descriptions."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A value of a curve.

    Attributes:
        tag: Of the curve.
        description: Of it, in words.
        value: Finite.
    """

    tag: str
    description: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The curves of one study.

    Attributes:
        objective: Validation metric that decides.
        unit: Of its energies.
        estimated: Whether these are estimates.
        estimated_components: Those that no sensor measures, whatever ranks.
    """

    objective: Objective
    unit: EnergyUnit
    estimated: bool
    estimated_components: Collection[str] = ()

    def points(self, row: Mapping[str, Any]) -> Iterator[CurvePoint]:
        """Yield the values of an epoch's row that are known."""
        not_measured = " (estimated, not measured)"
        label = not_measured if self.estimated else ""
        unit = self.unit.name
        components = [n for n in _COMPONENTS if row.get(f"{n}_energy_j") is not None]
        energies = (
            (
                "epoch_energy_j",
                self._energy("epoch"),
                "Energy of an epoch with its validation",
                label,
            ),
            ("energy_j", self._energy("so_far"), "Energy of the trial's epochs so far", label),
            *(
                (
                    f"{n}_energy_j",
                    self._energy(f"part_{n}"),
                    f"Energy of an epoch: {_COMPONENTS[n]}",
                    not_measured if n in self.estimated_components else "",
                )
                for n in components
                if len(components) > 1  # a single one is what ranks
            ),
        )
        score = self._score(row.get("val_score"))
        found = [
            (self.score_tag, f"Validation {self.objective.name}{self._percent}", score),
            *self._metrics(row.get("val_metrics")),
            *(
                (tag, f"{words}, in {unit}{how}", _over(row.get(name), self.unit.joules))
                for name, tag, words, how in energies
            ),
            *(
                (tag, f"{words}{label if tag.startswith(POWER) else ''}", row.get(name))
                for name, tag, words in _PLAIN
            ),
        ]
        for tag, description, value in found:
            if value is not None and math.isfinite(value):
                yield CurvePoint(tag, description, float(value))

    def layout(self, *, tasks: Sequence[str], components: Sequence[str]) -> Layout:
        """Return the page of custom scalars.

        Args:
            tasks: Of a multitask study, whose tasks have a chart each; none in others.
            components: Of the machines that are known besides what ranks.
        """
        label = " (estimated)" if self.estimated else ""
        unit = self.unit.name
        page: Layout = {
            SIDE_BY_SIDE: {
                f"Validation {self.objective.name}{self._percent}": _chart(self.score_tag),
                f"Energy of an epoch, {unit}{label}": _chart(self._energy("epoch")),
                f"Mean power of an epoch, W{label}": _chart(f"{POWER}/mean_w"),
            },
            "Energy so far, and losses": {
                f"Energy so far, {unit}{label}": _chart(self._energy("so_far")),
                "Validation loss": _chart("loss/validation"),
                "Training loss": _chart("loss/training"),
            },
        }
        if len(components) > 1:
            page["Energy by component"] = {
                f"Energy of an epoch, {unit}: {_COMPONENTS[each]}"
                f"{' (estimated)' if each in self.estimated_components else ''}": _chart(
                    self._energy(f"part_{each}")
                )
                for each in components
            }
        if tasks:
            page["Each task"] = {
                f"{self.objective.name}: {task}{self._percent}": _chart(
                    f"metric/{self._shown_name(self.objective.of_task(task))}"
                )
                for task in tasks
            }
        return page

    @property
    def score_tag(self) -> str:
        """The curve of the objective."""
        return f"objective/{self._shown_name(self.objective.name)}"

    @property
    def _percent(self) -> str:
        return ", %" if self.objective.is_share else ""

    def _shown_name(self, name: str) -> str:
        return f"{name}_percent" if self.objective.is_share else name

    def _score(self, score: float | None) -> float | None:
        return None if score is None else (100 if self.objective.is_share else 1) * score

    def _energy(self, of: str) -> str:
        return f"{ENERGY}/{of}_{self.unit.name.lower()}"

    def _metrics(self, text: str | None) -> Iterator[tuple[str, str, float | None]]:
        """The other metrics; the objective of a single task is in the unit of the objective."""
        for name, value in (json.loads(text) if text else {}).items():
            if name == self.objective.name:
                continue
            if name.endswith(f"/{self.objective.name}"):
                words = f"Validation {name}{self._percent}"
                yield f"metric/{self._shown_name(name)}", words, self._score(value)
            else:
                yield f"metric/{name}", f"Validation {name}", value


def _chart(tag: str) -> list[Any]:
    """A chart of all trials."""
    return ["Multiline", [f"^{re.escape(tag)}$"]]


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
