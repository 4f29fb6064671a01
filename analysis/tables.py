"""The tables of a study: computed as a record, then drawn for terminal, page or file.

A cell holds a number in its column's unit and the text that people see, so that CSV files keep
every digit. mWh and Wh begin here.
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from analysis.energy import relative_to_worst
from analysis.findings import Findings
from analysis.quantities import (
    MISSING,
    decimals_for,
    learning_rate_text,
    number_text,
    points_text,
    to_mwh,
    to_wh,
)
from analysis.ranking import RankedSetup
from analysis.spread import Spread

_FRONT, _TIE = "●", "≈"
_MANY_COLUMNS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
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
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    breaks: tuple[int, ...] = ()
    legend: str = ""


def energy_per_epoch_info(findings: Findings) -> TableInfo:
    """Average energy per epoch by batch size and learning rate (paper, Table 2)."""
    energies = {each.setup: each.energy_per_epoch_j for each in findings.setups}
    values = {n: None if e is None else to_mwh(e.mean) for n, e in energies.items()}
    return _matrix(
        findings,
        name="energy_per_epoch_mwh",
        title=findings.staged("Energy per epoch, mWh"),
        values=values,
        text=lambda value: number_text(value, decimals_for(values.values())),
    )


def relative_total_info(findings: Findings) -> TableInfo:
    """Total energy of a training in percent of the worst setup (paper, Figure 3)."""
    shares = relative_to_worst([each.total_j for each in findings.setups])
    percents = {
        each.setup: None if share is None else 100 * share
        for each, share in zip(findings.setups, shares, strict=True)
    }
    return _matrix(
        findings,
        name="total_energy_percent_of_worst",
        title=findings.staged("Total energy, % of the worst setup"),
        values=percents,
        text=lambda value: number_text(value, 1),
    )


def ranking_info(findings: Findings) -> TableInfo:
    """The energy-aware ranking."""
    rows = findings.ranking.rows
    wh = decimals_for(to_wh(row.setup.total_j) for row in rows)
    mwh = decimals_for(to_mwh(_mean(row.setup.energy_per_epoch_j)) for row in rows)
    first_out = next(
        (i for i, row in enumerate(rows) if i and not row.accurate_enough and row.place), None
    )
    within = points_text(findings.ranking.tolerance)
    return TableInfo(
        name="ranking",
        title=findings.staged(f"Least energy within {within} of the best accuracy"),
        columns=_RANKING_COLUMNS,
        rows=tuple(_ranking_row(row, wh, mwh) for row in rows),
        breaks=() if first_out is None else (first_out,),
        legend=_ranking_legend(rows),
    )


def table_infos(findings: Findings) -> tuple[TableInfo, ...]:
    """All tables of a study."""
    return (
        energy_per_epoch_info(findings),
        relative_total_info(findings),
        ranking_info(findings),
    )


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


def csv_text(info: TableInfo) -> str:
    """A table as CSV: full digits, empty where a value is missing."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.key for column in info.columns)
    writer.writerows(["" if c.value is None else c.value for c in row] for row in info.rows)
    return out.getvalue()


def _matrix(
    findings: Findings,
    *,
    name: str,
    title: str,
    values: dict[int, float | None],
    text: Callable[[float | None], str],
) -> TableInfo:
    """A quantity of each setup, batch size downwards, learning rate from left to right."""
    setups = findings.setups
    rates = sorted({each.learning_rate for each in setups}, reverse=True)
    at = {(each.batch_size, each.learning_rate): each.setup for each in setups}

    def cell(size: int, rate: float) -> Cell:
        number = at.get((size, rate))
        value = None if number is None else values[number]
        return Cell(value=value, text=text(value))

    rows = tuple(
        (_word(size), *(cell(size, rate) for rate in rates))
        for size in sorted({each.batch_size for each in setups})
    )
    gaps = any(cell.value is None for row in rows for cell in row)
    return TableInfo(
        name=name,
        title=title,
        columns=(
            Column(key="batch_size", heading="batch \\ rate"),
            *(Column(key=learning_rate_text(r), heading=learning_rate_text(r)) for r in rates),
        ),
        rows=rows,
        legend=f"{MISSING} not known" if gaps else "",
    )


_RANKING_COLUMNS = (
    Column(key="place", heading="#"),
    Column(key="setup", heading="setup"),
    Column(key="batch_size", heading="batch"),
    Column(key="learning_rate", heading="rate"),
    Column(key="accuracy_percent", heading="accuracy"),
    Column(key="accuracy_std_points", heading="±"),
    Column(key="energy_wh", heading="total Wh"),
    Column(key="energy_std_wh", heading="±"),
    Column(key="energy_per_epoch_mwh", heading="mWh/epoch"),
    Column(key="epochs", heading="epochs"),
    Column(key="saving_against_best_percent", heading="vs best"),
    Column(key="saving_against_worst_percent", heading="vs worst"),
    Column(key="signs", heading=""),
)


def _ranking_row(row: RankedSetup, wh: int, mwh: int) -> tuple[Cell, ...]:
    setup = row.setup
    return (
        _number(row.place, 0),
        _word(setup.setup),
        _word(setup.batch_size),
        Cell(value=setup.learning_rate, text=learning_rate_text(setup.learning_rate)),
        _number(_percent(setup.accuracy), 1),
        _number(_percent(_std(setup.best_accuracy)), 1),
        _number(to_wh(setup.total_j), wh),
        _number(to_wh(_std(setup.energy_j)), wh),
        _number(to_mwh(_mean(setup.energy_per_epoch_j)), mwh),
        _number(_mean(setup.epochs), 1),
        _change(row.saving_against_best),
        _change(row.saving_against_worst),
        _signs(row),
    )


def _ranking_legend(rows: Sequence[RankedSetup]) -> str:
    signs = [
        "accuracy in %; ± standard deviation over repeats",
        "vs best, vs worst: energy against the most accurate and the costliest setup",
    ]
    if any(row.on_front for row in rows):
        signs.append(f"{_FRONT} Pareto front")
    if any(row.ties_with_first for row in rows):
        signs.append(f"{_TIE} ties with the first: |difference| < √(s₁² + s₂²)")
    if any(row.same_training_as for row in rows):
        signs.append("=n same training as setup n")
    if any(not row.accurate_enough and row.place for row in rows):
        signs.append("lower part: less accurate than allowed")
    if any(row.place is None for row in rows):
        signs.append(f"{MISSING} not known")
    return "; ".join(signs)


def _signs(row: RankedSetup) -> Cell:
    signs = [
        *([_FRONT] if row.on_front else []),
        *([_TIE] if row.ties_with_first else []),
        *(f"={number}" for number in row.same_training_as),
    ]
    words = [
        *(["pareto-front"] if row.on_front else []),
        *(["ties-with-first"] if row.ties_with_first else []),
        *(f"same-training-as-{number}" for number in row.same_training_as),
    ]
    return Cell(value=" ".join(words), text=" ".join(signs))


def _change(saving: float | None) -> Cell:
    """A saving as people see a bill: less energy is a minus."""
    if saving is None:
        return Cell(value=None, text=MISSING)
    change = round(-100 * saving)
    return Cell(value=100 * saving, text=f"{change:+d} %" if change else "0 %")


def _word(value: int) -> Cell:
    return Cell(value=value, text=str(value))


def _number(value: float | None, decimals: int) -> Cell:
    return Cell(value=value, text=number_text(value, decimals))


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _mean(spread: Spread | None) -> float | None:
    return None if spread is None else spread.mean


def _std(spread: Spread | None) -> float | None:
    return None if spread is None else spread.std
