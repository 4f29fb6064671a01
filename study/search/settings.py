"""Goal and strategy of a search: the options shared by searches that train and by replays."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from study.errors import OptionError, refuse
from study.options import tyro_arg, tyro_optional_arg
from study.record.files import J_PER_WH
from study.record.search.goal import SearchGoal
from study.search.proposals import SamplerName
from study.search.stopping.halving import Rungs


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Options of every search.

    Attributes:
        goal: energy-to-target (least energy until the objective reaches --target, which is then
            required), accuracy-energy (the Pareto front of both), or accuracy (the best objective
            within the budget).
        target: Value of the objective, for example a validation accuracy of 0.9. --goal
            energy-to-target needs it.
        seed: Seed of the sampler and of the trials.
        sampler: auto or one of Optuna's samplers, which proposes setups that are each trained or stopped
            once. auto: for energy-to-target over lists of values, tries setups near good ones, and
            pauses and resumes trainings by their predicted cost; otherwise tpe.
        start: With auto: the setup to try first, for example batch_size=256,learning_rate=0.01; several
            are tried one after another. If omitted, the middle of the space.
        sure: With auto: repeat the most informative setups until the answer is within 5 % of the
            cheapest with this probability, for example 0.9, or until --confirm or the budget is
            exhausted.
        confirm: After the search, train the three leading setups (or the front) again with this many
            more seeds, within the budget, to tell good setups from lucky seeds. With auto, three times
            this many trainings of the most informative setups.
        trials: Maximum number of trials; if omitted, the search continues until every setup was tried.
        space: YAML file with further axes (optimizer, weight_decay, frozen, and the scenario's own), or
            other values: lists, or ranges such as {learning_rate: {low: 0.001, high: 0.1, log: true}}.
        energy_budget_wh: Energy that the whole search may use, in watt-hours.
        halving: Successive halving with rungs in energy or in epochs; auto is energy for
            energy-to-target, otherwise none, because the ends of a Pareto front need full trainings.
        first_rung_wh: First rung of --halving energy, in watt-hours; if omitted, twice the first epoch
            of the search (in a replay, twice the cheapest epoch).
        no_cap: Let trials continue that have reached the target or cannot beat the best one.
    """

    goal: Literal["energy-to-target", "accuracy-energy", "accuracy"] = "accuracy-energy"
    target: Annotated[float | None, tyro_optional_arg("VALUE")] = None
    seed: Annotated[int, tyro_arg("N")] = 0
    sampler: Literal["auto", SamplerName] = "auto"
    start: Annotated[tuple[str, ...], tyro_optional_arg("NAME=VALUE,...")] = ()
    sure: Annotated[float | None, tyro_optional_arg("P")] = None
    confirm: Annotated[int, tyro_arg("N")] = 0
    trials: Annotated[int | None, tyro_optional_arg("N")] = None
    space: Annotated[Path | None, tyro_optional_arg("FILE.yaml")] = None
    energy_budget_wh: Annotated[float | None, tyro_optional_arg("WH")] = None
    halving: Literal["auto", "none", "energy", "epochs"] = "auto"
    first_rung_wh: Annotated[float | None, tyro_optional_arg("WH")] = None
    no_cap: Annotated[bool, tyro_optional_arg()] = False

    def __post_init__(self) -> None:
        """Validate all options.

        Raises:
            OptionError: An option has a value that is not allowed; the first one found is named.
        """
        if self.trials is not None and self.trials < 1:
            refuse(f"--trials is {self.trials}", "a number of trials from 1")
        if self.confirm < 0:
            refuse(f"--confirm is {self.confirm}", "a number of seeds from 0")
        if self.sure is not None and not 0 < self.sure < 1:
            refuse(f"--sure is {self.sure:g}", "a probability between 0 and 1, such as 0.9")
        for option, given in (("--sure", self.sure is not None), ("--start", bool(self.start))):
            if given and not self.may_pause:
                message = (
                    f"{option} is given, which requires --goal energy-to-target, --sampler auto and "
                    "--halving auto, and neither --no-cap nor --first-rung-wh."
                )
                raise OptionError(message)
        for option, watt_hours in (
            ("--energy-budget-wh", self.energy_budget_wh),
            ("--first-rung-wh", self.first_rung_wh),
        ):
            if watt_hours is not None and not 0 < watt_hours < math.inf:
                refuse(f"{option} is {watt_hours}", "a number above 0")
        if self.goal == SearchGoal.ENERGY_TO_TARGET.value and self.target is None:
            message = (
                "--target is missing; energy to target is the energy until the objective first "
                "reaches it. Give a value of the objective, such as 0.9 for a validation accuracy."
            )
            raise OptionError(message)

    @property
    def is_confirmed(self) -> bool:
        """Return whether leading setups are trained again at the end."""
        return self.confirm > 0 or self.sure is not None

    @property
    def may_pause(self) -> bool:
        """Return whether trainings are paused and resumed, provided that the space is listed."""
        to_target = self.goal == SearchGoal.ENERGY_TO_TARGET.value
        plain = self.halving == "auto" and not self.no_cap and self.first_rung_wh is None
        return to_target and plain and self.sampler == "auto"

    @property
    def optuna_sampler(self) -> SamplerName:
        """Return the Optuna sampler that proposes setups where trainings are not paused."""
        return "tpe" if self.sampler == "auto" else self.sampler

    @property
    def budget_j(self) -> float | None:
        """Energy budget in joules; None without a budget."""
        return None if self.energy_budget_wh is None else self.energy_budget_wh * J_PER_WH

    @property
    def rungs(self) -> Rungs | None:
        """Kind of the rungs of successive halving; None without halving."""
        if self.halving == "auto":
            to_target = self.goal == SearchGoal.ENERGY_TO_TARGET.value
            return Rungs.ENERGY if to_target else None
        return None if self.halving == "none" else Rungs(self.halving)
