"""The tables of pretraining and multitask: break-even, frozen against unfrozen, together or not."""

from collections.abc import Iterator

from analysis.energy.savings import Saving
from analysis.energy.spread import Spread
from analysis.energy.stages import SetupStage
from analysis.findings import Findings
from analysis.forms.cells import (
    Cell,
    Column,
    TableInfo,
    change_cell,
    gaps_legend,
    mean_of,
    number_cell,
    percent,
    setup_cells,
    setup_columns,
    std_of,
    word_cell,
)
from analysis.multitask.together import MultitaskInfo
from analysis.pretraining.break_even import BreakEvenInfo, Outcome, SetupBreakEven
from analysis.pretraining.freezing import FreezingInfo
from analysis.quantities import (
    counted,
    decimals_for,
    energy_text,
    number_text,
    to_mwh,
    to_wh,
)
from analysis.search.tables import search_tables


def paradigm_table_infos(findings: Findings) -> tuple[TableInfo, ...]:
    """The tables that the study's paradigm adds; none for a regime."""
    return tuple(_tables(findings))


def _tables(findings: Findings) -> Iterator[TableInfo]:
    paradigm = findings.paradigm
    if findings.ranked_stage is not None:
        yield stages_info(findings)
    if paradigm.pretraining is not None:
        yield break_even_table(findings, paradigm.pretraining.frozen)
        yield break_even_table(findings, paradigm.pretraining.unfrozen)
        yield freezing_table(findings, paradigm.pretraining.freezing)
    if paradigm.multitask is not None:
        yield tasks_table(findings, paradigm.multitask)
        yield multitask_table(findings, paradigm.multitask)
    if paradigm.search is not None:
        yield from search_tables(findings, paradigm.search)


def stages_info(findings: Findings) -> TableInfo:
    """Energy, epochs and accuracy of each stage of each setup."""
    stages = findings.paradigm.stages
    wh = decimals_for(to_wh(mean_of(each.energy_j)) for each in stages)
    mwh = decimals_for(to_mwh(mean_of(each.energy_per_epoch_j)) for each in stages)
    rows = tuple((*setup_cells(s, stages), *_stage_cells(s, wh, mwh)) for s in stages)
    return TableInfo(
        name="stages",
        title=findings.titled("Stages: energy of a training to its end"),
        columns=(
            *setup_columns(stages),
            Column(key="stage", heading="stage"),
            Column(key="complete", heading="n"),
            Column(key="energy_wh", heading="Wh"),
            Column(key="energy_std_wh", heading="±"),
            Column(key="energy_low_wh", heading="95 % from"),
            Column(key="energy_high_wh", heading="to"),
            Column(key="energy_per_epoch_mwh", heading="mWh/epoch"),
            Column(key="epochs", heading="epochs"),
            Column(key="accuracy_percent", heading="accuracy"),
        ),
        rows=rows,
        breaks=tuple(
            i
            for i in range(1, len(stages))
            if stages[i].setup != stages[i - 1].setup and stages[i].stage is not stages[i - 1].stage
        ),
        legend="; ".join(
            [
                "n repeats that reached their end",
                "95 % bootstrap over repeats; with two or three, from the smallest to the largest",
                *filter(None, [gaps_legend(rows)]),
            ]
        ),
    )


def break_even_table(findings: Findings, info: BreakEvenInfo) -> TableInfo:
    """Equation 2 for each setup (paper, Figure 4)."""
    rows = info.rows
    wh = decimals_for(
        to_wh(energy) for r in rows for energy in (r.encoder_j, r.classifier_j, r.together_j)
    )
    return TableInfo(
        name=f"break_even_{info.cycle.value.replace('-', '_')}",
        title=findings.titled(f"Break-even of pretraining, cycles of {info.cycle}"),
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
            if r.of_means.outcome in (Outcome.UNKNOWN, Outcome.ENCODER_UNKNOWN)
        )
        parts.append(f"not known in {info.unknown}: {', '.join(reasons)}")
    return "; ".join(parts)


def _case(row: SetupBreakEven) -> str:
    """When a setup pays, with the spread of x over its repeats."""
    return f"{row.of_means.pays_at}{_plus_minus(row.cycles)} (setup {row.setup})"


def _plus_minus(spread: Spread | None) -> str:
    return "" if spread is None or spread.std is None else f" ± {number_text(spread.std, 1)}"


