"""`python -m analysis RESULTS...`: tables, ranking and recommendation of finished or running studies."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text

from analysis.errors import AnalysisError
from analysis.findings import analyse
from analysis.load import find_studies, load
from analysis.power_log import FOLDER, write_power_logs
from analysis.quantities import counted
from analysis.terminal import make_console, show

_WRONG_INPUT = 2

_HELP = """Which setup trains well for the least energy? Reads what a study left, and says so.

Prints the average energy per epoch and the total energy by batch size and learning rate, an \
energy-aware ranking, and a recommendation with its caveats. Writes them as one page with figures \
to RESULTS/report/index.html. Works on studies that still run or were killed.

  python -m analysis results/watch
  python -m analysis results/watch --tolerance 0.5     # give up half a point of accuracy at most
  python -m analysis results/a results/b --no-report   # two studies, terminal only
  python -m analysis serve results/watch               # in a browser, while the study runs

Exit status: 0, or 2 where a folder is no study, with what to do about it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is to be analysed, and how."""

    results: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RESULTS...")]
    """Folders of studies (results/NAME), or a folder with one study in it."""
    tolerance: Annotated[float, tyro.conf.arg(metavar="POINTS")] = 1.0
    """Accuracy that may be given up to save energy, in percentage points."""
    report: bool = True
    """Write report/ into the study's folder: page, CSV, SVG and PNG."""
    power_csv: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write power/TRIAL.csv into the study's folder: time stamp, epoch, milliwatts."""


def run(options: Options) -> None:
    """Analyse each study in turn.

    Raises:
        AnalysisError: An option is not allowed, or a study cannot be read or written to.
    """
    if not options.results:
        message = "No folder was given. Name the folder of a study, for example results/watch."
        raise AnalysisError(message)
    if not 0 <= options.tolerance <= 100:  # noqa: PLR2004 - percent
        message = f"--tolerance is {options.tolerance:g}; allowed are 0 to 100 percentage points."
        raise AnalysisError(message)
    console = make_console()
    for path in find_studies(options.results):
        findings = analyse(load(path), tolerance=options.tolerance / 100)
        show(findings, console)
        if options.report:
            # Drawing takes longer to import than everything else to run.
            from analysis.report import write_report  # noqa: PLC0415

            console.print(Text(f"Report: {write_report(findings)}"), soft_wrap=True)
        if options.power_csv:
            files = write_power_logs(findings.study)
            console.print(
                Text(f"Power log: {counted(len(files), 'file')} in {path / FOLDER}"), soft_wrap=True
            )


def main() -> int:
    """Read the command line and run.

    Returns:
        The exit status.
    """
    try:
        if sys.argv[1:2] == ["serve"]:
            # It draws, which takes longer to import than everything else to run.
            from analysis.serve import serve  # noqa: PLC0415

            serve(sys.argv[2:])
        else:
            run(tyro.cli(Options, prog="python -m analysis", description=_HELP))
    except AnalysisError as error:
        print(f"error: {error}", file=sys.stderr)
        return _WRONG_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())
