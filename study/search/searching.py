"""Design of a search as a study, and the source of its trials."""

from collections.abc import Collection

from study.axes.given import further_axes
from study.design import Design
from study.record.manifest import Manifest
from study.record.search.goal import SearchGoal
from study.record.vocabulary import Paradigm, Stage
from study.scenario import Pretrainable, Scenario, Searchable
from study.search.options import SearchOptions
from study.search.ray_adapter import RaySearchAdapter
from study.search.space.file import FROZEN
from study.search.space.setup_registry import listed_setups
from study.search.space.space import Space
from study.search.warm_start import EarlierStudies, earlier_studies


def search_of(options: SearchOptions, scenario: Scenario) -> tuple[Design, RaySearchAdapter]:
    """Return the design of a search, and the source of its trials.

    Args:
        options: Options of the search, already reduced where a smoke run was requested.
        scenario: The scenario, configured with its options.

    Raises:
        OptionError: The space cannot be searched.
    """
    space = options.searched(
        scenario.own_axes if isinstance(scenario, Searchable) else None,
        further_axes(options.axis, scenario, options.scenario_options),
    )

    def earlier(manifest: Manifest, devices: Collection[str]) -> EarlierStudies:
        return earlier_studies(
            options.from_results,
            manifest,
            space=space,
            goal=SearchGoal(options.goal),
            target=options.target,
            similar=options.from_similar,
            devices=devices,
        )

    return design_of(space), RaySearchAdapter(options, space, earlier)


def design_of(space: Space) -> Design:
    """Return the design of a search; where `frozen` is an axis, a setup's value decides on its stages."""

    def stages(scenario: Scenario) -> tuple[Stage, ...]:
        if all(axis.name != FROZEN for axis in space.axes):
            return (Stage.ENCODER_CLASSIFIER,)
        pretraining = (Stage.ENCODER,) if isinstance(scenario, Pretrainable) else ()
        return (*pretraining, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)

    return Design(
        paradigm=Paradigm.SEARCH,
        stages=stages,
        setups=lambda *_: listed_setups(space),
        power_limits_w=space.power_limits_w,
    )
