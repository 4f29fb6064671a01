"""Options of a search."""

from pathlib import Path
from typing import Any

import pytest

from study.errors import OptionError
from study.search.options import SearchOptions
from study.search.stopping.halving import Rungs


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"goal": "energy-to-target"}, "--target is missing"),
        ({"repeats": 2}, "Give --confirm to train the leading ones again"),
        ({"confirm": -1}, "--confirm is -1"),
        ({"first_rung_wh": 0.0}, "--first-rung-wh is 0.0"),
        ({"energy_budget_wh": 0.0}, "--energy-budget-wh is 0.0"),
        ({"trials": 0}, "--trials is 0"),
    ],
)
def test_invalid_options_are_refused(given: dict[str, Any], named: str) -> None:
    """The message says what is allowed, or which option to give."""
    with pytest.raises(OptionError, match=named):
        SearchOptions(**given)


def test_a_search_over_a_range_needs_a_limit(tmp_path: Path) -> None:
    """It is a number of trials or an energy budget."""
    space = tmp_path / "space.yaml"
    space.write_text("learning_rate: {low: 0.001, high: 0.1}")

    with pytest.raises(OptionError, match="Give --trials or --energy-budget-wh"):
        SearchOptions(space=space).searched()
    assert not SearchOptions(space=space, trials=5).searched().is_listed
    assert not SearchOptions(space=space, energy_budget_wh=1.0).searched().is_listed


def test_a_scenario_adds_axes_of_its_own() -> None:
    """Axes with values are searched by default, others only if they are named."""
    space = SearchOptions(batch_sizes=(8,), learning_rates=(0.1,)).searched(
        {"depth": (1, 2), "encoder": ()}
    )

    assert [axis.name for axis in space.axes] == ["batch_size", "learning_rate", "depth"]


def test_confirmation_uses_the_next_seeds() -> None:
    """The first seed is the search's own."""
    assert SearchOptions(seed=3, confirm=2).seeds == (3, 4, 5)


@pytest.mark.parametrize(
    ("goal", "rungs"), [("energy-to-target", Rungs.ENERGY), ("accuracy-energy", None)]
)
def test_halving_is_the_default_only_with_a_target(goal: Any, rungs: Rungs | None) -> None:  # noqa: ANN401 - a literal
    """For the ends of a front, trials must be trained to their end."""
    assert SearchOptions(goal=goal, target=0.9).rungs is rungs


def test_an_axis_of_power_limits_is_measured_within_each_training() -> None:
    """A limit changes the cost of an epoch, not what is learnt, so one training can try all of them."""
    options = SearchOptions(
        goal="energy-to-target", target=0.8, axis=("power_limit_w=200,300", "precision=fp32,bf16")
    )

    shared = options.reduced()

    assert shared.axis == ("precision=fp32,bf16",)
    assert shared.power_limits == ("200", "300")
    assert shared.reduced() == shared


@pytest.mark.parametrize(
    "other",
    [
        {"goal": "accuracy-energy"},
        {"sampler": "tpe"},
        {"workers_per_trial": 2},
        {"space": Path("space.yaml")},
    ],
)
def test_without_pausing_each_power_limit_is_a_setup(other: dict[str, Any]) -> None:
    """This applies to Optuna's samplers, other goals, space files and several workers."""
    given = {"goal": "energy-to-target", "target": 0.8, "axis": ("power_limit_w=200,300",), **other}

    assert SearchOptions(**given).reduced().axis == ("power_limit_w=200,300",)
