"""`python -m study.search`: find what the grid would find, for a fraction of its energy.

Setups are proposed by Optuna or, for energy to target, by `study.search.arms`. Ray Tune runs the trials,
their energy decides which of them continue, and the whole search ends when its budget is spent.
`python -m study.search replay` runs the same search on recorded trainings.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from study.command.exit_status import exit_status
from study.command.parsing import command_line, parse
from study.command.running import ReportProcess, carried_out, finish
from study.errors import OptionError
from study.machines.local.early_ray import early_ray
from study.record.files import unit_of
from study.scenario_lookup import load_scenario
from study.search.options import SearchOptions
from study.search.recurring import command as recurring
from study.search.replay import command as replay
from study.search.text import live_lines
from trackers import process_end, terminal

PROGRAM = "study.search"

DESCRIPTION = """Search batch size and learning rate, and stop before the energy is wasted.

Three commands, each with options of its own: run (which may be left out) trains, replay searches \
on recorded trainings, recurring trains the next run of a job. These are the options of run.

  python -m study.search --smoke                                    try it out (a minute)
  python -m study.search --scenario watch --goal energy-to-target
      --target 0.8 --energy-budget-wh 0.1                           real data, within a budget
  python -m study.search --name NAME --resume                       resume after an interruption
  python -m study.search replay --help                              search on recorded trainings
  python -m study.search recurring --help                           a job that is trained again and again
"""

MOVED: Mapping[str, str] = {
    "--compare": "python -m benchmarks.search --compare TABLE, in a checkout",
    "--replay": "python -m study.search replay TABLE",
}
"""Present command for each option of version 0.1 that became a command."""


def main(args: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    console, report = Console(), ReportProcess()

    def run() -> int:
        _refuse_moved(args)
        match [*args]:
            case ["replay", *rest]:
                replay.main(rest, program=f"{PROGRAM} replay", console=console)
                return terminal.FINISHED
            case ["recurring", *rest]:
                return recurring.main(
                    rest,
                    program=f"{PROGRAM} recurring",
                    console=console,
                    report=report,
                    typed=args,
                )
            case ["run", *rest]:
                return _search(rest, console, report, typed=args)
            case _:
                return _search(args, console, report, typed=args)

    return exit_status(PROGRAM, run, on_interrupt=report.cancel)


def _refuse_moved(args: Sequence[str]) -> None:
    """Refuse options of version 0.1 that are commands now, and name the command.

    Raises:
        OptionError: The command line contains such an option.
    """
    for option, command in MOVED.items():
        if any(arg.split("=")[0] == option for arg in args):
            message = f"{option} became a command of its own in version 0.2: {command}."
            raise OptionError(message)


def _search(
    args: Sequence[str], console: Console, report: ReportProcess, *, typed: Sequence[str]
) -> int:
    options = parse(SearchOptions, program=PROGRAM, description=DESCRIPTION, args=args)
    with early_ray(options) as early:
        from study.search.searching import search_of  # noqa: PLC0415 - Optuna and Ray take time to load

        scenario = load_scenario(options.scenario, options.scenario_options)
        design, source = search_of(options, scenario)
        outcome, reported = carried_out(
            design,
            options,
            source=source,
            command=command_line(PROGRAM, typed),
            console=console,
            report=report,
            early=early,
        )
    if source.search is not None:
        lines = live_lines(
            source.search,
            [*source.trials(), *source.known],
            options,
            setups=source.setups if source.is_listed else (),
            study=Path(outcome.folder.path).name,
            used_j=source.used_j,
            unit=unit_of(source.first_epoch_j),
        )
        for line in lines:
            console.print(line, soft_wrap=True, markup=False, highlight=False)
    return finish(outcome, console, reported=reported)


if __name__ == "__main__":
    process_end.leave(terminal.run(main))
