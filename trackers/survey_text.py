"""A survey as text for a terminal of 80 columns or more: verdict, trackers, devices."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trackers.sample import Method
from trackers.survey import SurveyedDevice, SurveyedSource

_HEADINGS = ("device", "idle", "limit", "refresh", "energy is")


def show(found: Sequence[SurveyedSource], console: Console) -> None:
    """Print what was found, what was refused and why, and what each device did when idle."""
    console.print(f"[bold]{escape(verdict(found))}[/]\n", highlight=False)
    trackers = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    trackers.add_column(no_wrap=True)
    trackers.add_column(no_wrap=True)
    trackers.add_column(overflow="fold")
    for source in found:
        mark = "●" if source.taken_by_auto else " "
        usable = source.refused is None
        said = (source.note if source.refused is None else source.refused).removeprefix(
            f"{source.name}: "
        )
        state = "[green]found[/]" if usable else "[dim]refused[/]"
        trackers.add_row(f"{mark} {source.name}", state, escape(said))
    console.print(trackers, highlight=False)
    console.print("● what a study takes without --tracker\n", style="dim", highlight=False)
    devices = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for heading in _HEADINGS:
        devices.add_column(heading, justify="right" if heading in _HEADINGS[1:4] else "left")
    for source in found:
        for each in source.devices:
            devices.add_row(*_cells(each, source))
    console.print(devices, highlight=False)


def verdict(found: Sequence[SurveyedSource]) -> str:
    """One sentence: what a study on this machine would know of its energy."""
    taken = next((source for source in found if source.taken_by_auto), None)
    if taken is None:
        return "A study here would have no energy at all."
    if taken.method is Method.ESTIMATED:
        return (
            "Nothing can be measured on this machine: energy is only estimated, from CPU time. "
            "What would help stands beside each tracker."
        )
    ways = {
        Method.COUNTER: "its energy counter"
        if len(taken.devices) == 1
        else "their energy counters",
        Method.SAMPLED: "samples of the power",
    }
    devices = "1 device" if len(taken.devices) == 1 else f"{len(taken.devices)} devices"
    how = "" if taken.method is None else f", by {ways[taken.method]}"
    return f"A study here measures {devices} with {taken.name}{how}."


def number(value: float | None, unit: str, *, estimated: bool = False) -> str:
    """A quantity with its unit; `-` where it is not known, `~` before an estimate."""
    return "-" if value is None else f"{'~' if estimated else ''}{value:.3g} {unit}"


def _cells(each: SurveyedDevice, source: SurveyedSource) -> tuple[str, ...]:
    return (
        f"{escape(each.device.name)}\n[dim]{escape(each.device.uuid)}[/]",
        number(each.idle_power_w, "W", estimated=source.method is Method.ESTIMATED),
        number(each.device.power_limit_w, "W"),
        number(None if each.refresh_s is None else each.refresh_s * 1000, "ms"),
        str(source.method),
    )
