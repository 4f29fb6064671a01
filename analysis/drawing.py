"""Draws the figures of a study with Vega-Altair, as SVG and PNG, without a browser.

Importing this takes half a second; only a report needs it.

Colours mean nothing that shape, place or words do not say too. They are few and fixed, so that a
page can exchange them for its dark ones (`analysis.page`).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import altair as alt
import vl_convert

from analysis.figures import ParetoInfo, RelativeEnergyInfo, pareto_info, relative_energy_info
from analysis.findings import Findings

INK, MUTED, FAINT, GRID = "#22303c", "#667482", "#b3bec8", "#e2e7eb"
PLAIN, CHOSEN = "#9db4c6", "#1f6f8b"

_FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
_PNG_SCALE = 2.0
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_BAR_STEP = 42
_WIDTH, _HEIGHT = 640, 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure as files want it.

    Attributes:
        name: Short; the name of its files.
        title: In words.
        svg: With a transparent ground.
        png: The same on white, twice as large.
    """

    name: str
    title: str
    svg: str
    png: bytes


def draw(findings: Findings) -> tuple[Drawing, ...]:
    """Draw all figures of a study; one for which there is no number is left out."""
    relative, pareto = relative_energy_info(findings), pareto_info(findings)
    drawings = []
    if any(bar.percent is not None for bar in relative.bars):
        chart = relative_energy_chart(relative)
        drawings.append(_drawing("relative_energy", relative.title, chart))
    if pareto.points:
        drawings.append(_drawing("pareto_front", pareto.title, pareto_chart(pareto)))
    return tuple(drawings)


