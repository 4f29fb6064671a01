"""`python -m study.search replay TABLE`: replay a search on recorded trainings, with a simulated clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from study.command.parsing import refuse_old_names
from study.errors import OptionError, refuse
from study.options import HIGHEST_SEED
from study.record.files import J_PER_WH
from study.record.search.goal import SearchGoal
from study.search.arms.order import ArmOrder
from study.search.arms.policy import Policy
from study.search.arms.start import starting_arms
from study.search.proposals import Proposer
from study.search.replay.arms import ArmTable
from study.search.replay.pausing import PausingReplay
from study.search.replay.simulation import Simulation, first_rung
from study.search.replay.table import ReplayTable, read_table
from study.search.replay.text import pausing_lines, replayed_lines
from study.search.settings import SearchSettings
from study.search.space.file import read_space
from study.search.space.space import Space
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import EarlyStopper
from study.search.stopping.halving import Halving, Rungs
from trackers.terminal import as_started

DESCRIPTION = """Search on recorded trainings instead of training: seconds instead of hours.

  python -m study.search replay benchmarks/data/watch16 --goal energy-to-target --target 0.8
"""


@dataclass(frozen=True, kw_only=True)
class ReplayOptions(SearchSettings):
    """Options of a replayed search.

    Attributes:
        table: The recorded trainings: a study's folder, an epochs.parquet, or a CSV.
        pretended_gpus: Number of simulated GPUs, each of which runs one trial at a time.
    """

    table: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TABLE")]
    pretended_gpus: Annotated[int, tyro.conf.arg(name="gpus", metavar="N")] = 1

    def __post_init__(self) -> None:
        """Validate all options.

        Raises:
            OptionError: An option has a value that is not allowed; the first one found is named.
        """
        super().__post_init__()
        if self.pretended_gpus < 1:
            refuse(f"--gpus is {self.pretended_gpus}", "a number of GPUs from 1")
        if not 0 <= self.seed < HIGHEST_SEED:
            refuse(f"--seed is {self.seed}", f"0 or more, below {HIGHEST_SEED}")


def main(args: Sequence[str], *, program: str, console: Console) -> None:
    """Replay a search, and print what it found.

    Args:
        args: Arguments after `replay`.
        program: Module name after `python -m`, with the subcommand.
        console: Console for the output.

    Raises:
        OptionError: An option or the table is wrong.
    """
    refuse_old_names(args, ReplayOptions)
    options = tyro.cli(
        ReplayOptions,
        prog=as_started(f"python -m {program}"),
        description=as_started(DESCRIPTION),
        args=args,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    table = read_table(options.table)
    goal = SearchGoal(options.goal)
    if goal is SearchGoal.ENERGY_TO_TARGET and options.target is not None:
        table.energy_to_target_j(options.target)
    space = _space(options, table)
    is_paused = options.may_pause and options.space is None and options.target is not None
    lines = _pausing(options, table) if is_paused else _sequential(options, table, space, goal)
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def _pausing(options: ReplayOptions, table: ReplayTable) -> Iterator[str]:
    """Replay a search that pauses and resumes trainings."""
    arms = ArmTable.of(table)
    every = list(arms.arms)
    start = starting_arms(options.start, arms.axes, every)
    outcome = PausingReplay(
        table,
        arms,
        target=options.target or 0.0,
        seed=options.seed,
        policy=Policy.of(sure=options.sure, confirm=options.confirm, trials=options.trials),
        budget=(budget := Budget(options.budget_j)),
        order=ArmOrder(arms.axes, every, seed=options.seed, start=start),
        gpus=options.pretended_gpus,
    ).run()
    return pausing_lines(table, arms, outcome, budget)


def _sequential(
    options: ReplayOptions, table: ReplayTable, space: Space, goal: SearchGoal
) -> Iterator[str]:
    """Replay a search whose trials are trained or stopped once.

    Raises:
        OptionError: An option is given that only a search with pauses takes.
    """
    if options.sure is not None or options.start or options.confirm:
        message = (
            "--sure, --start and --confirm require a replay with --goal energy-to-target over the "
            "table's own setups, with --sampler auto and --halving auto."
        )
        raise OptionError(message)
    budget = Budget(options.budget_j)
    halving = _halving(options, table)
    first_j = 0.0
    if halving is not None and halving.first is not None:
        by_energy = options.rungs is Rungs.ENERGY
        first_j = halving.first * (1.0 if by_energy else table.cheapest_epoch_j)
    search = Simulation(
        table,
        proposer=Proposer(space, goal=goal, sampler=options.optuna_sampler, seed=options.seed),
        stopper=EarlyStopper(goal=goal, budget=budget, halving=halving, capping=not options.no_cap),
        budget=budget,
        goal=goal,
        target=options.target,
        seed=options.seed,
        gpus=options.pretended_gpus,
        trials=options.trials,
        first_rung_j=first_j,
        space=space,
    ).run()
    return replayed_lines(table, search, goal, budget)


def _halving(options: ReplayOptions, table: ReplayTable) -> Halving | None:
    rungs = options.rungs
    if rungs is None:
        return None
    first = first_rung(rungs, table)
    if rungs is Rungs.ENERGY and options.first_rung_wh is not None:
        first = options.first_rung_wh * J_PER_WH
    return Halving(rungs=rungs, first=first)


def _space(options: ReplayOptions, table: ReplayTable) -> Space:
    """Return the space of the search: the table's setups, or what --space defines on the same axes.

    Raises:
        OptionError: The file is malformed, or has other axes than the table.
    """
    if options.space is None:
        return table.space
    own = {axis.name: axis.values for axis in table.space.lists or ()}
    space = read_space(options.space, default=own, of_scenario=tuple(own))
    strange = [axis.name for axis in space.axes if axis.name not in own]
    if strange:
        message = (
            f"--space {options.space} names {strange[0]}; in {table.name} only {', '.join(own)} "
            "differ from setup to setup."
        )
        raise OptionError(message)
    return space
