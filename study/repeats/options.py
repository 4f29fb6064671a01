"""Options of studies that compare setups: which answer is wanted, and how sure it has to be."""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from study.errors import OptionError, refuse
from study.options import StudyOptions, tyro_arg, tyro_optional_arg
from study.record.files import J_PER_WH

LEAST_FIRST = 2
"""Minimum repeats of each setup from which their spread can be estimated."""

POINTS = 100
"""Percentage points in a share of 1."""


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions(StudyOptions):
    """Options of a study that compares setups.

    Attributes:
        more_repeats: Number of further trainings after every setup has had its repeats. Each trains
            the setup whose repeat is the most informative about which setup to use.
        sure: Add repeats until the answer is right with this probability, such as 0.9, and still is
            after one more training. Right means that the setup is within the tolerance, and needs at
            most 5 % more energy than the cheapest such setup. At most --more-repeats trainings are
            added; if that option is omitted, as many as there were first trainings.
        energy_budget_wh: Energy budget of the whole study, in watt-hours. When it is used up, each
            running trial ends after its current epoch, and no other trial begins. With --resume and
            a larger budget the study continues.
        tolerance: How much worse the objective of the answer may be than that of the best setup: in
            percentage points for accuracy or another share, otherwise in percent of the best value.
        prefer: What one point of the objective beyond the tolerance is worth in energy:
            20 % for energy, 40 % for balanced or 80 % for accuracy.
    """

    more_repeats: Annotated[int | None, tyro_optional_arg("N")] = None
    sure: Annotated[float | None, tyro_optional_arg("P")] = None
    energy_budget_wh: Annotated[float | None, tyro_optional_arg("WH")] = None
    tolerance: Annotated[float, tyro_arg("POINTS")] = 1.0
    prefer: Literal["energy", "balanced", "accuracy"] = "balanced"

    def __post_init__(self) -> None:
        """Refuse values that are not allowed.

        Raises:
            OptionError: An option has a value that is not allowed; the first such option is named.
        """
        super().__post_init__()
        if self.more_repeats is not None and self.more_repeats < 0:
            refuse(f"--more-repeats is {self.more_repeats}", "a number of trainings from 0")
        if self.sure is not None and not 0 < self.sure < 1:
            refuse(f"--sure is {self.sure:g}", "a probability between 0 and 1, such as 0.9")
        if not 0 <= self.tolerance <= POINTS:
            refuse(f"--tolerance is {self.tolerance:g}", "0 to 100")
        budget_wh = self.energy_budget_wh
        if budget_wh is not None and not 0 < budget_wh < math.inf:
            refuse(f"--energy-budget-wh is {budget_wh:g}", "a number above 0")
        if self.adds_repeats and self.repeats < LEAST_FIRST:
            asked = "--sure" if self.more_repeats is None else "--more-repeats"
            message = (
                f"{asked} is given with --repeats {self.repeats}: one training of each setup does not "
                "show how much repeats differ, and so not which setup to repeat. "
                f"Give --repeats {LEAST_FIRST} or more."
            )
            raise OptionError(message)

    @property
    def adds_repeats(self) -> bool:
        """Return whether further trainings may follow the first repeats."""
        return bool(self.more_repeats) or (self.sure is not None and self.more_repeats is None)

    @property
    def budget_j(self) -> float:
        """Energy budget in joules; infinite if there is none."""
        return math.inf if self.energy_budget_wh is None else self.energy_budget_wh * J_PER_WH

    def most_further(self, setups: int) -> int:
        """Return the maximum number of trainings after the first repeats.

        Args:
            setups: Number of setups of the study.
        """
        return setups * self.repeats if self.more_repeats is None else self.more_repeats

    def _of_smoke(self) -> dict[str, Any]:
        more = {"repeats": LEAST_FIRST, "more_repeats": 1} if self.adds_repeats else {}
        return super()._of_smoke() | more
