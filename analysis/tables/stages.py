"""The table of all stages, and the tables that a study's paradigm adds."""

from collections.abc import Iterator

from analysis.energy.stages import SetupStage
from analysis.findings import Findings
from analysis.forms.cells import (
    Cell,
    Column,
    TableInfo,
    gaps_legend,
    mean_of,
    number_cell,
    percent,
    setup_cells,
    setup_columns,
    std_of,
    word_cell,
)
from analysis.multitask.tables import multitask_table, tasks_table
from analysis.pretraining.tables import break_even_table, freezing_table
from analysis.quantities import decimals_for, to_mwh, to_wh
from analysis.search.tables import search_tables


def paradigm_table_infos(findings: Findings) -> tuple[TableInfo, ...]:
    """The tables that the study's paradigm adds; none for a regime."""
    return tuple(_tables(findings))


def _tables(findings: Findings) -> Iterator[TableInfo]:
    paradigm = findings.paradigm
    if findings.ranked_stage is not None:
        yield stages_info(findings)
    if paradigm.pretraining is not None:
        yield break_even_table(paradigm.pretraining.frozen, findings.labels)
        yield break_even_table(paradigm.pretraining.unfrozen, findings.labels)
        yield freezing_table(paradigm.pretraining.freezing, findings.labels)
    if paradigm.multitask is not None:
        yield tasks_table(paradigm.multitask, findings.labels)
        yield multitask_table(paradigm.multitask, findings.labels)
    if paradigm.search is not None:
        yield from search_tables(paradigm.search, findings.labels)


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
            if stages[i].setup != stages[i - 1].setup and stages[i].stage != stages[i - 1].stage
        ),
        legend="; ".join(
            [
                "n repeats that reached their end",
                "95 % bootstrap over repeats; with two or three, from the smallest to the largest",
                *filter(None, [gaps_legend(rows)]),
            ]
        ),
    )


def _stage_cells(stage: SetupStage, wh: int, mwh: int) -> tuple[Cell, ...]:
    interval = None if stage.energy_j is None else stage.energy_j.interval
    return (
        word_cell(str(stage.stage)),
        word_cell(stage.complete),
        number_cell(to_wh(mean_of(stage.energy_j)), wh),
        number_cell(to_wh(std_of(stage.energy_j)), wh),
        number_cell(None if interval is None else to_wh(interval.low), wh),
        number_cell(None if interval is None else to_wh(interval.high), wh),
        number_cell(to_mwh(mean_of(stage.energy_per_epoch_j)), mwh),
        number_cell(mean_of(stage.epochs), 1),
        number_cell(percent(mean_of(stage.accuracy)), 1),
    )
