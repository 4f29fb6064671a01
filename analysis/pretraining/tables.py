"""The tables of pretraining: break-even (paper, Figure 4) and freezing (Table 3)."""

from collections.abc import Sequence

from analysis.energy.spread import Spread
from analysis.forms.cells import (
    Cell,
    Column,
    TableInfo,
    number_cell,
    percent,
    setup_cells,
    setup_columns,
    std_of,
    word_cell,
)
from analysis.forms.saving_cells import saving_cells, saving_columns, saving_decimals, saving_line
from analysis.forms.titles import titled
from analysis.pretraining.break_even import BreakEvenInfo, BreakEvenOutcome, SetupBreakEven
from analysis.pretraining.freezing import FreezingInfo
from analysis.quantities import counted, decimals_for, energy_text, number_text, to_wh


def break_even_table(info: BreakEvenInfo, labels: Sequence[str]) -> TableInfo:
    """Equation 2 for each setup (paper, Figure 4)."""
    rows = info.rows
    wh = decimals_for(
        to_wh(energy) for r in rows for energy in (r.encoder_j, r.classifier_j, r.together_j)
    )
    return TableInfo(
        name=f"break_even_{info.cycle.value.replace('-', '_')}",
        title=titled(f"Break-even of pretraining, cycles of {info.cycle}", labels),
        columns=(
            *setup_columns(rows),
            Column(key="encoder_wh", heading="encoder Wh"),
            Column(key="classifier_wh", heading="classifier Wh"),
            Column(key="together_wh", heading="from scratch Wh"),
            Column(key="cycles", heading="x"),
            Column(key="cycles_std", heading="±"),
            Column(key="pays_at", heading="pays at"),
            Column(key="outcome", heading="outcome"),
            Column(key="repeats_never", heading="repeats never"),
        ),
        rows=tuple((*setup_cells(r, rows), *_break_even_cells(r, wh)) for r in rows),
        legend=break_even_line(info),
    )


def freezing_table(info: FreezingInfo, labels: Sequence[str]) -> TableInfo:
    """What a frozen encoder saves (paper, Table 3)."""
    wh = saving_decimals([row.saving for row in info.rows])
    rows = tuple(
        (
            *setup_cells(r, info.rows),
            *saving_cells(r.saving, wh),
            number_cell(percent(r.accuracy_given_up), 1),
        )
        for r in info.rows
    )
    legend = [saving_line("a frozen encoder", info.over_setups)]
    if info.latents_j:
        legend.append(
            f"of the frozen energy {energy_text(info.latents_j.mean)} computes latent features once"
        )
    return TableInfo(
        name="frozen_encoder",
        title=titled("Frozen against unfrozen encoder", labels),
        columns=(
            *setup_columns(info.rows),
            *saving_columns("unfrozen", "frozen"),
            Column(key="accuracy_given_up_points", heading="points given up"),
        ),
        rows=rows,
        legend="; ".join(legend),
    )


def break_even_line(info: BreakEvenInfo) -> str:
    """Best, worst, median and average over setups, and how many have no number."""
    parts = [f"pays in {info.pays} of {counted(len(info.rows), 'setup')}"]
    if info.best and info.worst and info.average and info.median is not None:
        over_setups = _plus_minus(info.average)
        between = f" (over setups{over_setups})" if over_setups else ""
        parts += [
            f"best {_case(info.best)}",
            f"worst {_case(info.worst)}",
            f"median {info.median:.1f}{_plus_minus(info.median_by_repeat)}",
            f"average {info.average.mean:.1f}{_plus_minus(info.average_by_repeat)}{between}",
        ]
        if "±" in "".join(parts).replace(between, ""):
            parts.append("± over repeats unless said otherwise")
    if info.never:
        parts.append(f"never in {info.never}, which no average can hold")
    if info.unknown:
        reasons = dict.fromkeys(
            r.of_means.reason
            for r in info.rows
            if r.of_means.outcome in (BreakEvenOutcome.UNKNOWN, BreakEvenOutcome.ENCODER_UNKNOWN)
        )
        parts.append(f"not known in {info.unknown}: {', '.join(reasons)}")
    return "; ".join(parts)


def _case(row: SetupBreakEven) -> str:
    """When a setup pays, with the spread of x over its repeats."""
    return f"{row.of_means.pays_at}{_plus_minus(row.cycles)} (setup {row.setup})"


def _plus_minus(spread: Spread | None) -> str:
    return "" if spread is None or spread.std is None else f" ± {number_text(spread.std, 1)}"


def _break_even_cells(row: SetupBreakEven, wh: int) -> tuple[Cell, ...]:
    found = row.of_means
    return (
        number_cell(to_wh(row.encoder_j), wh),
        number_cell(to_wh(row.classifier_j), wh),
        number_cell(to_wh(row.together_j), wh),
        number_cell(found.cycles, 1),
        number_cell(std_of(row.cycles), 1),
        number_cell(found.pays_at, 0),
        word_cell(found.outcome.value),
        word_cell(row.never),
    )
