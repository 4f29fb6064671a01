"""`python -m analysis import FOLDER`: make a Ray Tune run without `EnergyLedger` readable as a study."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from analysis.command_line import parse_options
from analysis.read.tune_folder import import_run
from study.record.objective import Objective
from trackers.terminal import as_started

_HELP = """Read a folder that a Ray Tune run left without EnergyLedger as a study.

Writes study.json, epochs.parquet and trials.parquet into it. Energies are missing unless the trainable was measured.

  python -m analysis import RUN --objective val_loss --mode min
  python -m analysis RUN
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Options of `python -m analysis import`."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder of the run: the one with a folder for each trial."""
    objective: Annotated[str, tyro.conf.arg(metavar="METRIC")]
    """Reported metric that decides which setup is better."""
    mode: Literal["max", "min"]
    """Direction in which the metric is better."""
    share: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Treat the metric as a share in [0, 1], and show it in %."""
    seed_key: Annotated[str, tyro.conf.arg(metavar="KEY")] = "seed"
    """Key of the trials' configuration that differs between repeats of a setup."""


def import_command(arguments: Sequence[str]) -> None:
    """Import the run and print the manifest's path.

    Args:
        arguments: Command-line arguments after `import`.

    Raises:
        AnalysisError: The folder cannot be imported.
    """
    options = parse_options(ImportOptions, arguments, program="analysis import", text=_HELP)
    objective = Objective(options.objective, options.mode, is_share=options.share)
    manifest = import_run(options.folder, objective, seed_key=options.seed_key)
    reading = as_started(f"python -m analysis {shlex.quote(str(options.folder))}")
    sys.stdout.write(f"{manifest}; `{reading}` reads it.\n")
