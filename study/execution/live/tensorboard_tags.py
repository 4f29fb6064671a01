"""Curves of a study in TensorBoard, with their descriptions, and the page that shows them side by side.

Values that are constant in a trial (batch size, learning rate, seed) are hyper-parameters, not curves.
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
"""Charts by category and title, as tensorboardX's `custom_scalars` takes them."""

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
"""Columns of a row that become curves as they are: column, tag, description."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a curve.

    Attributes:
        tag: Tag of the curve.
        description: Description of the curve.
        value: The value, which is finite.
    """

    tag: str
    description: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Tags and descriptions of the curves of one study.

    Attributes:
        objective: Validation metric that decides.
        unit: Unit of the study's energies.
        estimated: Whether the energies that rank are estimates.
        estimated_components: Components whose energy is an estimate, whether or not they rank.
    """

    objective: Objective
    unit: EnergyUnit
    estimated: bool
    estimated_components: Collection[str] = ()

    def points(self, row: Mapping[str, Any]) -> Iterator[CurvePoint]:
        """Yield a point for each curve of which an epoch's row has a finite value."""
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
                if len(components) > 1  # a single component is the energy that ranks
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
        """Return the layout of TensorBoard's page of custom scalars.

        Args:
            tasks: Single tasks of a multitask study, one chart each; empty for other studies.
            components: Components whose energy is known on any machine; charted if there are several.
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
        """Tag of the objective's curve."""
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
        """Yield tag, description and value of the other metrics.

        The objective of a single task is shown in the same unit as the objective.
        """
        for name, value in (json.loads(text) if text else {}).items():
            if name == self.objective.name:
                continue
            if name.endswith(f"/{self.objective.name}"):
                words = f"Validation {name}{self._percent}"
                yield f"metric/{self._shown_name(name)}", words, self._score(value)
            else:
                yield f"metric/{name}", f"Validation {name}", value


def _chart(tag: str) -> list[Any]:
    """Return a chart that shows one curve of all trials."""
    return ["Multiline", [f"^{re.escape(tag)}$"]]


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit
