"""The form of a table: cells with a number and a text, drawn for the terminal or written as CSV.

A cell holds a number in its column's unit and the text that people see, so that CSV files keep
every digit.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from analysis.energy.spread import Spread
from analysis.energy.totals import SetupEnergy
from analysis.quantities import (
    MISSING,
    ascending,
    learning_rate_text,
    number_text,
    parameters_text,
)
from study.inference.choice import probability_text

LABELS_KEY = "labels"
"""Column of a CSV file with the words without which its numbers must not be shown."""

_MANY_COLUMNS = 8
_NAMING = frozenset(
    {
        *("place", "kind", "setup", "batch_size", "learning_rate", "parameters", "stage"),
        *("task", "case", "encoder", "quantity", "factor"),
    }
)
"""Columns that say what a row is about; they stand first."""
_STAYING = frozenset({"±", "from", "to"})
"""Headings of columns that say something of the one before them."""

# More rates than this, or a grid of which less than this share is filled, is no grid to a reader.
_MOST_RATES = 10
_LEAST_FILLED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a table.

    Attributes:
        key: Its name in CSV files, with the unit.
        heading: Its name for people.
    """

    key: str
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell of a table.

    Attributes:
        value: The number in the column's unit, or a word; None where it is missing.
        text: What people see.
    """

    value: float | str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableInfo:
    """A table before it is drawn.

    Attributes:
        name: Short; the name of its CSV file.
        title: With unit and labels.
        columns: From left to right.
        rows: As many cells in each as there are columns.
        breaks: Rows, counted from 0, before which a line is drawn.
        legend: What the signs in it mean.
    """

    name: str
    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    breaks: tuple[int, ...] = ()
    legend: str = ""


def rich_table(info: TableInfo) -> Table:
    """A table for the terminal, without its title."""
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
    """A table as one or more that are no wider than so many characters, where that can be.

    Each has the columns that name a row (`_NAMING`), and as many of the others as fit, in order; a
    deviation or an interval stays with its mean.
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
    """A table as CSV: full digits, empty where a value is missing.

    Args:
        info: The table.
        labels: What must be known of its numbers (`estimated`), as a last column of each row;
            None where it stands elsewhere.
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
    """A quantity of each setup, batch size downwards, learning rate from left to right.

    What setups have besides makes more rows. Setups that are no grid (a search's) become a list.
    """
    rates = ascending(each.learning_rate for each in setups)[::-1]
    sizes = ascending(each.batch_size for each in setups)
    others = sorted(
        {(each.batch_size, parameters_text(each.parameters)) for each in setups},
        key=lambda other: (sizes.index(other[0]), other[1]),
    )
    at = {
        (each.batch_size, parameters_text(each.parameters), each.learning_rate): each.setup
        for each in setups
    }
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
                TableColumn(key=learning_rate_text(r, digits=17), heading=learning_rate_text(r))
                for r in rates
            ),
        ),
        rows=tuple(
            (size_cell(size), *([Cell(value=besides, text=besides)] if more else []), *row)
            for (size, besides), row in zip(others, numbers, strict=True)
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


class Parameters(Protocol):
    """Anything with the parameters of a setup: its energy, its stages, its break-even."""

    @property
    def setup(self) -> int:
        """Number of the setup."""

    @property
    def batch_size(self) -> int | None:
        """Batch size that was asked for; None where the configuration has none."""

    @property
    def learning_rate(self) -> float | None:
        """Likewise."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Its further parameters."""


def setup_columns(setups: Sequence[Parameters]) -> tuple[TableColumn, ...]:
    """The columns that say which setup a row is about: only what any of the setups has."""
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
    """A column for what setups have besides batch size and rate; none where all have the same."""
    if len({parameters_text(each.parameters) for each in setups}) > 1:
        return (TableColumn(key="parameters", heading="also"),)
    return ()


def setup_cells(setup: Parameters, setups: Sequence[Parameters]) -> tuple[Cell, ...]:
    """The cells below `setup_columns`."""
    besides = parameters_text(setup.parameters)
    return (
        word_cell(setup.setup),
        *([size_cell(setup.batch_size)] if _have_size(setups) else []),
        *([rate_cell(setup.learning_rate)] if _have_rate(setups) else []),
        *([Cell(value=besides, text=besides)] if parameter_columns(setups) else []),
    )


def size_cell(batch_size: int | None) -> Cell:
    """A batch size."""
    return Cell(value=batch_size, text=MISSING if batch_size is None else str(batch_size))


def rate_cell(learning_rate: float | None) -> Cell:
    """A learning rate."""
    return Cell(value=learning_rate, text=learning_rate_text(learning_rate))


def word_cell(value: float | str) -> Cell:
    """A value that stands as it is."""
    return Cell(value=value, text=str(value))


def number_cell(value: float | None, decimals: int) -> Cell:
    """A number with its decimals; `-` where it is not known."""
    return Cell(value=value, text=number_text(value, decimals))


def change_cell(saving: float | None) -> Cell:
    """A saving as people see a bill: less energy is a minus. The value is the saving in percent."""
    if saving is None:
        return Cell(value=None, text=MISSING)
    change = round(-100 * saving)
    return Cell(value=100 * saving, text=f"{change:+d} %" if change else "0 %")


def percent(share: float | None) -> float | None:
    """A share as percent."""
    return None if share is None else 100 * share


def probability_cell(probability: float | None) -> Cell:
    """A probability in percent, as it is said in a sentence: neither 0 nor 100 is sure."""
    if probability is None:
        return Cell(value=None, text=MISSING)
    words = probability_text(probability).removesuffix(" %")
    return Cell(value=100 * probability, text=words.replace("over ", ">").replace("under ", "<"))


def mean_of(spread: Spread | None) -> float | None:
    """The mean of a spread; None where there is none."""
    return None if spread is None else spread.mean


def std_of(spread: Spread | None) -> float | None:
    """The standard deviation of a spread; None where there is none."""
    return None if spread is None else spread.std


def gaps_legend(rows: Sequence[Sequence[Cell]]) -> str:
    """Legend of the dash, where there is one."""
    return f"{MISSING} not known" if any(c.value is None for row in rows for c in row) else ""
