"""Ranking columns beside the energy to the target: its interval, and how many trainings reached it."""

from collections.abc import Iterator, Sequence

from analysis.energy.totals import SetupEnergy
from analysis.forms.cells import Cell, TableColumn
from analysis.forms.table_unit import TableUnit
from analysis.quantities import MISSING
from analysis.ranking.criteria import RankBy
from analysis.ranking.ranking import Ranking

_LOW = TableColumn(key="energy_to_target_low_wh", heading="from")
_HIGH = TableColumn(key="energy_to_target_high_wh", heading="to")
_REACHED = TableColumn(key="reached_target", heading="reached")


def to_target_columns(ranking: Ranking) -> tuple[TableColumn, ...]:
    """Return columns for the interval, if there is one, and for the trainings that reached the target.

    The latter is left out if all trainings reached it.
    """
    return (
        *((_LOW, _HIGH) if ranking.to_target else ()),
        *((_REACHED,) if _some_missed(ranking) else ()),
    )


def to_target_cells(
    setup: SetupEnergy, ranking: Ranking, columns: Sequence[TableColumn], unit: TableUnit
) -> Iterator[Cell]:
    """Yield a setup's cells in the columns of `to_target_columns`."""
    found = ranking.to_target.get(setup.setup)
    for column in columns:
        if column is _REACHED:
            yield _reached_cell(setup)
        else:
            yield unit.cell(None if found is None else found.low if column is _LOW else found.high)


def to_target_signs(ranking: Ranking) -> list[str]:
    """Explain the columns of `to_target_columns`, for the legend."""
    return [
        *(["from, to: 95 % interval of the energy to the target"] if ranking.to_target else []),
        *(
            [
                "reached: trainings that reached the target; the energy to it: of all trainings for each of these"
            ]
            if _some_missed(ranking)
            else []
        ),
    ]


def _some_missed(ranking: Ranking) -> bool:
    """Return whether setups are ranked by the energy to the target and any training missed it."""
    if ranking.by is not RankBy.ENERGY_TO_TARGET:
        return False
    known = [row.setup.to_target for row in ranking.rows]
    return any(each is not None and each.reached < each.attempts for each in known)


def _reached_cell(setup: SetupEnergy) -> Cell:
    found = setup.to_target
    if found is None:
        return Cell(value=None, text=MISSING)
    return Cell(value=found.reached, text=f"{found.reached} of {found.attempts}")
