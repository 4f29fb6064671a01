"""Options of a scenario as axes: each value has its own data."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from study.axes.variants import variant_of, with_variants
from study.errors import OptionError
from study.scenario import Data, Scenario
from study.store.setups import grid
from tests.end_to_end.scenarios import Tiny


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the scenario."""

    shift: int = 0

    def __post_init__(self) -> None:
        """Refuse a negative shift."""
        if self.shift < 0:
            message = "--shift is below 0."
            raise OptionError(message)


class Shifted(Tiny):
    """A scenario whose data name the shift that it was made with."""

    options = Options

    def __init__(self, shift: int = 0) -> None:
        """Set the shift."""
        self.shift = shift

    def configured(self, options: Options) -> "Shifted":
        """Return a scenario with the shift of the option."""
        return Shifted(options.shift)

    def load(self, data_dir: Any, *, seed: int) -> Data:  # noqa: ANN401
        """Load the points; the description names the shift."""
        data = super().load(data_dir, seed=seed)
        return replace(data, description=f"shifted by {self.shift}")


def load_data(scenario: Scenario) -> Data:
    """The data of a scenario."""
    return scenario.load(None, seed=0)


def test_each_setup_has_the_data_of_its_values() -> None:
    """A setup gets the scenario and data of its option values; without any, it gets the study's."""
    setups = grid([8], [0.1], [{"shift": 1, "optimizer": "adam"}, {"shift": 2}])
    scenario = Shifted()
    data = with_variants(scenario, load_data(scenario), setups, None, load=load_data)

    chosen, own = variant_of(scenario, data, setups[1].parameters)

    assert isinstance(chosen, Shifted)
    assert (chosen.shift, own.description) == (2, "shifted by 2")
    assert variant_of(scenario, data, {})[1].description == "shifted by 0"


def test_other_option_values_give_another_fingerprint() -> None:
    """A study is therefore not resumed as one with other values."""
    scenario = Shifted()
    data = load_data(scenario)

    more = with_variants(scenario, data, grid([8], [0.1], [{"shift": 1}]), None, load=load_data)

    assert more.facts().fingerprint != data.facts().fingerprint


def test_a_value_that_the_scenario_refuses_is_named() -> None:
    """The error names the axis and the value, followed by the scenario's own message."""
    setups = grid([8], [0.1], [{"shift": -1}])

    with pytest.raises(OptionError, match="--axis shift=-1: --shift is below 0"):
        with_variants(Shifted(), load_data(Shifted()), setups, None, load=load_data)


def test_a_scenario_without_options_keeps_its_data() -> None:
    """The data are returned unchanged."""
    data = load_data(Tiny())

    assert with_variants(Tiny(), data, grid([8], [0.1]), None, load=load_data) is data
