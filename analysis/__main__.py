"""`python -m analysis RESULTS...`: tables, ranking and recommendation for finished or running studies."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text

from analysis.choices import Choices, check_names
from analysis.command_line import parse_options
from analysis.errors import AnalysisError
from analysis.findings import Findings
from analysis.forms.formats import Format, tables_text
from analysis.quantities import count_text, enumeration
from analysis.read.export_command import export_command
from analysis.read.import_command import import_command
from analysis.read.load import find_studies
from analysis.read.power_log import FOLDER, write_power_logs
from analysis.tables.against_paper import against_paper_infos
from analysis.tables.comparison import comparison_infos
from analysis.tables.factor_table import factor_table
from analysis.tables.setups import table_infos
from analysis.tables.terminal import (
    make_console,
    show,
    show_against_paper,
    show_comparison,
    show_inconsistencies,
    show_table,
)
from trackers import process_end, terminal
from trackers.terminal import as_started

_HELP = """Which setup trains well for the least energy? Analyses a study's results.

Prints the average energy per epoch and the total energy by batch size and learning rate, an \
energy-aware ranking, and a recommendation with its caveats. Writes them as one page with figures \
to RESULTS/report/index.html. Works on studies that still run or were killed.

  python -m analysis results/watch
  python -m analysis results/watch --tolerance 0.5     # give up half a point of accuracy at most
  python -m analysis results/a results/b --no-report   # two studies side by side, terminal only
  python -m analysis results/watch --against-paper     # the published numbers beside yours
  python -m analysis results/watch --rank-by energy-to-target --target 0.9
  python -m analysis results/watch --country DE --price 0.30
  python -m analysis results/watch --format latex --output tables.tex
  python -m analysis serve results/watch               # in a browser, while the study runs
  python -m analysis export results/watch --output all.csv            # one table of everything
  python -m analysis import RUN --objective val_loss --mode min      # a Ray Tune run

Exit status: 0, or 2 where a folder is no study, with what to do about it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Choices):
    """Options of `python -m analysis`."""

    results: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RESULTS...", help_behavior_hint=""),
    ]
    """Study folders (results/NAME), or folders that contain exactly one study."""
    format: Annotated[
        tyro.conf.EnumChoicesFromValues[Format | None],
        tyro.conf.arg(metavar="{markdown,latex,csv}", help_behavior_hint=""),
    ] = None
    """Print only the tables, in this format, for a paper or a program; no report is written."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """File that --format writes to. Default: standard output."""
    report: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = True
    """Write report/ into the study's folder: a page, and tables and figures as CSV, SVG and PNG."""
    overview: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """With several studies: write one page that covers all of them into this folder."""
    power_csv: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")
    ] = False
    """Write each trial's power log to power/TRIAL.csv in the study's folder: time stamp, epoch, milliwatts."""


def run(options: Options) -> None:
    """Analyse each study in turn; print the tables and write the reports that were asked for.

    Raises:
        AnalysisError: An option is not allowed, a study cannot be read, or a file cannot be written.
    """
    _check(options)
    studies = [options.analysed(path) for path in find_studies(options.results)]
    if options.format is not None:
        _write_tables(studies, options, options.format)
        return
    console = make_console()
    for findings in studies:
        show(findings, console)
        variance = factor_table(findings) if options.factors else None
        if variance is not None:
            show_table(variance, console)
        if options.against_paper:
            show_against_paper(findings, console)
        if options.report:
            # Importing the drawing libraries takes longer than everything else here takes to run.
            from analysis.page.report import write_report  # noqa: PLC0415

            page = write_report(
                findings,
                paper=options.against_paper,
                factors=variance,
                what_ifs=options.what_ifs(findings),
            )
            console.print(Text(f"Report: {page}"), soft_wrap=True)
        if options.power_csv:
            files = write_power_logs(findings.study)
            where = findings.study.path / FOLDER
            said = f"Power log: {count_text(len(files), 'file')} in {where}"
            console.print(Text(said), soft_wrap=True)
    if options.against_paper:
        show_inconsistencies(console)
    if len(studies) > 1:
        show_comparison(studies, console, paper=options.against_paper)
    if options.overview is not None:
        from analysis.page.overview import write_overview  # noqa: PLC0415 - as above

        page = write_overview(studies, options.overview, paper=options.against_paper)
        console.print(Text(f"Overview: {page}"), soft_wrap=True)


def _check(options: Options) -> None:
    if not options.results:
        message = "No folder was given. Name the folder of a study, for example results/watch."
        raise AnalysisError(message)
    options.check()
    if options.output is not None and options.format is None:
        message = f"--output {options.output} is for tables; say which with --format."
        raise AnalysisError(message)
    asked = (("--overview", options.overview), ("--power-csv", options.power_csv))
    ignored = [name for name, given in asked if given and options.format is not None]
    if ignored:
        message = f"--format prints tables only, and leaves out {enumeration(ignored)}: give one or the other."
        raise AnalysisError(message)


def _write_tables(studies: Sequence[Findings], options: Options, form: Format) -> None:
    infos = [info for each in studies for info in table_infos(each)]
    if options.factors:
        infos += [factor_table(each) for each in studies]
    if options.against_paper:
        infos += [info for each in studies for info in against_paper_infos(each)]
    if len(studies) > 1:
        infos += comparison_infos(studies, paper=options.against_paper)
    text = tables_text(infos, form)
    if options.output is None:
        sys.stdout.write(text)
        return
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"--output {options.output} cannot be written ({error.strerror or error}); name another."
        raise AnalysisError(message) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and run the command.

    Args:
        arguments: Command-line arguments without the program's name; None: those of this process.

    Returns:
        The exit status: `FINISHED` or `REFUSED` of `trackers.terminal`.
    """
    command_line = sys.argv[1:] if arguments is None else arguments
    try:
        check_names(command_line)
        if command_line[:1] == ["serve"]:
            # It draws, and importing the drawing libraries takes longer than the rest takes to run.
            from analysis.page.serve import serve  # noqa: PLC0415

            serve(command_line[1:])
        elif command_line[:1] == ["import"]:
            import_command(command_line[1:])
        elif command_line[:1] == ["export"]:
            export_command(command_line[1:])
        else:
            run(parse_options(Options, command_line, program="analysis", text=_HELP))
    except AnalysisError as error:
        print(as_started(f"error: {error}"), file=sys.stderr)
        return terminal.REFUSED
    return terminal.FINISHED


if __name__ == "__main__":
    process_end.leave(terminal.run(main))
