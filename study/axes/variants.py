"""Variants of a scenario whose own options are axes: one for each combination of values, with its data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from study.errors import OptionError
from study.record.manifest import SetupFacts
from study.scenario import Configurable, Data, Scenario, Searchable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variant:
    """A scenario with particular values of its own options.

    Attributes:
        parameters: These values by the name of the option.
        scenario: The scenario configured with them.
        data: The data that this scenario loads.
    """

    parameters: Mapping[str, Any]
    scenario: Scenario
    data: Data


def with_variants(
    scenario: Scenario,
    data: Data,
    setups: Sequence[SetupFacts],
    options: Any,  # noqa: ANN401 - an instance of the scenario's `options`
    *,
    load: Callable[[Scenario], Data],
) -> Data:
    """Return the data with a variant for each combination of the scenario's options that setups choose.

    Args:
        scenario: The scenario, configured with the options as given.
        data: Its data, as loaded.
        setups: Setups of the study.
        options: The scenario's options as given; None for their defaults.
        load: Loads the data of a scenario.

    Raises:
        OptionError: The scenario refuses a value.
    """
    if not isinstance(scenario, Configurable):
        return data
    own = scenario.options() if options is None else options
    names = {each.name for each in fields(own)}
    if isinstance(scenario, Searchable):
        names -= set(scenario.own_axes)
    chosen: list[dict[str, Any]] = []
    for setup in setups:
        parameters = {name: each for name, each in setup.parameters.items() if name in names}
        if parameters and parameters not in chosen:
            chosen.append(parameters)
    return replace(data, variants=tuple(_variant(scenario, own, each, load) for each in chosen))


def variant_of(
    scenario: Scenario, data: Data, parameters: Mapping[str, Any]
) -> tuple[Scenario, Data]:
    """Return the scenario and the data of a setup.

    Args:
        scenario: Scenario of the study.
        data: Data of the study, with its variants.
        parameters: Values of the setup besides batch size and learning rate, by name.
    """
    for each in data.variants:
        if all(parameters.get(name) == value for name, value in each.parameters.items()):
            scenario, data = each.scenario, each.data
            break
    return scenario, scenario.chosen(data, parameters) if isinstance(scenario, Searchable) else data


def _variant(
    scenario: Configurable,
    own: Any,  # noqa: ANN401 - as above
    parameters: Mapping[str, Any],
    load: Callable[[Scenario], Data],
) -> Variant:
    try:
        made = scenario.configured(replace(own, **parameters))
    except OptionError as error:
        words = ", ".join(f"{name}={value}" for name, value in parameters.items())
        message = f"--axis {words}: {error}"
        raise OptionError(message) from error
    return Variant(parameters=parameters, scenario=made, data=load(made))
