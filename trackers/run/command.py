"""The command line of `python -m trackers run`."""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from trackers.carbon.countries import find_country
from trackers.errors import TrackerError
from trackers.exports.exports import Exports
from trackers.exports.known import parse_exporters
from trackers.output_files import check_writable
from trackers.run.account import Account
from trackers.run.boards import visible_boards
from trackers.run.child import StartError, end_like
from trackers.run.command_export import CommandExport
from trackers.run.files import append_csv, check_table, write_json
from trackers.run.measuring import run_measured
from trackers.run.text import live_line, show
from trackers.sample import Component, Device
from trackers.sources.detect import AUTO, Detection, Request, detect
from trackers.terminal import REFUSED, as_started

USAGE = "python -m trackers run [OPTIONS] -- COMMAND ARGUMENTS"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of measuring a command, and the files for its result.

    Attributes:
        tracker: auto, for all sources that work; or one or more names of sources or files.
        json: Also write the result to this file as JSON.
        csv: Append the result as a line to this CSV file.
        country: Country by its ISO 3166 code of two or three letters, for the carbon intensity of its electricity.
        carbon_intensity: Carbon intensity of your electricity in grams of CO2 equivalents per kWh.
        log: Send energies to mlflow[=URI], wandb, prometheus[=[HOST:]PORT] or otel; repeat it for several.
        quiet: Show no progress line while the command runs.
        cpu_watts: Rated power of all CPUs of this machine together, for the estimate.
        cpu_idle_watts: Power that the CPUs draw together when idle, for the estimate.
    """

    tracker: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = (AUTO,)
    json: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    csv: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    country: Annotated[str | None, tyro.conf.arg(metavar="CODE", help_behavior_hint="")] = None
    carbon_intensity: Annotated[float | None, tyro.conf.arg(metavar="G", help_behavior_hint="")] = (
        None
    )
    log: Annotated[
        tuple[str, ...],
        tyro.conf.UseAppendAction,
        tyro.conf.arg(metavar="NAME[=WHERE]", help_behavior_hint=""),
    ] = ()
    quiet: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    cpu_watts: Annotated[float | None, tyro.conf.arg(metavar="WATTS", help_behavior_hint="")] = None
    cpu_idle_watts: Annotated[
        float | None, tyro.conf.arg(metavar="WATTS", help_behavior_hint="")
    ] = None


def main(args: Sequence[str]) -> int:
    """Run a command, and print the energy that it used on standard error.

    Returns:
        The command's exit status; 2 where an option is wrong or nothing can be measured; 127 where the
        command does not exist, and 126 where it cannot be started. Where a signal ended the command, this
        process ends by the same signal.
    """
    given, command = _split(args)
    options, more = tyro.cli(
        RunOptions,
        prog=as_started("python -m trackers run"),
        description=as_started(f"Run a command and measure what it uses.\n\n{USAGE}"),
        args=given,
        config=(tyro.conf.FlagCreatePairsOff,),
        return_unknown_args=True,
    )
    if more:
        sys.stderr.write(as_started(f"trackers: {_unknown(more[0])}\n"))
        return REFUSED
    if not command:
        sys.stderr.write(as_started(f"trackers: no command given; put it after `--`: {USAGE}\n"))
        return REFUSED
    try:
        _check_output_files(options)
        g_per_kwh = _g_per_kwh(options)
        exports = Exports(parse_exporters(options.log))
        request = Request(
            tracker=options.tracker,
            cpu_watts=options.cpu_watts,
            cpu_idle_watts=options.cpu_idle_watts,
        )
        account = _measured(command, detect(request), options, g_per_kwh, exports)
    except LookupError as error:
        sys.stderr.write(f"trackers: {error}\n")
        return REFUSED
    except StartError as error:
        sys.stderr.write(f"trackers: {error}\n")
        return error.status
    except TrackerError as error:
        sys.stderr.write(f"trackers: {error}\n")
        return REFUSED
    show(account, Console(stderr=True))
    for path, write in ((options.json, write_json), (options.csv, append_csv)):
        if path is not None:
            try:
                write(account, path)
            except OSError as error:
                sys.stderr.write(f"trackers: {path} cannot be written: {error.strerror or error}\n")
    return end_like(account.status)


def _unknown(word: str) -> str:
    """Message about an unknown option, which is most likely the command without `--` before it."""
    if word.startswith("-"):
        return f"there is no option {word}; python -m trackers run --help lists them"
    return f"{word} is not an option; put the command after `--`: {USAGE}"


def _split(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the arguments into our options and the command, which follows `--`."""
    if "--" not in args:
        return list(args), []
    at = list(args).index("--")
    return list(args[:at]), list(args[at + 1 :])


def _check_output_files(options: RunOptions) -> None:
    """Refuse files that the account could not be written to, before the command runs.

    Raises:
        OutputFileError: A file of `--json` or `--csv` cannot be written to.
    """
    if options.json is not None:
        check_writable(options.json, option="--json")
    if options.csv is not None:
        check_writable(options.csv, option="--csv")
        check_table(options.csv)


def _g_per_kwh(options: RunOptions) -> float | None:
    """Carbon intensity of the electricity; None where neither it nor a country was given.

    Raises:
        LookupError: The country is not in the table.
        TrackerError: The carbon intensity is negative or not finite.
    """
    intensity = options.carbon_intensity
    if intensity is not None and not 0 <= intensity < math.inf:
        message = f"--carbon-intensity is {intensity}; allowed: a number of grams from 0"
        raise TrackerError(message)
    if intensity is not None or options.country is None:
        return intensity
    return find_country(options.country).g_per_kwh


def _measured(
    command: Sequence[str],
    detection: Detection,
    options: RunOptions,
    g_per_kwh: float | None,
    exports: Exports,
) -> Account:
    """Run a command and return its account."""
    boards = visible_boards(detection, os.environ)
    is_shown = sys.stderr.isatty() and not options.quiet
    estimated = frozenset(
        device.component
        for source in detection.sources
        if source.estimated
        for device in source.devices()
    )

    def on_tick(duration_s: float, powers_w: Mapping[frozenset[Component], float]) -> None:
        if is_shown:
            sys.stderr.write(f"\r\x1b[K{live_line(duration_s, powers_w, estimated)}")
            sys.stderr.flush()

    def is_visible(device: Device) -> bool:
        return device.uuid in boards

    export = CommandExport(command, exports)
    try:
        account = run_measured(
            command,
            detection,
            visible=is_visible,
            on_tick=on_tick,
            on_readings=export.readings,
            g_per_kwh=g_per_kwh,
        )
        export.end(account)
        return account
    finally:
        exports.close()
        if is_shown:
            sys.stderr.write("\r\x1b[K")
