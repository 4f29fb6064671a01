"""`python -m study.search recurring`: train the next run of a job that is trained again and again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console

from study.command.parsing import command_line, parse
from study.command.running import ReportProcess, carried_out, finish
from study.errors import OptionError
from study.machines.local.early_ray import early_ray
from study.record.files import EnergyUnit, unit_of
from study.scenario_lookup import load_scenario
from study.search.arms.recurrences import Recurrences
from study.search.arms.training import Training
from study.search.options import SearchOptions
from study.search.pausing_search import PausingSearch
from study.search.recurring.options import RecurringOptions
from study.search.text import unread_text
from study.store.folder import StudyFolder

DESCRIPTION = """Train the next run of a job that is trained again and again, so that all runs together cost little.

Each run is trained until it reaches --target. Which setup it takes is drawn from what earlier
runs of the job have cost (Thompson sampling): at first it tries, later it keeps to the cheapest.
A setup that promises to cost more than the best known one is ended early, and the run is trained
with that one. The memory is the study's folder, so give the same --name each time.

  python -m study.search recurring --scenario watch --target 0.8 --name nightly      the first run
  python -m study.search recurring --scenario watch --target 0.8 --name nightly      the next one
  python -m study.search recurring --scenario watch --target 0.8 --name nightly --runs 5
  python -m analysis results/nightly                                                 what it knows
"""


def main(
    args: Sequence[str],
    *,
    program: str,
    console: Console,
    report: ReportProcess,
    typed: Sequence[str],
) -> int:
    """Train the next runs, and return the exit status.

    Args:
        args: Arguments after `recurring`.
        program: Module name after `python -m`, with the subcommand.
        console: Console for the output.
        report: Process that writes the report.
        typed: All arguments after the module name.

    Raises:
        StudyError: An error that the user can fix; no trial was started.
    """
    options = parse(RecurringOptions, program=program, description=DESCRIPTION, args=args)
    with early_ray(options) as early:
        from study.search.searching import search_of  # noqa: PLC0415 - Optuna and Ray take time to load

        begun = StudyFolder(options.results_dir, str(options.name)).exists()
        options = replace(options, resume=begun)
        scenario = load_scenario(options.scenario, options.scenario_options)
        design, source = search_of(options, scenario)
        outcome, reported = carried_out(
            design,
            options,
            source=source,
            command=command_line(program.rsplit(maxsplit=1)[0], typed),
            console=console,
            report=report,
            early=early,
        )
    if isinstance(source.search, PausingSearch):
        for line in lines(source.search, options, unit_of(source.first_epoch_j)):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
    return finish(outcome, console, reported=reported)


def lines(search: PausingSearch, options: SearchOptions, unit: EnergyUnit) -> Iterator[str]:
    """Yield the lines that summarise the runs of a job, and the proposal for the next one.

    Args:
        search: Search with the trainings of the job.
        options: Options of the command.
        unit: Unit in which energies are shown.

    Raises:
        OptionError: The search is not that of a recurring job.
    """
    job = search.scheduler
    if not isinstance(job, Recurrences):
        message = "the study is a search; `recurring` resumes only studies that it started"
        raise OptionError(message)
    used: list[Training] = []
    number = 0
    for training in job.every:
        used.append(training)
        if not training.reached:
            continue
        number += 1
        tried = f", after {len(used) - 1} that promised to cost more" if len(used) > 1 else ""
        spent_j = sum(each.spent_j for each in used)
        missing = sum(each.missing for each in used)
        unread = f" ({unread_text(missing)} counted as the others)" if missing else ""
        yield f"run {number}: {search.named(training.arm)}: {unit.text(spent_j)}{unread}{tried}"
        used = []
    if used:
        yield f"not in a run: {len(used)} trainings that did not reach --target {options.target:g}"
    best = job.best_j
    if best is None:
        yield f"no run has reached --target {options.target:g} yet"
    else:
        yield f"cheapest so far: {search.named(best[0])}, {unit.text(best[1])} to the target"
    following = job.proposal()
    if following is None:
        yield "no next run: every setup misses the target; give a lower --target"
    else:
        yield f"next run: {search.named(following)}"
