"""Survey of this machine: what it can measure, what it cannot, and what to do about that.

`python -m trackers run -- COMMAND` measures any command, `python -m trackers calibrate` compares a source with
an external meter; their `--help` says more.
"""

if __name__ == "__main__":  # before modules are imported that Windows does not have
    from trackers.process_end import refuse_windows

    refuse_windows()

import dataclasses
import io
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import tyro
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from trackers.calibration.command import main as calibrate_command
from trackers.errors import TrackerError
from trackers.meter.meter import EnergyMeter
from trackers.run.command import main as run_command
from trackers.sample import Component, Method
from trackers.sources.detect import AUTO, Request, detect
from trackers.survey import SurveyedSource, measuring, survey
from trackers.survey_text import number, show
from trackers.terminal import (
    FINISHED,
    INTERRUPTED,
    REFUSED,
    as_started,
    open_standard_streams,
    with_home,
)

WATCHED_S = 1.0
"""Time over which each power that `--watch` shows is averaged."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the survey.

    Attributes:
        seconds: How long the idle power of each source is measured.
        watch: Show the power of all devices that a study would measure, live, until Ctrl-C.
        json: Print the survey as JSON, for scripts; unknown values are null.
        tracker: Sources that a study would use, as in its option --tracker.
        cpu_watts: Rated power of all CPUs of this machine together, for the estimate.
        cpu_idle_watts: Power that the CPUs draw together when idle, for the estimate.
    """

    seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 3.0
    watch: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    tracker: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = (AUTO,)
    cpu_watts: Annotated[float | None, tyro.conf.arg(metavar="WATTS", help_behavior_hint="")] = None
    cpu_idle_watts: Annotated[
        float | None, tyro.conf.arg(metavar="WATTS", help_behavior_hint="")
    ] = None


COMMANDS = {"run": run_command, "calibrate": calibrate_command}
"""Subcommands by their names; without one, the survey is printed."""


def main(args: Sequence[str]) -> int:
    """Run the command.

    Returns:
        The exit status: 0; 2 for a wrong option, or where nothing can be measured; 130 after Ctrl-C,
        which with `--watch` is the usual end, and gives 0.
    """
    if args and args[0] in COMMANDS:
        return COMMANDS[args[0]](args[1:])
    options = tyro.cli(
        Options,
        prog=as_started("python -m trackers"),
        description=as_started(str(__doc__)),
        args=args,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="replace"
        )  # its encoding may lack a character of a device's name
    try:
        if not 0 <= options.seconds < math.inf:
            message = f"--seconds is {options.seconds}; allowed: a number from 0"
            raise TrackerError(message)  # noqa: TRY301 - reported with all other errors below
        request = Request(
            tracker=options.tracker,
            cpu_watts=options.cpu_watts,
            cpu_idle_watts=options.cpu_idle_watts,
        )
        if options.watch:
            _watch(Console(), request)
            return FINISHED
        found = survey(watch_s=options.seconds, request=request, sleep=time.sleep)
    except TrackerError as error:
        sys.stderr.write(f"trackers: {error}\n")
        return REFUSED
    except KeyboardInterrupt:
        return FINISHED if options.watch else INTERRUPTED  # --watch has no other end than Ctrl-C
    if options.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        show(found, Console())
    return FINISHED


def _as_json(found: Sequence[SurveyedSource]) -> dict[str, object]:
    return {
        "components": {
            str(component): [source.name for source in measuring(found, component)]
            for component in Component
        },
        "sources": [
            {**dataclasses.asdict(source), "is_taken": source.is_taken} for source in found
        ],
    }


def _watch(console: Console, request: Request) -> None:
    """Show power until Ctrl-C: updated in place on a terminal, else one line per device and second."""
    detection = detect(request)
    with (
        EnergyMeter(detection, whole_machine=True) as meter,
        Live(console=console, auto_refresh=False) as live,
    ):
        while True:
            with meter.window("watch") as window:
                time.sleep(WATCHED_S)
            table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
            table.add_column("device")
            table.add_column("power", justify="right")
            for device in detection.devices:
                reading = window.readings[device.uuid]
                is_estimated = reading.method is Method.ESTIMATED
                power = number(reading.mean_power_w, "W", estimated=is_estimated)
                table.add_row(escape(f"{device.name} ({device.uuid})"), power)
                if not console.is_terminal:
                    print(f"{datetime.now(UTC):%H:%M:%SZ}  {device.uuid}  {power}", flush=True)
            if console.is_terminal:
                live.update(table, refresh=True)


if __name__ == "__main__":
    open_standard_streams()
    sys.exit(main(with_home(sys.argv[1:])))
