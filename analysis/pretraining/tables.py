"""Tables of pretraining: break-even (paper, Figure 4) and frozen encoders (paper, Table 3)."""

import math
from collections.abc import Sequence

from analysis.energy.spread import Interval95
from analysis.forms.cells import (
    Cell,
    TableColumn,
    TableInfo,
    number_cell,
    setup_cells,
    setup_columns,
    word_cell,
)
from analysis.forms.saving_cells import saving_cells, saving_columns, saving_line, saving_unit
from analysis.forms.scores import ScoreForm
from analysis.forms.table_unit import TableUnit
from analysis.forms.titles import titled
from analysis.pretraining.break_even import BreakEvenInfo, BreakEvenOutcome, SetupBreakEven
from analysis.pretraining.cycles import CycleIntervals
from analysis.pretraining.cycles_text import cycles_interval_text
from analysis.pretraining.freezing import FreezingInfo
from analysis.quantities import count_text, energy_text
from study.record.files import EnergyUnit


def break_even_table(info: BreakEvenInfo, labels: Sequence[str], unit: EnergyUnit) -> TableInfo:
    """Return the table of break-even by equation 2 for each setup (paper, Figure 4)."""
    rows = info.rows
    shown = TableUnit.of(
        (energy for r in rows for energy in (r.encoder_j, r.classifier_j, r.from_scratch_j)), unit
    )
    return TableInfo(
        name=f"break_even_{info.cycle.value.replace('-', '_')}",
        title=titled(f"Break-even of pretraining, cycles of {info.cycle}", labels),
        columns=(
            *setup_columns(rows),
            TableColumn(key="encoder_wh", heading=f"encoder {unit.name}"),
            TableColumn(key="classifier_wh", heading=f"classifier {unit.name}"),
            # The key is that of files which version 0.2 wrote.
            TableColumn(key="together_wh", heading=f"from scratch {unit.name}"),
            TableColumn(key="cycles", heading="x"),
            TableColumn(key="cycles_low", heading="95 % from"),
            TableColumn(key="cycles_high", heading="to"),
            TableColumn(key="pays_at", heading="pays at"),
            TableColumn(key="outcome", heading="outcome"),
        ),
        rows=tuple((*setup_cells(r, rows), *_break_even_cells(r, shown)) for r in rows),
        legend=break_even_line(info),
    )


def freezing_table(
    info: FreezingInfo, labels: Sequence[str], score: ScoreForm, unit: EnergyUnit
) -> TableInfo:
    """Return the table of savings by a frozen encoder (paper, Table 3)."""
    shown = saving_unit([row.saving for row in info.rows], unit)
    rows = tuple(
        (
            *setup_cells(r, info.rows),
            *saving_cells(r.saving, shown),
            score.cell(None if r.score_change is None else r.score_change.shortfall),
        )
        for r in info.rows
    )
    legend = [saving_line("a frozen encoder", info.over_setups)]
    if info.latents_j:
        legend.append(
            f"of the frozen energy {energy_text(info.latents_j.mean, unit)} computes latent features once"
        )
    return TableInfo(
        name="frozen_encoder",
        title=titled("Frozen against unfrozen encoder", labels),
        columns=(
            *setup_columns(info.rows),
            *saving_columns("unfrozen", "frozen", shown),
            TableColumn(
                key=score.given_up_key(score.plain_name),
                heading=score.given_up_heading,
            ),
        ),
        rows=rows,
        legend="; ".join(legend),
    )


def break_even_line(info: BreakEvenInfo) -> str:
    """Summarize the break-even: over all setups, the best and the worst, and how many have none."""
    parts = [f"pays in {info.pays} of {count_text(len(info.rows), 'setup')}"]
    if info.pooled is not None and info.pooled.pays:
        over = f"over all setups after {info.pooled.cycles:.1f} trainings"
        parts.append(f"{over}{_interval(info.pooled.interval)}")
    if info.intervals is not None and info.best and info.worst and info.pays > 1:
        parts += [
            _extreme("best", info.best, info.intervals),
            _extreme("worst", info.worst, info.intervals),
            (
                f"noise alone would make {_cycles(info.intervals.noise_best)} and "
                f"{_cycles(info.intervals.noise_worst)} of one value"
            ),
        ]
    if info.never:
        parts.append(f"never in {info.never}")
    if info.unknown:
        reasons = dict.fromkeys(
            r.of_means.reason
            for r in info.rows
            if r.of_means.outcome in (BreakEvenOutcome.UNKNOWN, BreakEvenOutcome.ENCODER_UNKNOWN)
        )
        parts.append(f"not known in {info.unknown}: {', '.join(reasons)}")
    return "; ".join(parts)


def _extreme(name: str, row: SetupBreakEven, intervals: CycleIntervals) -> str:
    """Describe the setup that pays soonest or last, with its interval that allows for the selection."""
    cycles = math.inf if row.of_means.cycles is None else row.of_means.cycles
    return f"{name} {_cycles(cycles)} (setup {row.setup}){_interval(intervals.if_selected.get(row.setup))}"


def _interval(interval: Interval95 | None) -> str:
    return "" if interval is None else f", 95 % interval {cycles_interval_text(interval)}"


def _cycles(cycles: float) -> str:
    return "never" if math.isinf(cycles) else f"{cycles:.1f}"


def _break_even_cells(row: SetupBreakEven, unit: TableUnit) -> tuple[Cell, ...]:
    found = row.of_means
    low, high = (None, None) if row.interval is None else (row.interval.low, row.interval.high)
    return (
        unit.cell(row.encoder_j),
        unit.cell(row.classifier_j),
        unit.cell(row.from_scratch_j),
        number_cell(found.cycles, 1),
        _cycles_cell(low),
        _cycles_cell(high),
        number_cell(found.pays_at, 0),
        word_cell(found.outcome.value),
    )


def _cycles_cell(cycles: float | None) -> Cell:
    """Return a cell with a number of cycles; infinity is shown as `never`."""
    if cycles is not None and math.isinf(cycles):
        return word_cell("never")
    return number_cell(cycles, 1)
