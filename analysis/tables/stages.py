"""Table of all stages, and the tables specific to a study's paradigm."""

from collections.abc import Iterator

from analysis.energy.spread import Interval95
from analysis.energy.stages import SetupStage
from analysis.findings import Findings
from analysis.forms.cells import (
    Cell,
    TableColumn,
    TableInfo,
    gaps_legend,
    mean_of,
    number_cell,
    setup_cells,
    setup_columns,
    std_of,
    word_cell,
)
from analysis.forms.scores import ScoreForm
from analysis.forms.table_unit import TableUnit
from analysis.multitask.tables import multitask_table, tasks_table
from analysis.pretraining.tables import break_even_table, freezing_table
from analysis.ranking.stage_intervals import stage_intervals
from analysis.search.tables import search_tables
from study.record.files import J_PER_MWH


def paradigm_table_infos(findings: Findings) -> tuple[TableInfo, ...]:
    """Return the tables specific to the study's paradigm; none for a regime study."""
    return tuple(_tables(findings))


def _tables(findings: Findings) -> Iterator[TableInfo]:
    paradigm = findings.paradigm
    if findings.ranked_stage is not None:
        yield stages_info(findings)
    if paradigm.pretraining is not None:
        yield break_even_table(paradigm.pretraining.frozen, findings.labels, findings.unit)
        yield break_even_table(paradigm.pretraining.unfrozen, findings.labels, findings.unit)
        yield freezing_table(
            paradigm.pretraining.freezing, findings.labels, findings.score, findings.unit
        )
    if paradigm.multitask is not None:
        yield tasks_table(paradigm.multitask, findings.labels, findings.unit)
        yield multitask_table(paradigm.multitask, findings.labels, findings.score, findings.unit)
    if paradigm.search is not None:
        yield from search_tables(paradigm.search, findings.labels, findings.score, findings.unit)


def stages_info(findings: Findings) -> TableInfo:
    """Return the table of energy, epochs and objective of each stage of each setup."""
    stages = findings.paradigm.stages
    unit = TableUnit.of((mean_of(each.energy_j) for each in stages), findings.unit)
    intervals = stage_intervals(stages)
    rows = tuple(
        (
            *setup_cells(s, stages),
            *_stage_cells(s, intervals.get((s.setup, s.stage)), unit, findings.score),
        )
        for s in stages
    )
    return TableInfo(
        name="stages",
        title=findings.titled("Stages: energy of a training to its end"),
        columns=(
            *setup_columns(stages),
            TableColumn(key="stage", heading="stage"),
            TableColumn(key="complete", heading="n"),
            TableColumn(key="energy_wh", heading=unit.name),
            TableColumn(key="energy_std_wh", heading="±"),
            TableColumn(key="energy_low_wh", heading="95 % from"),
            TableColumn(key="energy_high_wh", heading="to"),
            TableColumn(key="energy_per_epoch_mwh", heading=f"{unit.name}/epoch"),
            TableColumn(key="epochs", heading="epochs"),
            TableColumn(key=findings.score.key(), heading=findings.score.name),
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
                "95 %: of a typical training, with partially pooled variances",
                *filter(None, [gaps_legend(rows)]),
            ]
        ),
    )


def _stage_cells(
    stage: SetupStage, interval: Interval95 | None, unit: TableUnit, score: ScoreForm
) -> tuple[Cell, ...]:
    return (
        word_cell(str(stage.stage)),
        word_cell(stage.complete),
        unit.cell(mean_of(stage.energy_j)),
        unit.cell(std_of(stage.energy_j)),
        unit.cell(None if interval is None else interval.low),
        unit.cell(None if interval is None else interval.high),
        unit.cell(mean_of(stage.energy_per_epoch_j), key_unit_j=J_PER_MWH),
        number_cell(mean_of(stage.epochs), 1),
        score.cell(mean_of(stage.accuracy)),
    )
