"""Options of a scenario as axes: its data for each of their values."""

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
    """Of the scenario."""

    shift: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.shift < 0:
            message = "--shift is below 0."
            raise OptionError(message)


class Shifted(Tiny):
    """Points that lie elsewhere."""

    options = Options

    def __init__(self, shift: int = 0) -> None:
        """Shift them."""
        self.shift = shift

    def configured(self, options: Options) -> "Shifted":
        """Shift them by the option."""
        return Shifted(options.shift)

    def load(self, data_dir: Any, *, seed: int) -> Data:  # noqa: ANN401
        """The points."""
        data = super().load(data_dir, seed=seed)
        return replace(data, description=f"shifted by {self.shift}")


def loaded(scenario: Scenario) -> Data:
    """The data of a scenario."""
    return scenario.load(None, seed=0)


def test_each_setup_has_the_data_of_its_values() -> None:
    """And the scenario with them; a setup that chooses none has those of the study."""
    setups = grid([8], [0.1], [{"shift": 1, "optimizer": "adam"}, {"shift": 2}])
    scenario = Shifted()
    data = with_variants(scenario, loaded(scenario), setups, None, load=loaded)

    chosen, own = variant_of(scenario, data, setups[1].parameters)

    assert isinstance(chosen, Shifted)
    assert (chosen.shift, own.description) == (2, "shifted by 2")
    assert variant_of(scenario, data, {})[1].description == "shifted by 0"


def test_a_study_of_other_values_has_another_fingerprint() -> None:
    """So that it is not taken for the same when it is resumed."""
    scenario = Shifted()
    data = loaded(scenario)

    more = with_variants(scenario, data, grid([8], [0.1], [{"shift": 1}]), None, load=loaded)

    assert more.facts().fingerprint != data.facts().fingerprint


def test_a_value_that_the_scenario_does_not_take_is_named() -> None:
    """With its own words."""
    setups = grid([8], [0.1], [{"shift": -1}])

    with pytest.raises(OptionError, match="--axis shift=-1: --shift is below 0"):
        with_variants(Shifted(), loaded(Shifted()), setups, None, load=loaded)


def test_a_scenario_without_options_stays_as_it_is() -> None:
    """Its data are loaded once."""
    data = loaded(Tiny())

    assert with_variants(Tiny(), data, grid([8], [0.1]), None, load=loaded) is data
