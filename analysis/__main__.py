"""`python -m analysis RESULTS...`: tables, ranking and recommendation of finished or running studies."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.text import Text

from analysis.against_paper import against_paper_infos
from analysis.carbon import Factors, factors_of
from analysis.comparison import comparison_infos
from analysis.criteria import RankBy
from analysis.errors import AnalysisError
from analysis.factor_table import factor_table
from analysis.findings import Findings, analyse
from analysis.formats import Format, tables_text
from analysis.idle import without_idle
from analysis.load import find_studies, load
from analysis.power_log import FOLDER, write_power_logs
from analysis.quantities import counted, listed
from analysis.tables import table_infos
from analysis.terminal import (
    make_console,
    show,
    show_against_paper,
    show_comparison,
    show_inconsistencies,
    show_table,
)

_WRONG_INPUT = 2

_HELP = """Which setup trains well for the least energy? Reads what a study left, and says so.

Prints the average energy per epoch and the total energy by batch size and learning rate, an \
energy-aware ranking, and a recommendation with its caveats. Writes them as one page with figures \
to RESULTS/report/index.html. Works on studies that still run or were killed.

  python -m analysis results/watch
  python -m analysis results/watch --tolerance 0.5     # give up half a point of accuracy at most
  python -m analysis results/a results/b --no-report   # two studies side by side, terminal only
  python -m analysis results/watch --against-paper     # the published numbers beside yours
  python -m analysis results/watch --rank-by energy-to-target --target-accuracy 0.9
  python -m analysis results/watch --country DE --price 0.30
  python -m analysis results/watch --format latex --output tables.tex
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
    rank_by: tyro.conf.EnumChoicesFromValues[RankBy] = RankBy.ENERGY
    """What setups are ranked by."""
    target_accuracy: Annotated[float | None, tyro.conf.arg(metavar="SHARE")] = None
    """For the energy to target: 0.9 is 90 %. Left out: the study's own, or the best less the tolerance."""
    baseline: Annotated[int | None, tyro.conf.arg(metavar="SETUP")] = None
    """Number of the setup that you use today: savings are told against it too."""
    against_paper: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print the published numbers beside yours, and what differs."""
    factors: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Test how much of energy and duration goes with batch size, learning rate, and both."""
    subtract_idle: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Take off what the device draws when idle; needs a sensor that measured it before the study."""
    country: Annotated[str | None, tyro.conf.arg(metavar="CODE")] = None
    """Greenhouse gas by this country's electricity: DE, FR, US, ..."""
    carbon_intensity: Annotated[float | None, tyro.conf.arg(metavar="G")] = None
    """The same by grams of CO2e per kWh, instead of a country."""
    pue: Annotated[float, tyro.conf.arg(metavar="FACTOR")] = 1.0
    """Energy of the data centre per energy of its computers, for greenhouse gas and money."""
    price: Annotated[float | None, tyro.conf.arg(metavar="PRICE")] = None
    """Price per kWh, in whatever money."""
    format: tyro.conf.EnumChoicesFromValues[Format | None] = None
    """Print the tables only, for a paper or a program; no report is written."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Where --format writes to; left out: the terminal."""
    report: bool = True
    """Write report/ into the study's folder: page, CSV, SVG and PNG."""
    overview: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """With several studies: write one page for all of them there."""
    power_csv: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Write power/TRIAL.csv into the study's folder: time stamp, epoch, milliwatts."""


def run(options: Options) -> None:
    """Analyse each study in turn.

    Raises:
        AnalysisError: An option is not allowed, or a study cannot be read or written to.
    """
    _check(options)
    factors = factors_of(
        country=options.country,
        carbon_intensity=options.carbon_intensity,
        pue=options.pue,
        price=options.price,
    )
    studies = [_analysed(path, options, factors) for path in find_studies(options.results)]
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
            # Drawing takes longer to import than everything else to run.
            from analysis.report import write_report  # noqa: PLC0415

            page = write_report(findings, paper=options.against_paper, factors=variance)
            console.print(Text(f"Report: {page}"), soft_wrap=True)
        if options.power_csv:
            files = write_power_logs(findings.study)
            where = findings.study.path / FOLDER
            said = f"Power log: {counted(len(files), 'file')} in {where}"
            console.print(Text(said), soft_wrap=True)
    if options.against_paper:
        show_inconsistencies(console)
    if len(studies) > 1:
        show_comparison(studies, console, paper=options.against_paper)
    if options.overview is not None:
        from analysis.overview import write_overview  # noqa: PLC0415 - as above

        page = write_overview(studies, options.overview, paper=options.against_paper)
        console.print(Text(f"Overview: {page}"), soft_wrap=True)


def _check(options: Options) -> None:
    if not options.results:
        message = "No folder was given. Name the folder of a study, for example results/watch."
        raise AnalysisError(message)
    if not 0 <= options.tolerance <= 100:  # noqa: PLR2004 - percent
        message = f"--tolerance is {options.tolerance:g}; allowed are 0 to 100 percentage points."
        raise AnalysisError(message)
    target = options.target_accuracy
    if target is not None and not 0 < target <= 1:
        message = f"--target-accuracy is {target:g}; allowed is a share above 0, up to 1."
        raise AnalysisError(message)
    if options.output is not None and options.format is None:
        message = f"--output {options.output} is for tables; say which with --format."
        raise AnalysisError(message)


def _analysed(path: Path, options: Options, factors: Factors | None) -> Findings:
    study = load(path)
    if options.baseline is not None and options.baseline not in {
        each.setup for each in study.manifest.setups
    }:
        message = (
            f"--baseline is {options.baseline}; {path} has the setups "
            f"{listed(each.setup for each in study.manifest.setups)}."
        )
        raise AnalysisError(message)
    return analyse(
        without_idle(study) if options.subtract_idle else study,
        tolerance=options.tolerance / 100,
        by=options.rank_by,
        target=options.target_accuracy,
        baseline=options.baseline,
        factors=factors,
    )


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
        message = f"--output {options.output} cannot be written ({error.strerror}); name another."
        raise AnalysisError(message) from error


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
