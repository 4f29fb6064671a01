"""The options of `python -m study.search`, beside those of every study."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Self

import tyro

from study.errors import OptionError
from study.options import StudyOptions, tyro_arg, tyro_optional_arg
from study.record.records import J_PER_WH
from study.record.search_goal import SearchGoal
from study.search.proposals import SamplerName
from study.search.space.file import FROZEN, read_space
from study.search.space.space import MOST_LISTED, Space, Value, space_of
from study.search.stopping.halving import Rungs


@dataclass(frozen=True, kw_only=True)
class SearchOptions(StudyOptions):
    """What a search takes.

    Attributes:
        repeats: 1: a search trains a setup once.
        goal: energy-to-target (needs --target-accuracy), accuracy-energy (the front), or
            accuracy (the best within the budget).
        sampler: Which of Optuna's samplers proposes.
        trials: At most so many trials; left out: until every setup was tried.
        space: YAML file with further axes (optimizer, weight_decay, frozen, and the scenario's own),
            or other values; lists, or ranges: {learning_rate: {low: 0.001, high: 0.1, log: true}}.
        energy_budget_wh: Energy that the whole search may use, in watt-hours.
        halving: Successive halving whose rungs are energies, or epochs; auto: energy for
            energy-to-target, else none, because the ends of a front need trials that go on.
        first_rung_wh: First rung of --halving energy; left out: twice the first epoch of all.
        no_cap: Let trials go on that have reached the target, or cannot beat the best one.
        confirm: Afterwards, train the leading three setups (or the front) again with so many more
            seeds, as far as the budget lasts: only that tells a good setup from a lucky seed.
        from_results: Studies whose finished trials are known beforehand (same scenario and data).
        from_similar: Take --from studies of other data too, as hints: their setups are tried first.
        replay: Search on recorded trainings instead of training: a study's folder, an
            epochs.parquet, or a CSV.
        compare: Compare all ways of searching on the --replay table.
        searches: Searches of each way, each with a seed of its own, for --compare.
        pretended_gpus: Trials at the same time, for --replay.
        figure: SVG or PNG file that takes the figure of --compare.
    """

    repeats: Annotated[int, tyro_arg("1")] = 1
    goal: Literal["energy-to-target", "accuracy-energy", "accuracy"] = "accuracy-energy"
    sampler: SamplerName = "tpe"
    trials: Annotated[int | None, tyro_optional_arg("N")] = None
    space: Annotated[Path | None, tyro_optional_arg("FILE.yaml")] = None
    energy_budget_wh: Annotated[float | None, tyro_optional_arg("WH")] = None
    halving: Literal["auto", "none", "energy", "epochs"] = "auto"
    first_rung_wh: Annotated[float | None, tyro_optional_arg("WH")] = None
    no_cap: Annotated[bool, tyro_optional_arg()] = False
    confirm: Annotated[int, tyro_arg("N")] = 0
    from_results: Annotated[
        tuple[Path, ...], tyro.conf.arg(name="from", metavar="RESULTS ...", help_behavior_hint="")
    ] = ()
    from_similar: Annotated[bool, tyro_optional_arg()] = False
    replay: Annotated[Path | None, tyro_optional_arg("TABLE")] = None
    compare: Annotated[bool, tyro_optional_arg()] = False
    searches: Annotated[int, tyro.conf.arg(name="seeds", metavar="N")] = 50
    pretended_gpus: Annotated[int, tyro.conf.arg(name="gpus", metavar="N")] = 1
    figure: Annotated[Path | None, tyro_optional_arg("FILE")] = None

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            OptionError: The first option whose value is not allowed.
        """
        super().__post_init__()
        for name, option, value in (
            ("trials", "--trials", self.trials),
            ("searches", "--seeds", self.searches),
            ("gpus", "--gpus", self.pretended_gpus),
        ):
            if value is not None and value < 1:
                message = f"{option} is {value}; allowed is a number of {name} from 1."
                raise OptionError(message)
        if self.confirm < 0:
            message = f"--confirm is {self.confirm}; allowed is a number of seeds from 0."
            raise OptionError(message)
        for option, watt_hours in (
            ("--energy-budget-wh", self.energy_budget_wh),
            ("--first-rung-wh", self.first_rung_wh),
        ):
            if watt_hours is not None and not 0 < watt_hours < math.inf:
                message = f"{option} is {watt_hours}; allowed is a number above 0."
                raise OptionError(message)
        if self.repeats != 1:
            message = (
                f"--repeats is {self.repeats}; a search trains a setup once. Give --confirm to train "
                "the leading ones again with more seeds."
            )
            raise OptionError(message)
        needs_target = self.compare or self.goal == "energy-to-target"
        if needs_target and self.target_accuracy is None:
            message = (
                "--target-accuracy is missing; energy to target is the energy until the validation "
                "accuracy first reaches it. Give a share such as 0.9."
            )
            raise OptionError(message)
        self._refuse_together()

    def _refuse_together(self) -> None:
        """Refuse options that would do nothing beside each other."""
        replays = self.replay is not None
        for is_given, message in (
            (
                self.compare and not replays,
                "--compare is given without --replay; it compares on recorded trainings only.",
            ),
            (
                self.compare and self.space is not None,
                "--space is given with --compare, which has the table's own setups. Leave it out.",
            ),
            (
                replays and self.confirm > 0,
                "--confirm is given with --replay; nothing is trained there. Leave it out.",
            ),
            (
                replays and bool(self.from_results),
                "--from is given with --replay, which begins knowing nothing. Leave it out.",
            ),
        ):
            if is_given:
                raise OptionError(message)

    @property
    def budget_j(self) -> float | None:
        """The budget in joules; None where there is none."""
        return None if self.energy_budget_wh is None else self.energy_budget_wh * J_PER_WH

    @property
    def rungs(self) -> Rungs | None:
        """What the rungs of the halving count; None without halving."""
        if self.halving == "auto":
            to_target = self.goal == SearchGoal.ENERGY_TO_TARGET.value
            return Rungs.ENERGY if to_target else None
        return None if self.halving == "none" else Rungs(self.halving)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of the search, and those of `confirm`."""
        return tuple(range(self.seed, self.seed + 1 + self.confirm))

    @property
    def fixed_values(self) -> dict[str, Value]:
        """What a setup has that does not choose it."""
        return {"optimizer": self.optimizer, FROZEN: False}

    def searched(self, own_axes: Mapping[str, tuple[Value, ...]] | None = None) -> Space:
        """What is searched over.

        Args:
            own_axes: Of the scenario; see `study.scenario.Searchable`.

        Raises:
            OptionError: See `read_space`; or a range has no end, neither by --trials nor by a
                budget.
        """
        own = {name: values for name, values in (own_axes or {}).items() if values}
        default = {"batch_size": self.batch_sizes, "learning_rate": self.learning_rates, **own}
        if self.space is None:
            return space_of(default)
        space = read_space(self.space, default=default, of_scenario=tuple(own_axes or ()))
        if not space.is_listed and self.trials is None and self.energy_budget_wh is None:
            message = (
                f"--space {self.space} has a range, or more than {MOST_LISTED} setups, and nothing "
                "ends the search. Give --trials or --energy-budget-wh."
            )
            raise OptionError(message)
        return space

    def reduced(self) -> Self:
        """These options, cut down to a smoke run where one was asked for."""
        less = super().reduced()
        return replace(less, trials=min(less.trials or 3, 3)) if self.smoke else less
