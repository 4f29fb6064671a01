"""`python -m trackers`: what this machine can measure, what is in the way, and how to mend it."""

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import tyro
from rich.console import Console
from rich.live import Live
from rich.table import Table

from trackers.detect import Request, detect
from trackers.errors import TrackerError
from trackers.meter import EnergyMeter
from trackers.sample import Method
from trackers.survey import SurveyedDevice, SurveyedSource, survey

WATCHED_S = 1.0
"""Power is shown as its mean over so much time."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to show.

    Attributes:
        seconds: How long each source is watched for its idle power.
        watch: Show the power of the source that a study would use, live, until Ctrl-C.
        json: Print the table as JSON, for scripts.
    """

    seconds: float = 3.0
    watch: bool = False
    json: bool = False


def main(args: Sequence[str]) -> int:
    """Run the command; its exit status: 0, or 2 where nothing can be measured at all."""
    options = tyro.cli(
        Options,
        prog="python -m trackers",
        description=__doc__,
        args=args,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    try:
        if options.watch:
            _watch(Console())
            return 0
        found = survey(watch_s=options.seconds, sleep=time.sleep)
    except TrackerError as error:
        sys.stderr.write(f"trackers: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    if options.json:
        print(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
    else:
        _show(found, Console())
    return 0


def _show(found: list[SurveyedSource], console: Console) -> None:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for name in ("", "tracker", "device", "idle power", "limit", "counter refresh", "energy is"):
        table.add_column(name)
    for source in found:
        mark = "●" if source.taken_by_auto else " "
        if source.refused is not None:
            table.add_row(mark, source.name, "[dim]cannot be used here[/]")
        for each in source.devices:
            table.add_row(mark, source.name, *_cells(each, source))
    console.print(table)
    console.print("● is what a study uses without --tracker\n", style="dim")
    for source in found:
        said = source.refused or source.note
        console.print(f"[bold]{source.name}[/]  {said}", highlight=False, soft_wrap=True)


def _cells(each: SurveyedDevice, source: SurveyedSource) -> tuple[str, ...]:
    estimated = source.method is Method.ESTIMATED
    power = _number(each.idle_power_w, "W")
    return (
        f"{each.device.name} ({each.device.uuid})",
        f"{power} estimated" if estimated and each.idle_power_w is not None else power,
        _number(each.device.power_limit_w, "W"),
        _number(None if each.refresh_s is None else each.refresh_s * 1000, "ms"),
        str(source.method),
    )


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.3g} {unit}"


def _watch(console: Console) -> None:
    source = detect(Request()).source
    with EnergyMeter(source) as meter, Live(console=console, auto_refresh=False) as live:
        while True:
            time.sleep(WATCHED_S / 2)
            now_s = time.monotonic()
            table = Table(box=None, padding=(0, 1), header_style="bold")
            table.add_column("device")
            table.add_column("power" + (", estimated" if source.estimated else ""))
            for device in source.devices():
                power_w = meter.mean_power_w(device.uuid, now_s - WATCHED_S, now_s)
                table.add_row(f"{device.name} ({device.uuid})", _number(power_w, "W"))
            live.update(table, refresh=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
