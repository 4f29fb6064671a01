"""Tables as records of cells, printed to the terminal or written as CSV.

A cell holds a number in its column's unit and the text to display, so that CSV files keep all digits.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from analysis.energy.spread import Spread
from analysis.energy.totals import SetupEnergy
from analysis.forms.series import Parameters, further_texts
from analysis.quantities import (
    MISSING,
    ascending,
    number_text,
)
from study.inference.choice import probability_text
from study.record.vocabulary import ALL_DIGITS, parameters_text, positional, telling_digits

LABELS_KEY = "labels"
"""Column of a CSV file for the labels without which its numbers must not be shown."""

_MANY_COLUMNS = 8
_NAMING = frozenset(
    {
        *("place", "kind", "setup", "batch_size", "learning_rate", "parameters", "stage"),
        *("task", "case", "encoder", "quantity", "factor"),
    }
)
"""Keys of the columns that identify a row; they come first."""
_STAYING = frozenset({"±", "from", "to"})
"""Headings of columns that belong to the one before them."""

# With more rates than this, or less than this share of its cells filled, a grid becomes a list.
_MOST_RATES = 10
_LEAST_FILLED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a table.

    Attributes:
        key: Name in CSV files, with the unit.
        heading: Heading for display.
    """

    key: str
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table.

    Attributes:
        value: Number in the column's unit, or a word; None if missing.
        text: Text for display.
    """

    value: float | str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInfo:
    """A table as a record, independent of its output format.

    Attributes:
        name: Name of its CSV file, without suffix.
        title: Title with unit and labels.
        columns: Columns from left to right.
        rows: Rows, each with one cell per column.
        breaks: Indices of the rows, from 0, before which a line is drawn.
        legend: Explanation of signs and headings; empty for none.
    """

    name: str
    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    breaks: tuple[int, ...] = ()
    legend: str = ""


def rich_table(info: TableInfo) -> Table:
    """Return a table for the terminal, without its title."""
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0) if len(info.columns) <= _MANY_COLUMNS else 0,
        pad_edge=False,
    )
    for column in info.columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for index, row in enumerate(info.rows):
        if index in info.breaks:
            table.add_section()
        table.add_row(*(cell.text for cell in row))
    return table


def narrowed(info: TableInfo, *, width: int) -> tuple[TableInfo, ...]:
    """Split a table into tables that are at most `width` characters wide, as far as possible.

    Each has the columns that identify a row (`_NAMING`) and as many of the others as fit, in order;
    a standard deviation or an interval stays with its mean.
    """
    naming = next(
        (i for i, c in enumerate(info.columns) if c.key not in _NAMING), len(info.columns)
    )
    others: list[list[int]] = []
    for index in range(naming, len(info.columns)):
        if others and info.columns[index].heading in _STAYING:
            others[-1].append(index)
        else:
            others.append([index])
    parts = [list(range(naming))]
    for group in others:
        together = [*parts[-1], *group]
        if len(parts[-1]) > naming and _width(_columns_of(info, together)) > width:
            together = [*range(naming), *group]
            parts.append(together)
        parts[-1] = together
    return tuple(_columns_of(info, part) for part in parts)


def _columns_of(info: TableInfo, chosen: Sequence[int]) -> TableInfo:
    return replace(
        info,
        columns=tuple(info.columns[i] for i in chosen),
        rows=tuple(tuple(row[i] for i in chosen) for row in info.rows),
    )


def _width(info: TableInfo) -> int:
    console = Console(width=10_000)
    return Measurement.get(console, console.options, rich_table(info)).maximum


def csv_text(info: TableInfo, *, labels: Sequence[str] | None = None) -> str:
    """Format a table as CSV, with all digits; missing values are empty.

    Args:
        info: The table.
        labels: Labels without which the numbers must not be shown (`estimated`), as a last column;
            None for no such column.
    """
    said = [] if labels is None else ["; ".join(labels)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(column.key for column in info.columns), *([LABELS_KEY] if said else [])])
    writer.writerows(
        [*("" if c.value is None else c.value for c in row), *said] for row in info.rows
    )
    return out.getvalue()


def matrix(
    setups: Sequence[SetupEnergy],
    *,
    name: str,
    title: str,
    values: Mapping[int, float | None],
    text: Callable[[float | None], str],
) -> TableInfo:
    """Lay out a quantity of each setup as a grid: batch sizes down, learning rates across.

    Further parameters add rows. Setups that do not form a grid, such as a search's, become a list.
    """
    rates = ascending(each.learning_rate for each in setups)[::-1]
    sizes = ascending(each.batch_size for each in setups)
    named = list(zip(setups, further_texts(setups), strict=True))
    others = sorted(
        {(each.batch_size, text) for each, text in named},
        key=lambda other: (sizes.index(other[0]), other[1]),
    )
    at = {(each.batch_size, text, each.learning_rate): each.setup for each, text in named}
    is_list = len(rates) > _MOST_RATES or None in rates or None in sizes
    if is_list or len(setups) < _LEAST_FILLED * len(rates) * len(others):
        return _listed(setups, name=name, title=title, values=values, text=text)
    more = parameter_columns(setups)

    def cell(other: tuple[int | None, str], rate: float) -> Cell:
        number = at.get((*other, rate))
        value = None if number is None else values[number]
        return Cell(value=value, text=text(value))

    numbers = tuple(tuple(cell(other, rate) for rate in rates) for other in others)
    return TableInfo(
        name=name,
        title=title,
        columns=(
            TableColumn(key="batch_size", heading="batch \\ rate"),
            *more,
            *(
                TableColumn(key=positional(r, digits=ALL_DIGITS), heading=positional(r))
                for r in rates
            ),
        ),
        rows=tuple(
            (size_cell(size), *([Cell(value=other, text=other)] if more else []), *row)
            for (size, other), row in zip(others, numbers, strict=True)
        ),
        legend=gaps_legend(numbers),
    )


def _listed(
    setups: Sequence[SetupEnergy],
    *,
    name: str,
    title: str,
    values: Mapping[int, float | None],
    text: Callable[[float | None], str],
) -> TableInfo:
    numbers = tuple((Cell(value=values[s.setup], text=text(values[s.setup])),) for s in setups)
    return TableInfo(
        name=name,
        title=title,
        columns=(*setup_columns(setups), TableColumn(key="value", heading="value")),
        rows=tuple(
            (*setup_cells(each, setups), *number)
            for each, number in zip(setups, numbers, strict=True)
        ),
        legend=gaps_legend(numbers),
    )


def setup_columns(setups: Sequence[Parameters]) -> tuple[TableColumn, ...]:
    """Return the columns that identify a setup; only those that any of the setups has a value in."""
    return (
        TableColumn(key="setup", heading="setup"),
        *([TableColumn(key="batch_size", heading="batch")] if _have_size(setups) else []),
        *([TableColumn(key="learning_rate", heading="rate")] if _have_rate(setups) else []),
        *parameter_columns(setups),
    )


def _have_size(setups: Sequence[Parameters]) -> bool:
    return any(each.batch_size is not None for each in setups)


def _have_rate(setups: Sequence[Parameters]) -> bool:
    return any(each.learning_rate is not None for each in setups)


def parameter_columns(setups: Sequence[Parameters]) -> tuple[TableColumn, ...]:
    """Return a column for the setups' further parameters; none if all setups have the same."""
    if len(set(further_texts(setups))) > 1:
        return (TableColumn(key="parameters", heading="also"),)
    return ()


