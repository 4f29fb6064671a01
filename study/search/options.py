"""Options of `python -m study.search run`, in addition to those of every study."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

import tyro

from study.axes.given import split_axes
from study.axes.kinds import POWER_LIMIT
from study.errors import OptionError
from study.options import StudyOptions, tyro_arg, tyro_optional_arg
from study.search.settings import SearchSettings
from study.search.space.file import FROZEN, read_space, tied_space
from study.search.space.space import MOST_LISTED, Space, Value, space_of

Options = TypeVar("Options", bound="SearchOptions")

SMOKE_TRIALS = 3


@dataclass(frozen=True, kw_only=True)
class SearchOptions(SearchSettings, StudyOptions):
    """Options of a search that trains.

    Attributes:
        repeats: 1: a search trains a setup once.
        from_results: Earlier studies with the same scenario and data, whose finished trials the search
            starts from instead of training them again.
        from_similar: Also accept --from studies of other data or scenarios, only as hints: their setups
            are tried first.
    """

    repeats: Annotated[int, tyro_arg("1")] = 1
    from_results: Annotated[
        tuple[Path, ...], tyro.conf.arg(name="from", metavar="RESULTS ...", help_behavior_hint="")
    ] = ()
    from_similar: Annotated[bool, tyro_optional_arg()] = False

    def __post_init__(self) -> None:
        """Validate all options.

        Raises:
            OptionError: An option has a value that is not allowed; the first one found is named.
        """
        StudyOptions.__post_init__(self)
        SearchSettings.__post_init__(self)
        if self.repeats != 1:
            message = (
                f"--repeats is {self.repeats}; a search trains a setup once. Give --confirm to train "
                "the leading ones again with more seeds."
            )
            raise OptionError(message)

    @property
    def recurring_runs(self) -> int | None:
        """Number of runs of a recurring job to train; None for a search."""
        return None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of the search, followed by one for each seed of `confirm`."""
        return tuple(range(self.seed, self.seed + 1 + self.confirm))

    @property
    def fixed_values(self) -> dict[str, Value]:
        """Values of the options that apply to setups which do not choose them, by name."""
        return {
            "optimizer": self.optimizer,
            "precision": self.precision,
            "compile": self.compile,
            FROZEN: False,
        }

    def searched(
        self,
        own_axes: Mapping[str, tuple[Value, ...]] | None = None,
        further: Mapping[str, tuple[Value, ...]] | None = None,
    ) -> Space:
        """Return the search space.

        Args:
            own_axes: Axes of the scenario, see `study.scenario.Searchable`; None for none.
            further: Axes of `--axis`, see `study.axes.given.further_axes`; None for none.

        Raises:
            OptionError: The space file is wrong, see `read_space`; or the space is not listed and neither
                --trials nor a budget ends the search.
        """
        own = {name: values for name, values in (own_axes or {}).items() if values}
        default = {
            "batch_size": self.batch_sizes,
            "learning_rate": self.learning_rates,
            **own,
            **(further or {}),
        }
        if self.space is None:
            space = space_of(default)
            return tied_space(space, self.tie) if self.tie else space
        of_scenario = (*(own_axes or ()), *(further or ()))
        space = read_space(self.space, default=default, of_scenario=of_scenario, more_ties=self.tie)
        if not space.is_listed and self.trials is None and self.energy_budget_wh is None:
            message = (
                f"--space {self.space} has a range, or more than {MOST_LISTED} setups, and nothing "
                "ends the search. Give --trials or --energy-budget-wh."
            )
            raise OptionError(message)
        return space

    def reduced(self, given: Collection[str] = ()) -> Self:
        """Return the options to run with: reduced for a smoke run, and with shared power limits.

        Args:
            given: Names of the options that the user gave explicitly; these keep their values.
        """
        return _sharing(super().reduced(given))

    def _of_smoke(self) -> dict[str, Any]:
        return super()._of_smoke() | {"trials": min(self.trials or SMOKE_TRIALS, SMOKE_TRIALS)}


def _sharing(options: Options) -> Options:
    """Turn an axis of power limits into limits that each training measures itself, where possible.

    A power limit changes the cost of an epoch but not what is learnt, so one training can measure all.
    """
    limits = split_axes(options.axis).get(POWER_LIMIT, ())
    apart = options.power_limits or options.space or options.tie or options.workers > 1
    if not limits or apart or not options.may_pause:
        return options
    others = tuple(each for each in options.axis if each.partition("=")[0] != POWER_LIMIT)
    return replace(options, axis=others, power_limits=limits)