def relative_energy_chart(info: RelativeEnergyInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """Bars in groups of one batch size, as the dashed lines of the paper's Figure 3 have them."""
    rows = [
        {
            **asdict(bar),
            "group": _group(bar.batch_size),
            "top": bar.high or bar.percent or 0.0,
            "word": "no energy" if bar.percent is None else bar.accuracy,
        }
        for bar in info.bars
    ]
    rates = list(dict.fromkeys(bar.learning_rate for bar in info.bars))
    groups = list(dict.fromkeys(_group(bar.batch_size) for bar in info.bars))
    rate = alt.X("learning_rate:N", sort=rates, title=None, axis=alt.Axis(labelAngle=-45))
    most = max(row["top"] for row in rows)
    percent = alt.Y(
        "percent:Q",
        title="Energy, % of the worst setup",
        scale=alt.Scale(domain=[0, max(most * 1.06, 106)]),
        axis=alt.Axis(values=list(range(0, 101, 25))),
    )
    bars = (
        alt.Chart()
        .mark_bar(size=26)
        .encode(
            x=rate,
            y=percent,
            color=alt.condition("datum.chosen", alt.value(CHOSEN), alt.value(PLAIN)),
        )
    )
    spread = (
        alt.Chart().mark_rule(color=INK, strokeWidth=1.2).encode(x=rate, y="low:Q", y2="high:Q")
    )
    words = (
        alt.Chart()
        .mark_text(dy=-8, fontSize=11, color=INK)
        .encode(x=rate, y="top:Q", text="word:N")
    )
    panels = (
        alt.layer(bars, spread, words)
        .properties(width=alt.Step(_BAR_STEP), height=240)
        .facet(
            data=alt.InlineData(values=rows),
            column=alt.Column(
                "group:N",
                sort=groups,
                title=None,
                header=alt.Header(labelOrient="top"),
                spacing=14,
            ),
        )
    )
    notes = [
        "By learning rate. Number on a bar: best validation accuracy in %. Line: ± standard deviation over repeats.",
        *(["Strong bar: recommended setup."] if any(bar.chosen for bar in info.bars) else []),
    ]
    return _styled(panels, info.title, notes)


def pareto_chart(info: ParetoInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """Points by accuracy and energy, and the line of the setups that none beats in both."""
    rows = [asdict(point) for point in info.points]
    sizes = sorted({point.batch_size for point in info.points})
    data = alt.InlineData(values=rows)
    energy = alt.X("energy_wh:Q", title="Energy of a training, Wh", axis=alt.Axis(tickCount=8))
    accuracy = alt.Y(
        "accuracy_percent:Q",
        title="Best validation accuracy, %",
        scale=alt.Scale(zero=False, nice=True),
    )
    chart = alt.Chart(data)
    across = chart.mark_rule(color=FAINT, strokeWidth=1.2).encode(
        x="energy_low_wh:Q", x2="energy_high_wh:Q", y=accuracy
    )
    along = chart.mark_rule(color=FAINT, strokeWidth=1.2).encode(
        x=energy, y="accuracy_low_percent:Q", y2="accuracy_high_percent:Q"
    )
    front = (
        chart.transform_filter("datum.on_front")
        .mark_line(interpolate="step-after", color=CHOSEN, strokeDash=[4, 3], strokeWidth=1.2)
        .encode(x=energy, y=accuracy)
    )
    points = chart.mark_point(filled=True, opacity=1, stroke=INK, strokeWidth=0.6).encode(
        x=energy,
        y=accuracy,
        shape=alt.Shape(
            "batch_size:O",
            title="batch size",
            scale=alt.Scale(
                domain=sizes, range=[_SHAPES[i % len(_SHAPES)] for i in range(len(sizes))]
            ),
        ),
        color=alt.condition("datum.chosen", alt.value(CHOSEN), alt.value(PLAIN)),
        size=alt.condition("datum.chosen", alt.value(170), alt.value(80)),
    )
    # Up and to the left of a point of the front there is, by its definition, no other point; but
    # near the axis there is no room either.
    labels = [
        chart.transform_filter(f"{'' if near else '!'}datum.near_axis")
        .mark_text(align="left" if near else "right", dx=8 if near else -8, dy=-10, color=INK)
        .encode(x=energy, y=accuracy, text="label:N")
        for near in (True, False)
    ]
    layered = alt.layer(across, along, front, points, *labels).properties(
        width=_WIDTH, height=_HEIGHT
    )
    notes = [
        "Broken line: the setups that no other one beats in both (batch size x learning rate).",
        "Large mark: recommended setup. Grey lines: ± standard deviation over repeats.",
    ]
    return _styled(layered, info.title, notes)


def _group(batch_size: int) -> str:
    return f"batch size {batch_size}"


def _styled(chart: Any, title: str, notes: Sequence[str]) -> Any:  # noqa: ANN401 - as above
    return (
        chart.properties(
            title=alt.TitleParams(title, subtitle=list(notes)), background="transparent"
        )
        .configure(font=_FONT, padding=8)
        .configure_title(
            anchor="start",
            fontSize=15,
            fontWeight=600,
            color=INK,
            subtitleColor=MUTED,
            subtitleFontSize=11,
            subtitlePadding=5,
            offset=14,
        )
        .configure_axis(
            labelColor=MUTED,
            titleColor=INK,
            titleFontWeight="normal",
            titleFontSize=12,
            titlePadding=8,
            labelFontSize=11,
            gridColor=GRID,
            domain=False,
            ticks=False,
        )
        .configure_axisX(grid=False)
        .configure_header(labelColor=INK, labelFontSize=12, labelPadding=4)
        .configure_legend(
            labelColor=INK, titleColor=INK, titleFontWeight="normal", symbolFillColor=PLAIN
        )
        .configure_view(stroke=None)
    )


def _drawing(name: str, title: str, chart: Any) -> Drawing:  # noqa: ANN401 - as above
    svg = str(vl_convert.vegalite_to_svg(chart.to_dict(validate=False)))
    # Dark ink on a transparent ground cannot be read where an image viewer is dark.
    on_white = svg.replace("<svg ", '<svg style="background:#fff" ', 1)
    return Drawing(
        name=name,
        title=title,
        svg=svg,
        png=bytes(vl_convert.svg_to_png(on_white, scale=_PNG_SCALE)),
    )
