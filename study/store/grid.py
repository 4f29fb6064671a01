"""Setups of a grid: all combinations of batch sizes, learning rates and further axes."""

from collections.abc import Mapping, Sequence
from typing import Any

from study.axes.coupled import setups_of
from study.axes.given import further_axes
from study.options import StudyOptions
from study.record.manifest import SetupFacts
from study.scenario import Scenario, Searchable
from study.store.setups import numbered

NOTHING_MORE: Sequence[Mapping[str, Any]] = ({},)


def grid_of(
    options: StudyOptions,
    scenario: Scenario,
    further: Sequence[Mapping[str, Any]] = NOTHING_MORE,
) -> tuple[SetupFacts, ...]:
    """Return the setups of a grid study (paper, Table 1), numbered from 1.

    Args:
        options: Options of the command: batch sizes (the outermost axis), learning rates, `--axis`
            and `--tie`.
        scenario: The scenario, which may have axes of its own.
        further: Other parameters by name, for example `{"alpha": 0.5}`, the innermost axis.

    Raises:
        OptionError: An axis is unknown, a value is not allowed, or a tie makes two setups equal.
    """
    axes = {
        "batch_size": options.batch_sizes,
        "learning_rate": options.learning_rates,
        **further_axes(options.axis, scenario, options.scenario_options),
    }
    setups = setups_of(axes, options.tie)
    return numbered({**each, **more} for each in setups for more in further)


def offering(scenario: Scenario, options: StudyOptions) -> Scenario:
    """Return the scenario with the values that `--axis` gives to its own axes.

    Raises:
        OptionError: As for `grid_of`, or the scenario refuses a value.
    """
    if not isinstance(scenario, Searchable):
        return scenario
    axes = further_axes(options.axis, scenario, options.scenario_options)
    own = {name: axes[name] for name in scenario.own_axes if name in axes}
    return scenario.offering(own) if own else scenario
