"""The tables of a search: what it found, and what it had spent for it."""

from analysis.cells import (
    Cell,
    Column,
    TableInfo,
    number_cell,
    percent,
    setup_cells,
    setup_columns,
    word_cell,
)
from analysis.findings import Findings
from analysis.quantities import counted, decimals_for, energy_text, listed, percent_text, to_wh
from analysis.search import SearchInfo, SearchPoint


def search_tables(findings: Findings, info: SearchInfo) -> tuple[TableInfo, ...]:
    """Both tables; none before the first trial has ended."""
    if not info.points:
        return ()
    return (_points_table(findings, info), _progress_table(findings, info))


def search_text(findings: Findings, info: SearchInfo) -> str:
    """What the search spent, against the grid, and how sure its answer is."""
    known = " (estimated)" if "estimated" in " ".join(findings.labels) else ""
    if info.missing_epochs:
        known += f" (and {counted(info.missing_epochs, 'epoch')} without a reading)"
    grid = "cannot be told, because no training came to its own end"
    if info.grid_j is not None:
        how = "measured" if info.grid_measured else "estimated from the epochs that ran"
        grid = f"takes {energy_text(info.grid_j)}, {how}"
        if info.grid_j and info.spent_j is not None:
            grid += f": the search used {percent_text(info.spent_j / info.grid_j)} of it"
    left = ""
    if info.not_run:
        numbers = listed(info.not_run[:8]) + (" and more" if len(info.not_run) > 8 else "")  # noqa: PLR2004 - a line
        left = f" Not run: {counted(len(info.not_run), 'setup')} ({numbers}); nothing is known of them."
    stopped = ""
    if info.stopped:
        stopped = (
            f" Of {counted(info.stopped, 'setup')} that were stopped, {info.dearer} had already used "
            f"more than a more accurate one and are ruled out, {info.stopped - info.dearer} might "
            "yet have come out better."
        )
    return (
        f"The search used {energy_text(info.spent_j)}{known} in epochs; the whole grid, each setup "
        f"once, {grid}.{stopped}{left} Each setup was trained with one seed: differences may be "
        "chance."
    )


def _points_table(findings: Findings, info: SearchInfo) -> TableInfo:
    points = info.points
    wh = decimals_for(to_wh(point.energy_j) for point in points)
    return TableInfo(
        name="search_points",
        title=findings.titled("What the search found"),
        columns=(
            Column(key="kind", heading=""),
            *setup_columns(points),
            Column(key="accuracy_percent", heading="accuracy"),
            Column(key="energy_wh", heading="Wh"),
            Column(key="energy_low_wh", heading="from"),
            Column(key="energy_high_wh", heading="to"),
        ),
        rows=tuple((_kind(p), *setup_cells(p, points), *_numbers(p, wh)) for p in points),
        breaks=tuple(
            i for i in range(1, len(points)) if points[i - 1].on_front > points[i].on_front
        ),
        legend=(
            "from, to: the measurement's own interval; at least: stopped early, a lower bound, with "
            "the accuracy until then; failed: diverged or out of memory, no whole training"
        ),
    )


def _progress_table(findings: Findings, info: SearchInfo) -> TableInfo:
    wh = decimals_for(to_wh(each.spent_j) for each in info.progress)
    return TableInfo(
        name="search_hypervolume",
        title=findings.titled("Hypervolume of the front over the energy spent"),
        columns=(
            Column(key="spent_wh", heading="spent Wh"),
            Column(key="hypervolume_percent", heading="hypervolume"),
        ),
        rows=tuple(
            (
                number_cell(to_wh(each.spent_j), wh),
                number_cell(percent(each.hypervolume), 1),
            )
            for each in info.progress
        ),
        legend="% of accuracy 0 to 1 x no energy to the costliest whole training",
    )


def _kind(point: SearchPoint) -> Cell:
    if point.failed:
        return word_cell("failed")
    return word_cell("front" if point.on_front else "at least" if point.stopped else "whole")


def _numbers(point: SearchPoint, wh: int) -> tuple[Cell, ...]:
    return (
        number_cell(percent(point.accuracy), 1),
        number_cell(to_wh(point.energy_j), wh),
        number_cell(to_wh(point.low_j), wh),
        number_cell(to_wh(point.high_j), wh),
    )
