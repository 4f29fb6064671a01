"""The options of studies that compare setups: which answer is wanted, and how sure it is to be."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

from study.errors import OptionError
from study.options import StudyOptions, tyro_arg, tyro_optional_arg
from study.record.files import J_PER_WH

LEAST_FIRST = 2
"""Repeats of every setup from which something is known of how much they differ."""

POINTS = 100
"""Percentage points in a share of 1."""


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions(StudyOptions):
    """Options of a study that compares setups.

    Attributes:
        more_repeats: Trainings after the repeats of every setup, each of the setup whose repeat is
            the most informative about which setup to use.
        sure: Add repeats until the answer is right with this probability, such as 0.9, confirmed by
            one more: within the tolerance, and at most 5 % dearer than the cheapest such setup. Or
            until --more-repeats are used; left out, those are as many as the first trainings.
        energy_budget_wh: Energy of the whole study, in watt-hours: when it is used, each running
            trial ends with the epoch it is in, and no other begins. With --resume and a larger one
            the study goes on.
        tolerance: By how much the objective of the answer may be worse than the best setup's: percentage points
            of an accuracy or another share, else per cent of the best value.
        prefer: What a point beyond the tolerance is worth: 20 % of energy (energy), 40 %
            (balanced) or 80 % (accuracy).
    """

    more_repeats: Annotated[int | None, tyro_optional_arg("N")] = None
    sure: Annotated[float | None, tyro_optional_arg("P")] = None
    energy_budget_wh: Annotated[float | None, tyro_optional_arg("WH")] = None
    tolerance: Annotated[float, tyro_arg("POINTS")] = 1.0
    prefer: Literal["energy", "balanced", "accuracy"] = "balanced"

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            OptionError: The first option whose value is not allowed.
        """
        super().__post_init__()
        if self.more_repeats is not None and self.more_repeats < 0:
            _refuse("--more-repeats", self.more_repeats, "a number of trainings from 0")
        if self.sure is not None and not 0 < self.sure < 1:
            _refuse("--sure", f"{self.sure:g}", "a probability between 0 and 1, such as 0.9")
        if not 0 <= self.tolerance <= POINTS:
            _refuse("--tolerance", f"{self.tolerance:g}", "0 to 100")
        budget_wh = self.energy_budget_wh
        if budget_wh is not None and not 0 < budget_wh < math.inf:
            _refuse("--energy-budget-wh", f"{budget_wh:g}", "a number above 0")
        if self.goes_on and self.repeats < LEAST_FIRST:
            asked = "--sure" if self.more_repeats is None else "--more-repeats"
            message = (
                f"{asked} is given with --repeats {self.repeats}: from one training of each setup "
                "nothing is known of how much trainings of one setup differ, and so not which to "
                f"repeat. Give --repeats {LEAST_FIRST} or more."
            )
            raise OptionError(message)

    @property
    def goes_on(self) -> bool:
        """Return whether there may be trainings after the first repeats."""
        return bool(self.more_repeats) or (self.sure is not None and self.more_repeats is None)

    @property
    def budget_j(self) -> float:
        """The budget in joules; infinite where there is none."""
        return math.inf if self.energy_budget_wh is None else self.energy_budget_wh * J_PER_WH

    def most_further(self, setups: int) -> int:
        """Trainings after the first repeats, at most.

        Args:
            setups: Of the study.
        """
        return setups * self.repeats if self.more_repeats is None else self.more_repeats

    def _of_smoke(self) -> dict[str, Any]:
        more = {"repeats": LEAST_FIRST, "more_repeats": 1} if self.goes_on else {}
        return super()._of_smoke() | more


def _refuse(option: str, got: object, allowed: str) -> NoReturn:
    message = f"{option} is {got}; allowed is {allowed}."
    raise OptionError(message)
