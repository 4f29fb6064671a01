"""`python -m analysis export FOLDER...`: all rows of studies as one tidy table, for R and spreadsheets."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from analysis.command_line import parse_options
from analysis.errors import AnalysisError
from analysis.quantities import count_text
from analysis.read.load import find_studies, load
from analysis.read.tidy import tidy_table

SUFFIXES = (".csv", ".parquet")

_HELP = """Write one table of everything that studies left: a row for each epoch.

  python -m analysis export results/watch                         results/watch/tidy.csv
  python -m analysis export results/a results/b --output all.parquet
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """Options of `python -m analysis export`."""

    folders: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER...")]
    """Study folders (results/NAME), or folders that contain exactly one study."""
    output: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """A .csv or .parquet file. Default: tidy.csv in the first study's folder."""


def export_command(arguments: Sequence[str]) -> None:
    """Write the table and print its path and size.

    Args:
        arguments: Command-line arguments after `export`.

    Raises:
        AnalysisError: No folder was given, one holds no study, or the file cannot be written.
    """
    options = parse_options(ExportOptions, arguments, program="analysis export", text=_HELP)
    if not options.folders:
        message = "No folder was given. Name the folder of a study, for example results/watch."
        raise AnalysisError(message)
    if options.output is not None and options.output.suffix not in SUFFIXES:
        message = (
            f"--output is {options.output}; allowed: a file that ends in {' or '.join(SUFFIXES)}."
        )
        raise AnalysisError(message)
    studies = [load(path) for path in find_studies(options.folders)]
    table = tidy_table(studies)
    output = options.output or studies[0].path / "tidy.csv"
    try:
        if output.suffix == ".parquet":
            table.to_parquet(output, index=False)
        else:
            table.to_csv(output, index=False)
    except OSError as error:
        message = f"--output {output} cannot be written ({error.strerror or error}); name another."
        raise AnalysisError(message) from error
    rows, columns = table.shape
    sys.stdout.write(f"{output}: {count_text(rows, 'epoch')}, {count_text(columns, 'column')}\n")
