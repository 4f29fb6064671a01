"""Text form of a survey for a terminal of 80 columns or more: verdict, components, trackers, devices."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trackers.sample import Component, Method
from trackers.survey import SurveyedDevice, SurveyedSource, measuring

_HEADINGS = ("device", "idle", "limit", "refresh", "energy is")


def show(found: Sequence[SurveyedSource], console: Console) -> None:
    """Print the survey: each component's sources, refused sources with the reason, and the devices."""
    mark = "●" if _can_write("●", console) else "*"
    console.print(f"[bold]{escape(verdict(found))}[/]\n", highlight=False)
    console.print(_components(found), highlight=False)
    console.print()
    console.print(_trackers(found, mark), highlight=False)
    console.print(
        f"{mark} what a study takes without --tracker"
        if all(each.name.isidentifier() for each in found)
        else f"{mark} what a study takes with this --tracker",
        style="dim",
        highlight=False,
    )
    console.print()
    console.print(_devices(found), highlight=False)


def verdict(found: Sequence[SurveyedSource]) -> str:
    """Return one sentence that says how a study on this machine would measure its energy."""
    taken = [(each, source) for source in found for each in source.devices if each.is_taken]
    measured = [each for each, source in taken if source.method is not Method.ESTIMATED]
    if not taken:
        return "A study here could not measure any energy."
    if not measured:
        return (
            "Nothing can be measured on this machine: energy is only estimated, from CPU time. "
            "The list says what each tracker needs."
        )
    sources = {source.name: None for _, source in taken if source.method is not Method.ESTIMATED}
    devices = "1 device" if len(measured) == 1 else f"{len(measured)} devices"
    estimated = "" if len(measured) == len(taken) else "; the CPU is estimated"
    return f"A study here measures {devices} with {' and '.join(sources)}{estimated}."


def number(value: float | None, unit: str, *, estimated: bool = False) -> str:
    """Format a quantity with its unit: `-` when it is unknown, and `~` before an estimate."""
    return "-" if value is None else f"{'~' if estimated else ''}{value:.3g} {unit}"


def _can_write(text: str, console: Console) -> bool:
    """Return whether the console's encoding can represent a text."""
    try:
        text.encode(console.encoding)
    except UnicodeEncodeError:
        return False
    return True


def _components(found: Sequence[SurveyedSource]) -> Table:
    """Table of the sources of each component, which is `not measured` when it has none."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("component", no_wrap=True)
    table.add_column("is", no_wrap=True)
    table.add_column("by", overflow="fold")
    for component in Component:
        sources = measuring(found, component)
        methods = {str(source.method) for source in sources}
        how = " and ".join(
            sorted("estimated" if each == Method.ESTIMATED else "measured" for each in methods)
        )
        by = ", ".join(
            f"{source.name}{'' if source.verified else ' (unverified)'}" for source in sources
        )
        table.add_row(str(component), how or "[dim]not measured[/]", escape(by) or "[dim]-[/]")
    return table


def _trackers(found: Sequence[SurveyedSource], mark: str) -> Table:
    """Table of all sources: found with the source's note, or refused with the reason."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for source in found:
        usable = source.refused is None
        said = (source.note if source.refused is None else source.refused).removeprefix(
            f"{source.name}: "
        )
        if usable and not source.verified:
            said = f"unverified: no real device has confirmed it yet; {said}"
        state = "[green]found[/]" if usable else "[dim]refused[/]"
        name = f"{mark if source.is_taken else ' '} {source.name}"
        table.add_row(escape(name), state, escape(said))
    return table


def _devices(found: Sequence[SurveyedSource]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right" if heading in _HEADINGS[1:4] else "left")
    for source in found:
        for each in source.devices:
            table.add_row(*_cells(each, source))
    return table


def _cells(each: SurveyedDevice, source: SurveyedSource) -> tuple[str, ...]:
    return (
        f"{escape(each.device.name)}\n[dim]{escape(each.device.uuid)}[/]",
        number(each.idle_power_w, "W", estimated=source.method is Method.ESTIMATED),
        number(each.device.power_limit_w, "W"),
        number(None if each.refresh_s is None else each.refresh_s * 1000, "ms"),
        str(source.method),
    )