def freezing_table(findings: Findings, info: FreezingInfo) -> TableInfo:
    """What a frozen encoder saves (paper, Table 3)."""
    wh = _decimals([row.saving for row in info.rows])
    rows = tuple(
        (
            *setup_cells(r, info.rows),
            *_saving_cells(r.saving, wh),
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
        title=findings.titled("Frozen against unfrozen encoder"),
        columns=(
            *setup_columns(info.rows),
            *_saving_columns("unfrozen", "frozen"),
            Column(key="accuracy_given_up_points", heading="points given up"),
        ),
        rows=rows,
        legend="; ".join(legend),
    )


def tasks_table(findings: Findings, info: MultitaskInfo) -> TableInfo:
    """Energy per epoch, epochs and total of each task, averaged over setups (paper, Table 4)."""
    mwh = decimals_for(to_mwh(mean_of(each.energy_per_epoch_j)) for each in info.tasks)
    wh = decimals_for(to_wh(mean_of(each.energy_j)) for each in info.tasks)
    rows = tuple(
        (
            word_cell(each.task.value),
            number_cell(to_mwh(mean_of(each.energy_per_epoch_j)), mwh),
            number_cell(to_mwh(std_of(each.energy_per_epoch_j)), mwh),
            number_cell(mean_of(each.epochs), 1),
            number_cell(std_of(each.epochs), 1),
            number_cell(to_wh(mean_of(each.energy_j)), wh),
            number_cell(to_wh(std_of(each.energy_j)), wh),
        )
        for each in info.tasks
    )
    return TableInfo(
        name="tasks",
        title=findings.titled("Tasks, averaged over setups"),
        columns=(
            Column(key="task", heading="task"),
            Column(key="energy_per_epoch_mwh", heading="mWh/epoch"),
            Column(key="energy_per_epoch_std_mwh", heading="±"),
            Column(key="epochs", heading="epochs"),
            Column(key="epochs_std", heading="±"),
            Column(key="energy_wh", heading="total Wh"),
            Column(key="energy_std_wh", heading="±"),
        ),
        rows=rows,
        legend="; ".join(["± over setups", *filter(None, [gaps_legend(rows)])]),
    )


def multitask_table(findings: Findings, info: MultitaskInfo) -> TableInfo:
    """Both tasks together against one by one, in each setup (paper, Figure 5)."""
    wh = _decimals([row.saving for row in info.rows])
    return TableInfo(
        name="multitask",
        title=findings.titled("Both tasks together against one by one"),
        columns=(
            *setup_columns(info.rows),
            *_saving_columns("one by one", "together"),
            Column(key="attributes_given_up_points", heading="attributes points"),
            Column(key="identity_given_up_points", heading="identity points"),
        ),
        rows=tuple(
            (
                *setup_cells(r, info.rows),
                *_saving_cells(r.saving, wh),
                number_cell(percent(r.attributes_given_up), 1),
                number_cell(percent(r.identity_given_up), 1),
            )
            for r in info.rows
        ),
        legend=(
            f"{saving_line('training together', info.over_setups)}; "
            "points: accuracy given up by training together"
        ),
    )


def saving_line(what: str, saving: Saving | None) -> str:
    """A saving over setups in words."""
    if saving is None or saving.share is None:
        return f"what {what} saves is not known: no setup has the energy of all its stages"
    spread = saving.shares
    std = "" if spread is None or spread.std is None else f" ± {100 * spread.std:.1f}"
    word = "saves" if saving.share >= 0 else "costs"
    return (
        f"on average over {counted(saving.energy_j.count, 'setup')} {what} {word} "
        f"{100 * abs(saving.share):.1f}{std} %"
    )


def _stage_cells(stage: SetupStage, wh: int, mwh: int) -> tuple[Cell, ...]:
    interval = None if stage.energy_j is None else stage.energy_j.interval
    return (
        word_cell(stage.stage.value),
        word_cell(stage.complete),
        number_cell(to_wh(mean_of(stage.energy_j)), wh),
        number_cell(to_wh(std_of(stage.energy_j)), wh),
        number_cell(None if interval is None else to_wh(interval.low), wh),
        number_cell(None if interval is None else to_wh(interval.high), wh),
        number_cell(to_mwh(mean_of(stage.energy_per_epoch_j)), mwh),
        number_cell(mean_of(stage.epochs), 1),
        number_cell(percent(mean_of(stage.accuracy)), 1),
    )


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


def _saving_columns(reference: str, other: str) -> tuple[Column, ...]:
    return (
        Column(key=f"{reference.replace(' ', '_')}_wh", heading=f"{reference} Wh"),
        Column(key=f"{other}_wh", heading=f"{other} Wh"),
        Column(key="saving_percent", heading="change"),
        Column(key="saving_std_percent", heading="±"),
    )


def _saving_cells(saving: Saving | None, wh: int) -> tuple[Cell, ...]:
    return (
        number_cell(to_wh(mean_of(saving.reference_j if saving else None)), wh),
        number_cell(to_wh(mean_of(saving.energy_j if saving else None)), wh),
        change_cell(saving.share if saving else None),
        number_cell(percent(std_of(saving.shares if saving else None)), 1),
    )


def _decimals(savings: list[Saving | None]) -> int:
    known = [saving for saving in savings if saving is not None]
    return decimals_for(
        to_wh(energy) for s in known for energy in (s.reference_j.mean, s.energy_j.mean)
    )