def setup_cells(setup: Parameters, setups: Sequence[Parameters]) -> tuple[Cell, ...]:
    """Return a setup's cells in the columns of `setup_columns`."""
    digits = telling_digits(each.parameters for each in setups)
    besides = parameters_text(setup.parameters, digits=digits)
    return (
        word_cell(setup.setup),
        *([size_cell(setup.batch_size)] if _have_size(setups) else []),
        *([rate_cell(setup.learning_rate)] if _have_rate(setups) else []),
        *([Cell(value=besides, text=besides)] if parameter_columns(setups) else []),
    )


def size_cell(batch_size: int | None) -> Cell:
    """Return a cell with a batch size; `-` if there is none."""
    return Cell(value=batch_size, text=MISSING if batch_size is None else str(batch_size))


def rate_cell(learning_rate: float | None) -> Cell:
    """Return a cell with a learning rate; `-` if there is none."""
    return Cell(value=learning_rate, text=positional(learning_rate))


def word_cell(value: float | str) -> Cell:
    """Return a cell that displays its value unformatted."""
    return Cell(value=value, text=str(value))


def number_cell(value: float | None, decimals: int) -> Cell:
    """Return a cell with a number of fixed decimals; `-` if unknown."""
    return Cell(value=value, text=number_text(value, decimals))


def change_cell(saving: float | None) -> Cell:
    """Return a cell with a share saved: its value is the saving in percent, its text the change, `-20 %`."""
    if saving is None:
        return Cell(value=None, text=MISSING)
    change = round(-100 * saving)
    return Cell(value=100 * saving, text=f"{change:+d} %" if change else "0 %")


def percent(share: float | None) -> float | None:
    """Convert a share to percent; None stays None."""
    return None if share is None else 100 * share


def probability_cell(probability: float | None) -> Cell:
    """Return a cell with a probability in percent, displayed as `<1` or `>99` near 0 and 100."""
    if probability is None:
        return Cell(value=None, text=MISSING)
    words = probability_text(probability).removesuffix(" %")
    return Cell(value=100 * probability, text=words.replace("over ", ">").replace("under ", "<"))


def mean_of(spread: Spread | None) -> float | None:
    """Return the mean of a spread; None if there is no spread."""
    return None if spread is None else spread.mean


def std_of(spread: Spread | None) -> float | None:
    """Return the standard deviation of a spread; None if there is none."""
    return None if spread is None else spread.std


def gaps_legend(rows: Sequence[Sequence[Cell]]) -> str:
    """Return the explanation of the dash if any cell has no value; else empty."""
    return f"{MISSING} not known" if any(c.value is None for row in rows for c in row) else ""
