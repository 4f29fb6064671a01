"""The energy that a Tune run may use."""

import pickle

import pytest

from study.errors import OptionError
from study.instrument.budget import EnergyBudget


@pytest.mark.parametrize("watt_hours", [0, -1, float("inf"), float("nan"), "5"])
def test_a_budget_is_a_number_above_0(watt_hours: float) -> None:
    """Anything else would end nothing, or all."""
    with pytest.raises(OptionError, match="allowed: a finite number above 0"):
        EnergyBudget(watt_hours=watt_hours)


def test_trials_are_summed_by_their_last_word() -> None:
    """`energy_wh` is cumulative, so a trial's counts once."""
    budget = EnergyBudget(watt_hours=5)

    ends = [
        budget("a", {"energy_wh": 1.0}),
        budget("a", {"energy_wh": 2.0}),
        budget("b", {"energy_wh": 2.5}),
        budget("b", {"energy_wh": 3.0}),
    ]

    assert ends == [False, False, False, True]
    assert budget.used_wh == 5.0
    assert budget.stop_all()


def test_what_was_used_is_kept_over_a_restore() -> None:
    """Tune stores its stoppers with the run."""
    budget = EnergyBudget(watt_hours=5)
    budget("a", {"energy_wh": 4.0})

    restored = pickle.loads(pickle.dumps(budget))  # noqa: S301 - our own

    assert restored("b", {"energy_wh": 1.0})
