"""Tables of a study over its setups, as records for terminal, page and files.

Joules are converted to mWh and Wh here.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from analysis.energy.by_setup import mwh_per_epoch, percent_of_worst
from analysis.energy.totals import SetupEnergy
from analysis.findings import Findings
from analysis.forms.cells import (
    Cell,
    TableColumn,
    TableInfo,
    change_cell,
    matrix,
    mean_of,
    number_cell,
    percent,
    setup_cells,
    setup_columns,
    std_of,
)
from analysis.forms.scores import ScoreForm
from analysis.forms.table_unit import TableUnit
from analysis.quantities import (
    MISSING,
    decimals_for,
    number_text,
)
from analysis.ranking.criteria import Criterion, RankBy
from analysis.ranking.ranking import RankedSetup, Ranking
from analysis.tables.components import beside_what_ranks, components_info
from analysis.tables.contenders import contenders_info
from analysis.tables.metrics import metrics_info
from analysis.tables.power_limits import power_limits_info
from analysis.tables.stages import paradigm_table_infos, stages_info
from analysis.tables.to_target import to_target_cells, to_target_columns, to_target_signs
from study.record.files import J_PER_MWH, J_PER_WH

_FRONT, _TIE, _CHANCE = "●", "≈", "?"


def energy_per_epoch_info(findings: Findings) -> TableInfo:
    """Return the table of mean energy per epoch by batch size and learning rate (paper, Table 2)."""
    values = mwh_per_epoch(findings.setups)
    unit, per_mwh = findings.unit, J_PER_MWH / findings.unit.joules
    decimals = decimals_for(None if each is None else per_mwh * each for each in values.values())
    return matrix(
        findings.setups,
        name="energy_per_epoch_mwh",
        title=findings.staged(f"Energy per epoch, {unit.name}"),
        values=values,
        text=lambda value: number_text(None if value is None else per_mwh * value, decimals),
    )


def relative_total_info(findings: Findings) -> TableInfo:
    """Return the table of total energy in percent of the worst setup (paper, Figure 3)."""
    return matrix(
        findings.setups,
        name="total_energy_percent_of_worst",
        title=findings.staged("Total energy, % of the worst setup"),
        values=percent_of_worst(findings.setups),
        text=lambda value: number_text(value, 1),
    )


def ranking_info(findings: Findings) -> TableInfo:
    """Return the energy-aware ranking as a table."""
    rows = findings.ranking.rows
    setups = [row.setup for row in rows]
    unit = _unit_of(setups, findings)
    first_out = None
    if not findings.ranking.by_expected_loss:
        first_out = next(
            (i for i, row in enumerate(rows) if i and not row.accurate_enough and row.place), None
        )
    failed = any(row.setup.failed_share for row in rows)
    unequal = any(_counts(row) is None for row in rows)
    criterion = findings.ranking.criterion
    shown = criterion.shown
    extra = decimals_for(shown(row.setup) for row in rows) if shown else 0
    against = findings.ranking.baseline is not None
    beside = beside_what_ranks(findings)
    aimed = to_target_columns(findings.ranking)
    return TableInfo(
        name="ranking",
        title=findings.staged(_ranking_title(findings)),
        columns=(
            TableColumn(key="place", heading="#"),
            *setup_columns(setups),
            *(
                [TableColumn(key=criterion.key, heading=criterion.heading.format(unit=unit.name))]
                if shown
                else []
            ),
            *aimed,
            *_ranking_columns(unit, findings.score),
            *([TableColumn(key="energies", heading="n")] if unequal else []),
            *([TableColumn(key="failed_percent", heading="failed %")] if failed else []),
            *(
                [TableColumn(key="saving_against_baseline_percent", heading="vs base")]
                if against
                else []
            ),
            *(replace(each, heading=f"{each.heading} {unit.name}") for each, _ in beside),
            TableColumn(key="signs", heading=""),
        ),
        rows=tuple(
            (
                number_cell(row.place, 0),
                *setup_cells(row.setup, setups),
                *([_criterion_cell(row.setup, criterion, unit, extra)] if shown else []),
                *(to_target_cells(row.setup, findings.ranking, aimed, unit)),
                *_ranking_row(row, unit, findings.score),
                *([_counts_cell(row)] if unequal else []),
                *([number_cell(percent(row.setup.failed_share), 0)] if failed else []),
                *([change_cell(row.saving_against_baseline)] if against else []),
                *(unit.cell(joules.get(row.setup.setup)) for _, joules in beside),
                _signs(row),
            )
            for row in rows
        ),
        breaks=() if first_out is None else (first_out,),
        legend=_ranking_legend(findings.ranking, failed=failed, unequal=unequal),
    )


def table_infos(findings: Findings) -> tuple[TableInfo, ...]:
    """Return all tables of a study."""
    return (
        energy_per_epoch_info(findings),
        relative_total_info(findings),
        ranking_info(findings),
        *([contenders] if (contenders := contenders_info(findings)) else []),
        *([metrics] if (metrics := metrics_info(findings)) else []),
        *([limits] if (limits := power_limits_info(findings)) else []),
        *([components] if (components := components_info(findings)) else []),
        # With several stages this table is among those of the paradigm, which the terminal shows too;
        # with a single one it is only in files, for its intervals.
        *([] if findings.ranked_stage else [stages_info(findings)]),
        *paradigm_table_infos(findings),
    )


def _ranking_columns(unit: TableUnit, score: ScoreForm) -> tuple[TableColumn, ...]:
    return (
        TableColumn(key=score.key(), heading=score.name),
        TableColumn(key=score.std_key(), heading="±"),
        TableColumn(key="energy_wh", heading=f"total {unit.name}"),
        TableColumn(key="energy_std_wh", heading="±"),
        TableColumn(key="energy_per_epoch_mwh", heading=f"{unit.name}/epoch"),
        TableColumn(key="epochs", heading="epochs"),
        TableColumn(key="saving_against_best_percent", heading="vs best"),
        TableColumn(key="saving_against_worst_percent", heading="vs worst"),
    )


def _ranking_row(row: RankedSetup, unit: TableUnit, score: ScoreForm) -> tuple[Cell, ...]:
    setup = row.setup
    return (
        score.cell(setup.accuracy),
        score.deviation_cell(std_of(setup.best_accuracy), of=setup.accuracy),
        unit.cell(setup.total_j),
        unit.cell(std_of(setup.energy_j)),
        unit.cell(mean_of(setup.energy_per_epoch_j), key_unit_j=J_PER_MWH),
        number_cell(mean_of(setup.epochs), 1),
        change_cell(row.saving_against_best),
        change_cell(row.saving_against_worst),
    )


def _criterion_cell(
    setup: SetupEnergy, criterion: Criterion, unit: TableUnit, decimals: int
) -> Cell:
    """Return a cell with the number that setups are ranked by."""
    value = None if criterion.shown is None else criterion.shown(setup)
    if not criterion.is_energy:
        return number_cell(value, decimals)
    return unit.cell(None if value is None else value * J_PER_WH)


def _unit_of(setups: Sequence[SetupEnergy], findings: Findings) -> TableUnit:
    """Return the unit with decimals that suit the totals or, if there are none, the energies per epoch."""
    totals_j = [setup.total_j for setup in setups]
    if all(each is None for each in totals_j):
        totals_j = [mean_of(setup.energy_per_epoch_j) for setup in setups]
    return TableUnit.of(totals_j, findings.unit)


def _counts(row: RankedSetup) -> int | None:
    """Return the number of trainings that both means are over; None if the numbers differ."""
    energies, accuracies = row.setup.energy_j, row.setup.best_accuracy
    counts = {spread.count for spread in (energies, accuracies) if spread is not None}
    return counts.pop() if len(counts) == 1 else 0 if not counts else None


def _counts_cell(row: RankedSetup) -> Cell:
    """Return a cell with the number of trainings that have an energy, of those that have an accuracy."""
    energies, accuracies = row.setup.energy_j, row.setup.best_accuracy
    known = 0 if energies is None else energies.count
    of = 0 if accuracies is None else accuracies.count
    return Cell(value=known, text=str(known) if known == of else f"{known} of {of}")


def _ranking_title(findings: Findings) -> str:
    ranking, score = findings.ranking, findings.score
    title, tolerance = ranking.title, score.tolerance_text(ranking.tolerance)
    if findings.ranking.by is RankBy.ENERGY_TO_TARGET and findings.target is not None:
        return f"{title} of {score.text(findings.target)}"
    if ranking.by_expected_loss and ranking.evidence is not None:
        worth = f"{100 * math.expm1(ranking.evidence.aim.price):.0f} %"
        return (
            f"By energy; each {score.point} lost beyond {tolerance} counts as {worth} more energy"
        )
    if ranking.criterion.within_tolerance:
        return f"{title} within {tolerance} of the best {score.name}"
    return title


def _ranking_legend(ranking: Ranking, *, failed: bool, unequal: bool) -> str:
    rows, score = ranking.rows, ScoreForm(ranking.objective)
    in_percent = f"{score.name} in %; " if ranking.objective.is_share else ""
    signs = [
        f"{in_percent}± standard deviation over repeats",
        f"vs best, vs worst: energy against the {score.best} and the costliest setup",
    ]
    signs += to_target_signs(ranking)
    if any(row.on_front for row in rows):
        signs.append(f"{_FRONT} Pareto front")
    if any(row.ties_with_first for row in rows):
        signs.append(f"{_TIE} cannot be told apart from the first in energy")
    if any(row.at_chance for row in rows):
        signs.append(f"{_CHANCE} cannot be distinguished from chance in accuracy")
    if unequal:
        signs.append(f"n trainings with an energy, of those with {score.with_article}")
    if failed:
        signs.append(
            "failed: share of the trainings; total: energy of all of them for each success"
        )
    if any(row.same_training_as for row in rows):
        signs.append("=n same training as setup n")
    if not ranking.by_expected_loss and any(not row.accurate_enough and row.place for row in rows):
        signs.append(f"lower part: {score.worse} than allowed")
    if any(row.place is None for row in rows):
        signs.append(f"{MISSING} not known")
    return "; ".join(signs)


def _signs(row: RankedSetup) -> Cell:
    signs = [
        *([_FRONT] if row.on_front else []),
        *([_TIE] if row.ties_with_first else []),
        *([_CHANCE] if row.at_chance else []),
        *(f"={number}" for number in row.same_training_as),
    ]
    words = [
        *(["pareto-front"] if row.on_front else []),
        *(["ties-with-first"] if row.ties_with_first else []),
        *(["at-chance"] if row.at_chance else []),
        *(f"same-training-as-{number}" for number in row.same_training_as),
    ]
    return Cell(value=" ".join(words), text=" ".join(signs))
