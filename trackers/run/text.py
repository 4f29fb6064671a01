"""Text form of a run's account for a terminal, and the progress line during the run."""

import shlex
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trackers.run.account import Account, AccountLine
from trackers.sample import Component

SHOWN_COMMAND = 60
"""Number of characters after which a command is cut off."""

SHOWN_LEFT = 5
"""Number of left-over processes that are named."""


def live_line(
    duration_s: float,
    powers_w: Mapping[frozenset[Component], float],
    estimated: frozenset[Component],
) -> str:
    """Format time and power by component, as in `12 s  gpu 254 W  cpu ~31 W`; `~` marks an estimate."""
    powers = [
        f"{component} {'~' if component in estimated else ''}{powers_w[scope]:.3g} W"
        for component in Component
        if (scope := frozenset({component})) in powers_w
    ]
    return "  ".join([f"{duration_s:.0f} s", *powers])


def show(account: Account, console: Console) -> None:
    """Print the energy that a run used: a line for each component, and their total."""
    command = shlex.join(account.command)
    if len(command) > SHOWN_COMMAND:
        command = f"{command[:SHOWN_COMMAND]}..."
    end = f"exit status {account.status}" if account.status >= 0 else f"signal {-account.status}"
    console.print(
        f"\n[bold]{escape(command)}[/]: {account.duration_s:.4g} s, {end}",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("component", no_wrap=True)
    for heading in ("J", "Wh", "mean W", "peak W"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("how", overflow="fold")
    for line in account.lines:
        table.add_row(str(line.components[0]), *_numbers(line), escape(_how(line)))
    if len(account.total.components) > 1:
        name = " + ".join(account.total.components)
        table.add_row(name, *_numbers(account.total), escape(_how(account.total)))
    console.print(table, highlight=False)
    if account.g_co2e is not None:
        console.print(
            f"{_number(account.g_co2e, account.total)} g CO2e for {_names(account.total.components)}",
            highlight=False,
        )
    if account.left_running:
        count = len(account.left_running)
        names = ", ".join(account.left_running[:SHOWN_LEFT])
        more = f" and {count - SHOWN_LEFT} more" if count > SHOWN_LEFT else ""
        what, they = ("process", "it uses") if count == 1 else ("processes", "they use")
        console.print(
            f"{count} {what} of the command still run{'s' if count == 1 else ''}: {escape(names)}{more}. "
            f"The energy {they} from now on is not included. To include it, let the command wait for "
            f"{'it' if count == 1 else 'them'}.",
            highlight=False,
            soft_wrap=True,
        )


def _numbers(line: AccountLine) -> tuple[str, ...]:
    values = (line.energy_j, line.energy_wh, line.mean_power_w, line.peak_power_w)
    return tuple(_number(value, line) for value in values)


def _number(value: float | None, line: AccountLine) -> str:
    return "-" if value is None else f"{'~' if line.is_estimated else ''}{value:.4g}"


def _how(line: AccountLine) -> str:
    if not line.devices:
        return "not measured: no source"
    if line.energy_j is None:
        return f"missing: {line.note}"
    how = " and ".join(line.methods)
    parts = [
        how if len(line.components) == 1 else f"{how}, added up",
        "the whole machine, whoever used it" if line.is_whole else "",
        _names(line.devices) if len(line.components) == 1 else "",
        line.note,
    ]
    return "; ".join(filter(None, parts))


def _names(names: Sequence[str]) -> str:
    counted = {name: names.count(name) for name in names}
    return ", ".join(name if n == 1 else f"{n} x {name}" for name, n in counted.items())
