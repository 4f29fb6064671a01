"""`python -m study.search`: what the grid finds, for a fraction of the grid's energy.

Optuna proposes setups, Ray Tune runs them, energy decides who goes on, and the whole search ends
when its budget is spent. With `--replay` the same search runs on recorded trainings.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.search.compare import compare, first_rung
from benchmarks.search.figure import write_figure
from study.command import FINISHED, REFUSED, ending, show_analysis
from study.design import Design
from study.errors import OptionError, StudyError
from study.execution.interrupts import INTERRUPTED
from study.options import command_line, parse
from study.record.manifest import Manifest
from study.record.records import J_PER_WH, Paradigm, Stage
from study.record.search_goal import SearchGoal
from study.scenario import Pretrainable, Scenario, Searchable, load_scenario
from study.search.options import SearchOptions
from study.search.proposals import Proposer
from study.search.replay.simulation import Simulation
from study.search.replay.table import ReplayTable, read_table
from study.search.space.file import FROZEN, read_space
from study.search.space.setup_registry import listed_setups
from study.search.space.space import Space
from study.search.stopping.budget import Budget
from study.search.stopping.early_stopper import EarlyStopper
from study.search.stopping.halving import Halving, Rungs
from study.search.text import comparison_table, live_lines, replayed_lines
from study.search.warm_start import Earlier, earlier_studies

PROGRAM = "study.search"

DESCRIPTION = """Search batch size and learning rate, and stop before the energy is wasted.

  python -m study.search --smoke                                    try it out (a minute)
  python -m study.search --scenario watch --goal energy-to-target
      --target-accuracy 0.8 --energy-budget-wh 0.1                  real data, within a budget
  python -m study.search --name NAME --resume                       go on after an interruption
  python -m study.search --compare --replay benchmarks/data/watch16 --target-accuracy 0.8
                                     which way of searching spends least, on recorded trainings
"""


def design_of(space: Space) -> Design:
    """What is run; where `frozen` is chosen, a trial has the stages of its setup."""

    def stages(scenario: Scenario) -> tuple[Stage, ...]:
        if all(axis.name != FROZEN for axis in space.axes):
            return (Stage.ENCODER_CLASSIFIER,)
        pretraining = (Stage.ENCODER,) if isinstance(scenario, Pretrainable) else ()
        return (*pretraining, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)

    return Design(paradigm=Paradigm.SEARCH, stages=stages, setups=lambda _: listed_setups(space))


def main(args: Sequence[str]) -> int:
    """Run the command; its exit status."""
    console = Console()
    try:
        options = parse(SearchOptions, program=PROGRAM, description=DESCRIPTION, args=args)
        if options.compare and options.replay is not None and options.target_accuracy is not None:
            return _compare(
                options, options.replay, target=options.target_accuracy, console=console
            )
        if options.replay is not None:
            return _replay(options, options.replay, console)
        return _search(options, console, args)
    except StudyError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return REFUSED
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: interrupted before the first trial\n")
        return INTERRUPTED


def _search(options: SearchOptions, console: Console, args: Sequence[str]) -> int:
    # Ray and torch take seconds to load; a wrong option and --help need not wait for them.
    from study.execution.launch import run_study  # noqa: PLC0415
    from study.search.ray_adapter import RaySearchAdapter  # noqa: PLC0415

    options = options.reduced()
    scenario = load_scenario(options.scenario, options.scenario_settings)
    space = options.searched(scenario.own_axes if isinstance(scenario, Searchable) else None)

    def earlier(manifest: Manifest) -> Earlier:
        return earlier_studies(
            options.from_results,
            manifest,
            space=space,
            goal=SearchGoal(options.goal),
            target=options.target_accuracy,
            similar=options.from_similar,
        )

    source = RaySearchAdapter(options, space, earlier)
    outcome = run_study(
        design_of(space),
        options,
        command=command_line(PROGRAM, args),
        console=console,
        source=source,
    )
    if not options.no_report:
        show_analysis(outcome.folder)
    if source.search is not None:
        lines = live_lines(
            source.search,
            [*source.trials(), *source.known],
            options,
            setups=source.setups if space.is_listed else (),
            study=Path(outcome.folder.path).name,
        )
        for line in lines:
            console.print(line, soft_wrap=True, markup=False, highlight=False)
    return ending(outcome, console)


def _replay(options: SearchOptions, path: Path, console: Console) -> int:
    table = read_table(path)
    goal = SearchGoal(options.goal)
    if goal is SearchGoal.ENERGY_TO_TARGET and options.target_accuracy is not None:
        table.energy_to_target_j(options.target_accuracy)
    budget = Budget(options.budget_j)
    halving = None
    first_j = 0.0
    rungs = options.rungs
    if rungs is not None:
        first = first_rung(rungs, table)
        if rungs is Rungs.ENERGY and options.first_rung_wh is not None:
            first = options.first_rung_wh * J_PER_WH
        first_j = first if rungs is Rungs.ENERGY else first * table.cheapest_epoch_j
        halving = Halving(rungs=rungs, first=first)
    space = _space_of_table(options, table)
    search = Simulation(
        table,
        proposer=Proposer(space, goal=goal, sampler=options.sampler, seed=options.seed),
        stopper=EarlyStopper(goal=goal, budget=budget, halving=halving, capping=not options.no_cap),
        budget=budget,
        goal=goal,
        target=options.target_accuracy,
        seed=options.seed,
        gpus=options.pretended_gpus,
        trials=options.trials,
        first_rung_j=first_j,
        space=space,
    ).run()
    for line in replayed_lines(table, search, goal, budget):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return FINISHED


def _space_of_table(options: SearchOptions, table: ReplayTable) -> Space:
    """What is searched over in a replay: the table's setups, or what --space names beside them.

    Raises:
        OptionError: The file is not as it should be, or has other axes than the table.
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


def _compare(options: SearchOptions, path: Path, *, target: float, console: Console) -> int:
    table = read_table(path)
    comparison = compare(
        table,
        target=target,
        seeds=options.searches,
        gpus=options.pretended_gpus,
        trials=options.trials,
    )
    console.print(comparison_table(comparison))
    if options.figure is not None:
        write_figure(comparison, options.figure)
        console.print(f"figure in {options.figure}", highlight=False)
    return FINISHED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
