"""Table of the contenders: setups that may be the answer, with their intervals and probabilities."""

from analysis.energy.spread import Interval95
from analysis.findings import Findings
from analysis.forms.cells import (
    Cell,
    TableColumn,
    TableInfo,
    probability_cell,
    setup_cells,
    setup_columns,
)
from analysis.forms.scores import ScoreForm
from analysis.forms.table_unit import TableUnit
from analysis.ranking.contenders import contenders


def contenders_info(findings: Findings) -> TableInfo | None:
    """Return the table of the contenders; None if no setup has two repeats."""
    evidence = findings.ranking.evidence
    if evidence is None or evidence.posteriors is None:
        return None
    setups = contenders(findings.ranking)
    totals = {each.setup: evidence.total_j(each.setup) for each in setups}
    unit = TableUnit.of((each.high for each in totals.values() if each is not None), findings.unit)
    score = findings.score
    tolerance = score.tolerance_text(findings.ranking.tolerance)
    return TableInfo(
        name="contenders",
        title=findings.staged("Contenders: 95 % intervals and probabilities"),
        columns=(
            *setup_columns(setups),
            TableColumn(key=score.key("low"), heading=f"{score.name} from"),
            TableColumn(key=score.key("high"), heading="to"),
            TableColumn(key="energy_low_wh", heading=f"{unit.name} from"),
            TableColumn(key="energy_high_wh", heading="to"),
            TableColumn(key="within_percent", heading=f"P({score.in_heading}) %"),
            TableColumn(key="cheapest_percent", heading="P(cheapest) %"),
        ),
        rows=tuple(
            (
                *setup_cells(each, setups),
                *_score_cells(evidence.accuracy(each.setup), score),
                *_energy_cells(totals[each.setup], unit),
                probability_cell(evidence.within(each.setup)),
                probability_cell(evidence.cheapest(each.setup)),
            )
            for each in setups
        ),
        legend=(
            f"P({score.in_heading}): probability of {score.with_article} within {tolerance} of the best; P(cheapest): of "
            "being the cheapest such setup"
        ),
    )


def _score_cells(found: Interval95 | None, score: ScoreForm) -> tuple[Cell, Cell]:
    low, high = (None, None) if found is None else (found.low, found.high)
    return score.cell(low), score.cell(high)


def _energy_cells(found: Interval95 | None, unit: TableUnit) -> tuple[Cell, Cell]:
    low, high = (None, None) if found is None else (found.low, found.high)
    return unit.cell(low), unit.cell(high)
