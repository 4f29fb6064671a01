"""Tables of multitask: tasks averaged over setups (paper, Table 4), and each setup (paper, Figure 5)."""

from collections.abc import Sequence

from analysis.forms.cells import (
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
from analysis.forms.saving_cells import saving_cells, saving_columns, saving_line, saving_unit
from analysis.forms.scores import ScoreForm
from analysis.forms.table_unit import TableUnit
from analysis.forms.titles import titled
from analysis.multitask.together import MultitaskInfo
from study.record.files import J_PER_MWH, EnergyUnit


def tasks_table(info: MultitaskInfo, labels: Sequence[str], unit: EnergyUnit) -> TableInfo:
    """Return the table of energy per epoch, epochs and total energy by task (paper, Table 4)."""
    shown = TableUnit.of((mean_of(each.energy_j) for each in info.tasks), unit)
    rows = tuple(
        (
            word_cell(each.task),
            shown.cell(mean_of(each.energy_per_epoch_j), key_unit_j=J_PER_MWH),
            shown.cell(std_of(each.energy_per_epoch_j), key_unit_j=J_PER_MWH),
            number_cell(mean_of(each.epochs), 1),
            number_cell(std_of(each.epochs), 1),
            shown.cell(mean_of(each.energy_j)),
            shown.cell(std_of(each.energy_j)),
        )
        for each in info.tasks
    )
    return TableInfo(
        name="tasks",
        title=titled("Tasks, averaged over setups", labels),
        columns=(
            TableColumn(key="task", heading="task"),
            TableColumn(key="energy_per_epoch_mwh", heading=f"{unit.name}/epoch"),
            TableColumn(key="energy_per_epoch_std_mwh", heading="±"),
            TableColumn(key="epochs", heading="epochs"),
            TableColumn(key="epochs_std", heading="±"),
            TableColumn(key="energy_wh", heading=f"total {unit.name}"),
            TableColumn(key="energy_std_wh", heading="±"),
        ),
        rows=rows,
        legend="; ".join(["± over setups", *filter(None, [gaps_legend(rows)])]),
    )


def multitask_table(
    info: MultitaskInfo, labels: Sequence[str], score: ScoreForm, unit: EnergyUnit
) -> TableInfo:
    """Return the table that compares all tasks together with one by one, by setup (paper, Figure 5)."""
    shown = saving_unit([row.saving for row in info.rows], unit)
    given_up = "points" if score.objective.is_share else score.given_up_heading
    return TableInfo(
        name="multitask",
        title=titled("Tasks together against one by one", labels),
        columns=(
            *setup_columns(info.rows),
            *saving_columns("one by one", "together", shown),
            *(
                TableColumn(key=score.given_up_key(name), heading=f"{name} {given_up}")
                for name in info.names
            ),
        ),
        rows=tuple(
            (
                *setup_cells(r, info.rows),
                *saving_cells(r.saving, shown),
                *(
                    score.cell(
                        None if (change := r.score_changes[name]) is None else change.shortfall
                    )
                    for name in info.names
                ),
            )
            for r in info.rows
        ),
        legend=(
            f"{saving_line('training together', info.over_setups)}; "
            f"{given_up}: by how much {score.name} is worse where all are trained together"
        ),
    )
