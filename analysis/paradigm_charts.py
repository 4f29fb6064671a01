"""Charts of pretraining and multitask: break-even lines and stacked bars."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import altair as alt

from analysis.forms.chart_style import CHOSEN, INK, MUTED, PLAIN, SERIES, in_groups, styled
from analysis.paradigm_figures import (
    BreakEvenCase,
    BreakEvenLinesInfo,
    MultitaskBar,
    MultitaskBarsInfo,
)

_WITH, _WITHOUT = "with pretraining", "from scratch"
_PANEL_WIDTH, _PANEL_HEIGHT = 190, 220
_BAR_STEP, _BAR_HEIGHT = 22, 250
_TASKS = ("attributes", "identity", "both")
_TASK_COLOURS = (PLAIN, MUTED, CHOSEN)


def break_even_chart(info: BreakEvenLinesInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """A panel for each case, each with its own axes: their energies are far apart."""
    panels = [f"{case.case}|{case.label}" for case in info.cases]
    rows = [
        row
        for panel, case in zip(panels, info.cases, strict=True)
        for row in _panel_rows(panel, case)
    ]
    side_by_side = (
        _lines_and_crossing()
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
        *_wrapped(info.note),
        *(
            [
                "The middle panel has mean energies, so it need not cross at the average of the cycles."
            ]
            if len(panels) > 1
            else []
        ),
    ]
    return styled(side_by_side, info.title, notes)


def _lines_and_crossing() -> Any:  # noqa: ANN401 - as above
    """Energy in all with pretraining and from scratch, and where it has paid."""
    ways = [_WITH, _WITHOUT]
    legend = alt.Legend(orient="top", title=None, symbolSize=300)
    cycles = alt.X(
        "cycles:Q",
        title="trainings that use the encoder",
        axis=alt.Axis(tickMinStep=1, tickCount=6, format="d"),
    )
    energy = alt.Y("energy_wh:Q", title="Energy in all, Wh")
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
    # Below and to the right of a crossing of two rising lines there is room.
    label = crossing.mark_text(align="left", baseline="top", dx=8, dy=8, color=INK).encode(
        x=cycles, y=energy, text="label:N"
    )
    return alt.layer(lines, mark, label).properties(width=_PANEL_WIDTH, height=_PANEL_HEIGHT)


def line_rows(info: BreakEvenLinesInfo) -> list[dict[str, Any]]:
    """The lines by their points, one for each whole number of cycles."""
    return [
        {
            "case": case.case,
            "label": case.label,
            "cycles": cycles,
            "with_pretraining_wh": case.encoder_wh + cycles * case.classifier_wh,
            "from_scratch_wh": cycles * case.together_wh,
        }
        for case in info.cases
        for cycles in range(case.last_cycle + 1)
    ]


def multitask_chart(info: MultitaskBarsInfo) -> Any:  # noqa: ANN401 - as above
    """Two bars for each setup: one task upon the other, and both together."""
    rows: list[Mapping[str, Any]] = [
        {
            **asdict(bar),
            "group": f"batch size {bar.batch_size}",
            "bar": f"{bar.series} {bar.way}",
            "words": _bar_words(bar),
        }
        for bar in info.bars
    ]
    groups = [f"batch size {size}" for size in sorted({bar.batch_size for bar in info.bars})]
    names = list(dict.fromkeys(bar.series for bar in info.bars))
    ways = ["one by one", "together"]
    bars = (
        alt.Chart()
        .mark_bar(stroke=INK, strokeWidth=0.5)
        .encode(
            x=alt.X("series:N", sort=names, title=None, axis=alt.Axis(labelAngle=-45)),
            xOffset=alt.XOffset("way:N", sort=ways),
            y=alt.Y("from_wh:Q", title="Energy of a training, Wh"),
            y2="to_wh:Q",
            color=alt.Color(
                "task:N",
                title=None,
                scale=alt.Scale(domain=list(_TASKS), range=list(_TASK_COLOURS)),
                legend=alt.Legend(orient="top", symbolType="square", symbolStrokeWidth=0.5),
            ),
            description="words:N",
        )
        .properties(width=alt.Step(_BAR_STEP), height=_BAR_HEIGHT)
    )
    notes = [
        "By learning rate. Left bar: attributes, and identity upon it; right bar: both in one training.",
        *_wrapped(info.note),
    ]
    return styled(in_groups(bars, rows, groups), info.title, notes)


def _panel_rows(panel: str, case: BreakEvenCase) -> list[dict[str, Any]]:
    """The ends of both lines, and their crossing with its words."""
    ends = [
        {"panel": panel, "cycles": cycles, "energy_wh": energy, "way": way}
        for cycles in (0, case.last_cycle)
        for way, energy in (
            (_WITH, case.encoder_wh + cycles * case.classifier_wh),
            (_WITHOUT, cycles * case.together_wh),
        )
    ]
    crossing = {
        "panel": panel,
        "cycles": case.cycles,
        "energy_wh": case.crossing_wh,
        "label": f"pays at {case.pays_at}",
        "words": (
            f"{case.case}, {case.label}: pretraining has paid after {case.pays_at} "
            f"(lines cross at {case.cycles:.1f}, {case.crossing_wh:.3g} Wh)"
        ),
    }
    return [*ends, crossing]


def _wrapped(note: str) -> list[str]:
    """A note of several statements, two on a line."""
    parts = note.split("; ")
    return ["; ".join(parts[i : i + 3]) for i in range(0, len(parts), 3)]


def _bar_words(bar: MultitaskBar) -> str:
    return (
        f"Setup {bar.setup}: batch size {bar.batch_size}, learning rate {bar.series}, {bar.task}: "
        f"{bar.to_wh - bar.from_wh:.3g} Wh"
    )
