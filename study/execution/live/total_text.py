"""Text about the total energy that a study is forecast to use.

A study with an energy budget uses at most the budget, up to one epoch of each running trial. A study that may
still add trials uses at least what its planned trials will use.
"""

import numpy as np

from study.execution.live.outlook import Outlook
from study.forecast.study_forecast import cut
from study.inference.intervals import Interval
from study.record.files import EnergyUnit


def total_text(
    outlook: Outlook | None, unit: EnergyUnit, *, label: str, used_j: float = 0.0
) -> str | None:
    """Return text such as `12.1 mWh in all (90 %: 10.2 to 15.0)`; None if nothing is known.

    Until the energy of a set-up is known, the text says that set-ups are not included.

    Args:
        outlook: Forecast of the study; None if its trials are not known in advance.
        unit: Unit of energies.
        label: Text after an energy: ` estimated`, or empty.
        used_j: Energy that the study has used so far, in joules. The forecast may be some seconds
            older; it is never shown below this.
    """
    if outlook is None:
        return None
    budget_j = outlook.budget_j
    latest = outlook.latest
    total_j = None if latest is None else latest.total_j
    if latest is None or total_j is None:
        return None if budget_j is None else f"at most the budget of {unit.text(budget_j)} in all"
    total_j = np.maximum(total_j, used_j)
    span = cut(np.minimum(total_j, np.inf if budget_j is None else budget_j))
    besides = ", without set-ups" if latest.overhead_j is None else ""
    if outlook.may_grow:
        most = "" if budget_j is None else f", at most the budget of {unit.text(budget_j)}"
        return f"at least {unit.text(float(span.low))}{label} in all{besides}{most}"
    if budget_j is not None and span.low >= budget_j:
        return f"{unit.text(budget_j)} in all, which is the budget"
    middle_j = float(np.median(np.minimum(total_j, span.high)))
    return f"{unit.text(middle_j)}{label} in all (90 %: {ends(span, unit)}){besides}"


def ends(found: Interval, unit: EnergyUnit) -> str:
    """Return both ends of an interval as text: `3.10 to 6.05`."""
    return f"{unit.number(float(found.low))} to {unit.number(float(found.high))}"
