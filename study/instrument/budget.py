"""`EnergyBudget`: a Tune stopper that ends a run when its trials have used a given energy."""

import math
from typing import Any, final

from ray import tune

from study.errors import OptionError, refuse


@final
class EnergyBudget(tune.Stopper):
    """Stopper that ends a run when the sum of `energy_wh` over its trials reaches the budget.

    The run exceeds the budget by at most one report of each running trial. Pending trials do not start.

    Examples:
        Tune asks it after each result (`tune.RunConfig(stop=EnergyBudget(watt_hours=5))`):

        >>> budget = EnergyBudget(watt_hours=5)
        >>> budget("trial-1", {"energy_wh": 2.0}), budget("trial-2", {"energy_wh": 3.5})
        (False, True)
        >>> budget.used_wh
        5.5
    """

    def __init__(self, *, watt_hours: float) -> None:
        """Set the budget.

        Args:
            watt_hours: Energy that all trials together may use, lost attempts included.

        Raises:
            OptionError: `watt_hours` is not a finite number above 0.
        """
        given: object = watt_hours  # whoever calls may not check types
        if not isinstance(given, int | float) or not 0 < given < math.inf:
            refuse(f"EnergyBudget(watt_hours={watt_hours!r})", "a finite number above 0")
        self.watt_hours = watt_hours
        self._used_wh: dict[str, float] = {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Count a trial's result and return whether the budget is used up, so that the trial must stop.

        Args:
            trial_id: The trial.
            result: Its result, with `energy_wh` as `measured` adds it.

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
        """Energy of all trials so far, in watt-hours."""
        return math.fsum(self._used_wh.values())
