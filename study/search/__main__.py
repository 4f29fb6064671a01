"""`python -m study.search`: what the grid finds, for a fraction of the grid's energy.

Optuna proposes setups, Ray Tune runs them, energy decides who goes on, and the whole search ends
when its budget is spent. `python -m study.search replay` runs the same search on recorded trainings.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from study.axes.given import further_axes
from study.command import FINISHED, REFUSED, ending, show_analysis
from study.command_line import command_line, parse
from study.design import Design
from study.errors import OptionError, StudyError
from study.execution.interrupts import INTERRUPTED
from study.record.manifest import Manifest
from study.record.search_goal import SearchGoal
from study.record.vocabulary import Paradigm, Stage
from study.scenario import Pretrainable, Scenario, Searchable
from study.scenario_lookup import load_scenario
from study.search.options import SearchOptions
from study.search.replay import command as replay
from study.search.space.file import FROZEN
from study.search.space.setup_registry import listed_setups
from study.search.space.space import Space
from study.search.text import live_lines
from study.search.warm_start import Earlier, earlier_studies
from trackers import terminal

PROGRAM = "study.search"

DESCRIPTION = """Search batch size and learning rate, and stop before the energy is wasted.

  python -m study.search --smoke                                    try it out (a minute)
  python -m study.search --scenario watch --goal energy-to-target
      --target 0.8 --energy-budget-wh 0.1                           real data, within a budget
  python -m study.search --name NAME --resume                       go on after an interruption
  python -m study.search replay TABLE --help                        search on recorded trainings
"""

MOVED: Mapping[str, str] = {
    "--compare": "python -m benchmarks.search --compare TABLE, in a checkout",
    "--replay": "python -m study.search replay TABLE",
}
"""Where options of version 0.1 have gone."""


def design_of(space: Space) -> Design:
    """Design of the study; where `frozen` is chosen, a trial has the stages of its setup."""

    def stages(scenario: Scenario) -> tuple[Stage, ...]:
        if all(axis.name != FROZEN for axis in space.axes):
            return (Stage.ENCODER_CLASSIFIER,)
        pretraining = (Stage.ENCODER,) if isinstance(scenario, Pretrainable) else ()
        return (*pretraining, Stage.CLASSIFIER_FROZEN, Stage.ENCODER_CLASSIFIER)

    return Design(paradigm=Paradigm.SEARCH, stages=stages, setups=lambda *_: listed_setups(space))


def main(args: Sequence[str]) -> int:
    """Run the command; its exit status."""
    console = Console()
    try:
        _refuse_moved(args)
        match [*args]:
            case ["replay", *rest]:
                replay.main(rest, program=f"{PROGRAM} replay", console=console)
                return FINISHED
            case ["run", *rest]:
                return _search(rest, console, typed=args)
            case _:
                return _search(args, console, typed=args)
    except StudyError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return REFUSED
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: interrupted before the first trial\n")
        return INTERRUPTED


def _refuse_moved(args: Sequence[str]) -> None:
    """Answer an option of version 0.1 that is a command now with that command.

    Raises:
        OptionError: There is one.
    """
    for option, command in MOVED.items():
        if any(arg.split("=")[0] == option for arg in args):
            message = f"{option} is a command of its own since version 0.2: {command}."
            raise OptionError(message)


def _search(args: Sequence[str], console: Console, *, typed: Sequence[str]) -> int:
    options = parse(SearchOptions, program=PROGRAM, description=DESCRIPTION, args=args)
    # Ray and torch take seconds to load; a wrong option and --help need not wait for them.
    from study.execution.launch import run_study  # noqa: PLC0415
    from study.search.ray_adapter import RaySearchAdapter  # noqa: PLC0415

    options = options.reduced()
    scenario = load_scenario(options.scenario, options.scenario_options)
    space = options.searched(
        scenario.own_axes if isinstance(scenario, Searchable) else None,
        further_axes(options.axis, scenario, options.scenario_options),
    )

    def earlier(manifest: Manifest) -> Earlier:
        return earlier_studies(
            options.from_results,
            manifest,
            space=space,
            goal=SearchGoal(options.goal),
            target=options.target,
            similar=options.from_similar,
        )

    source = RaySearchAdapter(options, space, earlier)
    outcome = run_study(
        design_of(space),
        options,
        command=command_line(PROGRAM, typed),
        console=console,
        source=source,
    )
    reported = options.no_report or show_analysis(outcome.folder)
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
    return ending(outcome, console, reported=reported)


if __name__ == "__main__":
    terminal.run(main)
