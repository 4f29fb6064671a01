"""Table of the analysis of variance of energy and duration."""

from analysis.energy.factors import factor_infos, verdict
from analysis.findings import Findings
from analysis.forms.cells import Cell, TableColumn, TableInfo, number_cell, percent, word_cell

_P_DECIMALS = 4
_INTERVALS = (
    "% of variance: eta squared, type II; 95 %: bootstrap of the repeats within each setup, a rough "
    "one with two or three."
)


def factor_table(findings: Findings) -> TableInfo:
    """Return the table of explained variance by factor; its legend says whether the paper's conclusion holds."""
    infos = factor_infos(findings.setups)
    said = verdict(infos)
    reasons = [
        reason
        for info in infos
        if info.reason and (reason := f"{info.quantity}: {info.reason}") not in said
    ]
    return TableInfo(
        name="factors",
        title=findings.staged("What decides energy and duration: analysis of variance"),
        columns=(
            TableColumn(key="quantity", heading="quantity"),
            TableColumn(key="factor", heading="factor"),
            TableColumn(key="trials", heading="n"),
            TableColumn(key="share_percent", heading="% of variance"),
            TableColumn(key="share_low_percent", heading="95 % from"),
            TableColumn(key="share_high_percent", heading="to"),
            TableColumn(key="f", heading="F"),
            TableColumn(key="p", heading="p"),
        ),
        rows=tuple(
            (
                word_cell(info.quantity),
                word_cell(effect.factor),
                word_cell(info.trials),
                number_cell(percent(effect.share), 1),
                number_cell(percent(effect.interval.low) if effect.interval else None, 1),
                number_cell(percent(effect.interval.high) if effect.interval else None, 1),
                number_cell(effect.f, 1),
                _p_cell(effect.p),
            )
            for info in infos
            for effect in info.effects
        ),
        legend=" ".join(
            [
                said,
                *([f"Not tested: {'; '.join(reasons)}."] if reasons else []),
                *([_INTERVALS] if any(e.interval for i in infos for e in i.effects) else []),
            ]
        ),
    )


def _p_cell(p: float | None) -> Cell:
    """Return a cell with a p-value; one too small for its decimals or for a float becomes `<0.0001`."""
    return Cell(value=p, text="<0.0001") if p == 0 else number_cell(p, _P_DECIMALS)
