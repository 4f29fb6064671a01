"""Wording and formatting of the objective: shares in percent, any other objective as a plain number."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.forms.cells import Cell, number_cell
from analysis.quantities import (
    MISSING,
    decimals_for,
    number_text,
    padded_text,
    percent_text,
    plain_text,
    points_text,
)
from study.record.objective import ACCURACY, Objective


@dataclass(frozen=True, slots=True)
class ScoreForm:
    """Wording for a study's objective, and formatting of its values.

    Accuracy has words of its own, such as `more accurate`; any other objective is called by its name.

    Attributes:
        objective: The validation metric that decides.
    """

    objective: Objective

    @property
    def name(self) -> str:
        """Name of the objective."""
        return self.objective.name

    @property
    def title(self) -> str:
        """Name at the beginning of a title."""
        return "Accuracy" if self._is_accuracy else self.name

    @property
    def with_article(self) -> str:
        """Noun with an article for one value: `an accuracy`."""
        return "an accuracy" if self._is_accuracy else f"a value of {self.name}"

    @property
    def values(self) -> str:
        """Plural noun for several values: `accuracies`."""
        return "accuracies" if self._is_accuracy else f"values of {self.name}"

    @property
    def better(self) -> str:
        """Adjective for a better setup: `more accurate`."""
        return "more accurate" if self._is_accuracy else f"better in {self.name}"

    @property
    def a_better_one(self) -> str:
        """Noun for a better setup: `a more accurate one`."""
        return "a more accurate one" if self._is_accuracy else f"one that is {self.better}"

    @property
    def best(self) -> str:
        """Adjective for the best setup: `most accurate`."""
        return "most accurate" if self._is_accuracy else f"best in {self.name}"

    @property
    def worse(self) -> str:
        """Adjective for a worse setup: `less accurate`."""
        return "less accurate" if self._is_accuracy else f"worse in {self.name}"

    @property
    def enough(self) -> str:
        """Adjective for a setup within the tolerance: `accurate enough`."""
        return "accurate enough" if self._is_accuracy else f"good enough in {self.name}"

    @property
    def good(self) -> str:
        """Adjective for a comparison of equals, `as ... as`: `accurate`."""
        return "accurate" if self._is_accuracy else f"good in {self.name}"

    @property
    def in_heading(self) -> str:
        """Adjective `good` in one word, for the heading of a column."""
        return "accurate" if self._is_accuracy else "good"

    @property
    def point(self) -> str:
        """Unit in which a shortfall in the objective is counted: `point of accuracy`."""
        if self.objective.is_share:
            return f"point of {self.name}"
        return f"1 % of the best {self.name}"

    @property
    def scale(self) -> float:
        """Factor from a value to the number that tables and figures show: 100 for a share."""
        return 100.0 if self.objective.is_share else 1.0

    @property
    def axis(self) -> str:
        """End of an axis title: `accuracy, %`."""
        return f"{self.name}, %" if self.objective.is_share else self.name

    @property
    def counts_points(self) -> bool:
        """Return whether changes are counted in points: for a share that is to be maximized."""
        return self.objective.is_share and self.objective.mode == "max"

    @property
    def given_up_heading(self) -> str:
        """Heading of a column of losses in the objective."""
        return "points given up" if self.objective.is_share else f"{self.name} given up"

    @property
    def in_unit(self) -> str:
        """Name with its unit, for a sentence: `accuracy in %`."""
        return f"{self.name} in %" if self.objective.is_share else self.name

    def key(self, part: str = "") -> str:
        """Return the key of a column in CSV files: `accuracy_low_percent`, `rmse_low`.

        Args:
            part: Which part of the value it holds, such as `low`; empty for the value itself.
        """
        name = f"{self.plain_name}_{part}" if part else self.plain_name
        return f"{name}_percent" if self.objective.is_share else name

    def given_up_key(self, of: str) -> str:
        """Return the key of a column of losses: `identity_given_up_points`, `x_given_up`."""
        return f"{of}_given_up_points" if self.objective.is_share else f"{of}_given_up"

    def std_key(self) -> str:
        """Return the key of the column of standard deviations in CSV files."""
        return (
            f"{self.plain_name}_std_points" if self.objective.is_share else f"{self.plain_name}_std"
        )

    def named(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Rename the generic `score` fields of a figure's row to the objective's own keys."""
        names = {
            "score": self.key(),
            "score_low": self.key("low"),
            "score_high": self.key("high"),
            "score_text": self.plain_name,
        }
        return {names.get(name, name): value for name, value in row.items()}

    def shown(self, score: float | None) -> float | None:
        """Return a value in the unit of tables and figures; None stays None."""
        return None if score is None else self.scale * score

    def text(self, score: float | None) -> str:
        """Format a value for a sentence; `-` if unknown."""
        if score is None:
            return MISSING
        return percent_text(score) if self.objective.is_share else plain_text(score)

    def shown_text(self, number: float) -> str:
        """Describe a number that a figure shows, which for a share is in percent."""
        return f"{number:.1f} %" if self.objective.is_share else f"{self.name} {plain_text(number)}"

    def phrase(self, score: float | None) -> str:
        """Format a value with the objective's name: `91.2 % accuracy`, `rmse 0.03214`."""
        if self.objective.is_share:
            return f"{self.text(score)} {self.name}"
        return f"{self.name} {self.text(score)}"

    def amount_text(self, difference: float) -> str:
        """Format the size of a difference: `1.2 points`, `0.03214`."""
        size = abs(difference)
        return f"{100 * size:.1f} points" if self.objective.is_share else plain_text(size)

    def change_text(self, given_up: float) -> str:
        """Format a change, given as a loss: `+1.2 points`, `0.03214 worse`."""
        if self.counts_points:
            return f"{-100 * given_up:+.1f} points"
        return f"{self.amount_text(given_up)} {'worse' if given_up > 0 else 'better'}"

    def bare_text(self, score: float | None) -> str:
        """Format a value where space is tight: a share in percent without the sign; empty if unknown."""
        if score is None:
            return ""
        return f"{100 * score:.1f}" if self.objective.is_share else plain_text(score)

    def cell(self, score: float | None) -> Cell:
        """Return a cell with a value, or a difference of two values."""
        if self.objective.is_share:
            return number_cell(self.shown(score), 1)
        return Cell(value=score, text=MISSING if score is None else padded_text(score))

    def deviation_cell(self, deviation: float | None, *, of: float | None) -> Cell:
        """Return a cell with a standard deviation, with as many decimals as the value `of`."""
        if self.objective.is_share or of is None or deviation is None:
            return self.cell(deviation)
        return Cell(value=deviation, text=number_text(deviation, decimals_for([of], fewest=0)))

    def tolerance_text(self, tolerance: float) -> str:
        """Format a tolerance: in percentage points, or relative to the best value."""
        if self.objective.is_share:
            return points_text(tolerance)
        return f"{100 * tolerance:g} % (relative)"

    @property
    def plain_name(self) -> str:
        """Name with other characters than letters, digits and `_` replaced, for files and columns."""
        return re.sub(r"\W", "_", self.name)

    @property
    def _is_accuracy(self) -> bool:
        return self.name == ACCURACY.name
