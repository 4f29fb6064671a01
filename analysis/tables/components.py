"""Table of energy by component, and columns of the ranking for components beside the one that ranks."""

from collections.abc import Mapping

import pandas as pd

from analysis.energy.known import known_number
from analysis.energy.scopes import COMPONENTS_OF, measured_components
from analysis.findings import Findings
from analysis.forms.cells import Cell, TableColumn, TableInfo, setup_cells, setup_columns
from analysis.forms.table_unit import TableUnit
from analysis.read.load import Study
from study.record.vocabulary import NOT_WHOLE, EnergyMethod, TrialStatus

_COMPONENTS = {"gpu": "GPU", "cpu": "CPU", "memory": "memory", "node": "node"}
"""Components and their display names; the node includes the others."""


def components_info(findings: Findings) -> TableInfo | None:
    """Return the table of mean energy of a training by component; None if fewer than two were measured."""
    study = findings.study
    means = _means_j(study.trials)
    shown = [name for name in _COMPONENTS if means[f"{name}_energy_j"].notna().any()]
    if len(shown) < 2:  # noqa: PLR2004 - a single one is what ranks
        return None
    setups = [each for each in study.manifest.setups if each.setup in means.index]
    found = {
        name: {each.setup: known_number(means[f"{name}_energy_j"][each.setup]) for each in setups}
        for name in shown
    }
    unit = TableUnit.of(
        (energy_j for column in found.values() for energy_j in column.values()), findings.unit
    )
    return TableInfo(
        name="components",
        title=findings.titled("Where the joules go: mean energy of a whole training"),
        columns=(
            *setup_columns(setups),
            *(
                TableColumn(key=f"{name}_energy_wh", heading=_heading(study, name, unit.name))
                for name in shown
            ),
        ),
        rows=tuple(
            (*setup_cells(each, setups), *_cells(each.setup, found, unit)) for each in setups
        ),
        legend=_legend(study),
    )


def beside_what_ranks(
    findings: Findings,
) -> tuple[tuple[TableColumn, Mapping[int, float | None]], ...]:
    """Return ranking columns for the components that do not rank, each with its joules by setup.

    There are none if the ranking is of one stage of several, since a trial's component energies are
    sums over all stages.
    """
    study = findings.study
    ranks = COMPONENTS_OF[study.manifest.energy_of]
    others = [each for each in measured_components(study) if (each,) != ranks]
    if findings.ranked_stage is not None or len(measured_components(study)) == 1:
        return ()
    means = _means_j(study.trials)
    return tuple(
        (
            TableColumn(key=f"{each}_energy_wh", heading=_COMPONENTS[each]),
            {
                int(str(setup)): known_number(mean)
                for setup, mean in means[f"{each}_energy_j"].items()
            },
        )
        for each in others
    )


def _means_j(trials: pd.DataFrame) -> pd.DataFrame:
    """Return each component's mean joules over a setup's complete trainings; NaN if one is missing."""
    columns = [f"{name}_energy_j" for name in _COMPONENTS]
    ended = trials["status"] == TrialStatus.FINISHED.value
    whole = trials[ended & ~trials["stop_reason"].isin(NOT_WHOLE)]
    means: pd.DataFrame = whole.groupby("setup")[columns].agg(_mean_of_all)
    return means


def _mean_of_all(joules: "pd.Series[float]") -> float:
    return float(joules.mean(skipna=False))


def _cells(
    setup: int, found: Mapping[str, Mapping[int, float | None]], unit: TableUnit
) -> tuple[Cell, ...]:
    return tuple(unit.cell(column[setup]) for column in found.values())


def _heading(study: Study, component: str, unit: str) -> str:
    """Return the heading of a component's column: its name, the unit, and `estimated` if it is."""
    methods = {
        each.method
        for node in study.manifest.nodes
        for each in node.components
        if each.component == component
    }
    label = " estimated" if EnergyMethod.ESTIMATED in methods else ""
    return f"{_COMPONENTS[component]} {unit}{label}"


def _legend(study: Study) -> str:
    """State which energy ranks, and how the energy of shared components was charged to trials."""
    rules = "; ".join(f"{name}: {rule}" for name, rule in study.manifest.charging.items())
    ranks = f"ranked by {study.manifest.energy_of}; a node contains its components"
    return f"{ranks}; {rules}" if rules else ranks
