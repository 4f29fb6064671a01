"""`EnergyBudget`: a Tune run ends when its trials have used so many watt-hours."""

import math
from typing import Any, final

from ray import tune

from study.errors import OptionError


@final
class EnergyBudget(tune.Stopper):
    """Ends a run when the sum over its trials of `energy_wh` is used up.

    It is passed by at most one report of each trial that runs. Trials that wait are not begun.

    Examples:
        Tune asks it after each result (`tune.RunConfig(stop=EnergyBudget(watt_hours=5))`):

        >>> budget = EnergyBudget(watt_hours=5)
        >>> budget("trial-1", {"energy_wh": 2.0}), budget("trial-2", {"energy_wh": 3.5})
        (False, True)
        >>> budget.used_wh
        5.5
    """

    def __init__(self, *, watt_hours: float) -> None:
        """Allow so much for all trials together, lost attempts included.

        Raises:
            OptionError: It is not a finite number above 0.
        """
        given: object = watt_hours  # whoever calls may not check types
        if not isinstance(given, int | float) or not 0 < given < math.inf:
            message = (
                f"EnergyBudget(watt_hours={watt_hours!r}); allowed is a finite number above 0."
            )
            raise OptionError(message)
        self.watt_hours = watt_hours
        self._used_wh: dict[str, float] = {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Take a trial's result; whether it is to end.

        Raises:
            OptionError: The result has no `energy_wh`.
        """
        used_wh = result.get("energy_wh")
        if used_wh is None:
            message = (
                "EnergyBudget: a result has no energy_wh. Give tune.Tuner measured(trainable) "
                "instead of the trainable itself."
            )
            raise OptionError(message)
        self._used_wh[trial_id] = max(used_wh, self._used_wh.get(trial_id, 0.0))
        return self.stop_all()

    def stop_all(self) -> bool:
        """Return whether the budget is used up."""
        return self.used_wh >= self.watt_hours

    @property
    def used_wh(self) -> float:
        """Watt-hours of all trials so far."""
        return math.fsum(self._used_wh.values())
