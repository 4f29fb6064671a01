"""Text about a whole study whose end its planned trials alone do not decide."""

import re

import pytest

from study.execution.live.total_text import total_text
from study.record.files import unit_of
from tests.study.execution.live.screens import Screen
from tests.study.execution.live.test_progress import run_trial


def test_trials_that_may_follow_make_the_total_a_minimum() -> None:
    """The forecast covers only planned trials, so energy, time and number are shown as minimums."""
    screen = Screen(terminal=False, outlook=True, may_grow=True)

    for setup in (1, 2, 3):
        run_trial(screen, setup, 2.0, 2.0, 2.0)

    assert re.search(r"at least \d+ s left, at least [\d.]+ mWh in all$", screen.lines()[2])
    assert screen.lines()[2].startswith("[3/8+] ")


@pytest.mark.parametrize(
    ("budget_j", "text"),
    [
        (1e6, r"mWh in all \(90 %: "),
        (20.0, r"at most \d+ s left, 5\.56 mWh in all, which is the budget$"),
    ],
)
def test_a_budget_limits_the_forecast(budget_j: float, text: str) -> None:
    """A forecast below the budget is shown unchanged; one above it is cut off there."""
    screen = Screen(terminal=False, outlook=True, budget_j=budget_j)

    for setup in (1, 2, 3):
        run_trial(screen, setup, 2.0, 2.0, 2.0)

    assert re.search(text, screen.lines()[2])


def test_of_a_search_only_its_budget_is_known() -> None:
    """The number of its trials and the time of its end are unknown."""
    screen = Screen(terminal=False, outlook=True, trials=0, may_grow=True, budget_j=3_600.0)

    run_trial(screen, 1, 2.0)

    assert screen.lines()[0].startswith("[1] ")
    assert screen.lines()[0].endswith("at most the budget of 1,000 mWh in all")


def test_an_outdated_forecast_is_not_below_the_energy_used() -> None:
    """A forecast may be seconds old, so the energy used since then is its minimum."""
    screen = Screen(terminal=False, outlook=True)
    for setup in (1, 2, 3):
        run_trial(screen, setup, 2.0, 2.0, 2.0)

    shown = total_text(screen.forecast, unit_of(1.0), label="", used_j=1e6)

    assert shown == "277,778 mWh in all (90 %: 277,778 to 277,778)"


def test_a_total_without_set_ups_says_so() -> None:
    """If no set-up is known, the total is that of epochs alone, and too low."""
    without, with_it = (Screen(terminal=False, outlook=True, set_up_j=j) for j in (None, 100.0))
    for screen in (without, with_it):
        for setup in (1, 2, 3):
            run_trial(screen, setup, 2.0, 2.0, 2.0)

    assert re.search(r"mWh in all \(90 %: .*\), without set-ups$", without.lines()[2])
    [in_all_mwh] = re.findall(r"([\d.]+) mWh in all \(90 %: .*\)$", with_it.lines()[2])
    # Eight trials, each with its set-up.
    assert float(in_all_mwh) > 8 * 100.0 / 3.6
