"""Break-even chart: cumulative energy over the number of trainings, with pretraining and from scratch."""

from typing import Any

import altair as alt

from analysis.forms.chart_style import CHOSEN, INK, SERIES, styled, wrapped
from analysis.pretraining.figures import BreakEvenCase, BreakEvenLinesInfo
from study.record.files import J_PER_WH, EnergyUnit

_WITH, _WITHOUT = "with pretraining", "from scratch"


_PANEL_WIDTH, _PANEL_HEIGHT = 190, 220


def break_even_chart(info: BreakEvenLinesInfo, unit: EnergyUnit) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw a panel for each case, each with its own axes because their energies are far apart."""
    panels = [f"{case.case}|{case.label}" for case in info.cases]
    rows = [
        row
        for panel, case in zip(panels, info.cases, strict=True)
        for row in _panel_rows(panel, case, unit)
    ]
    side_by_side = (
        _lines_and_crossing(unit)
        .facet(
            data=alt.InlineData(values=rows),
            column=alt.Column(
                "panel:N",
                sort=panels,
                title=None,
                spacing=24,
                header=alt.Header(labelExpr="split(datum.label, '|')", labelLineHeight=15),
            ),
        )
        .resolve_scale(x="independent", y="independent")
    )
    notes = [
        "Energy over the number of trainings that use the encoder. Where the lines cross, it has paid.",
        *wrapped(info.note),
        *(
            [
                "The middle panel has mean energies, so it need not cross at the average of the cycles."
            ]
            if len(panels) > 1
            else []
        ),
    ]
    return styled(side_by_side, info.title, notes)


def _lines_and_crossing(unit: EnergyUnit) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw the cumulative energy with pretraining and from scratch, and mark where the lines cross."""
    ways = [_WITH, _WITHOUT]
    legend = alt.Legend(orient="top", title=None, symbolSize=300)
    cycles = alt.X(
        "cycles:Q",
        title="trainings that use the encoder",
        axis=alt.Axis(tickMinStep=1, tickCount=6, format="d"),
    )
    energy = alt.Y("energy:Q", title=f"Energy in all, {unit.name}")
    lines = (
        alt.Chart()
        .transform_filter("datum.way")
        .mark_line(strokeWidth=1.8, aria=False)
        .encode(
            x=cycles,
            y=energy,
            color=alt.Color(
                "way:N", scale=alt.Scale(domain=ways, range=[CHOSEN, SERIES[1]]), legend=legend
            ),
            strokeDash=alt.StrokeDash(
                "way:N", scale=alt.Scale(domain=ways, range=[[1, 0], [6, 3]]), legend=legend
            ),
        )
    )
    crossing = alt.Chart().transform_filter("datum.words")
    mark = crossing.mark_point(filled=True, size=80, color=INK, opacity=1).encode(
        x=cycles, y=energy, description="words:N"
    )
    # Both lines rise, so there is room for the label below and to the right of the crossing.
    label = crossing.mark_text(align="left", baseline="top", dx=8, dy=8, color=INK).encode(
        x=cycles, y=energy, text="label:N"
    )
    return alt.layer(lines, mark, label).properties(width=_PANEL_WIDTH, height=_PANEL_HEIGHT)


def line_rows(info: BreakEvenLinesInfo) -> list[dict[str, Any]]:
    """Return the lines as data rows, one for each whole number of cycles."""
    return [
        {
            "case": case.case,
            "label": case.label,
            "cycles": cycles,
            "with_pretraining_wh": case.encoder_wh + cycles * case.classifier_wh,
            "from_scratch_wh": cycles * case.from_scratch_wh,
        }
        for case in info.cases
        for cycles in range(case.last_cycle + 1)
    ]


def _panel_rows(panel: str, case: BreakEvenCase, unit: EnergyUnit) -> list[dict[str, Any]]:
    """Return the ends of both lines and their crossing with its description, as data rows."""
    per_wh = J_PER_WH / unit.joules
    ends = [
        {"panel": panel, "cycles": cycles, "energy": per_wh * energy, "way": way}
        for cycles in (0, case.last_cycle)
        for way, energy in (
            (_WITH, case.encoder_wh + cycles * case.classifier_wh),
            (_WITHOUT, cycles * case.from_scratch_wh),
        )
    ]
    crossing = {
        "panel": panel,
        "cycles": case.cycles,
        "energy": per_wh * case.crossing_wh,
        "label": f"pays at {case.pays_at}",
        "words": (
            f"{case.case}, {case.label}: pretraining has paid after {case.pays_at} "
            f"(lines cross at {case.cycles:.1f}, {per_wh * case.crossing_wh:,.4g} {unit.name})"
        ),
    }
    return [*ends, crossing]
