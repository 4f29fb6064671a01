"""Charts with a mark for each setup: bars of relative energy, and heat maps."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import altair as alt

from analysis.figures.heat_map import HeatCell, HeatMapInfo
from analysis.figures.setups import Bar, RelativeEnergyInfo
from analysis.forms.chart_style import (
    CHOSEN,
    INK,
    PLAIN,
    in_groups,
    mark_step,
    styled,
)
from analysis.forms.series import (
    group_name,
    series_title,
    series_words,
)
from analysis.quantities import (
    MISSING,
    ascending,
    count_text,
)

_BAR_STEP, _BAR_SIZE, _LETTER = 36, 24, 7
_BAR_HEIGHT = 250
_HEIGHT = 320
_CELL_STEP = 58
_NARROWEST = 290
"""Least width of the title in pixels, even above a narrow map."""
_CELL_HEIGHT = 38
_FAINTEST, _STRONGEST = 0.05, 0.48


def relative_energy_chart(info: RelativeEnergyInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw bars grouped by batch size, as in the paper's Figure 3."""
    rows = [
        {
            **info.form.named(asdict(bar)),
            "group": group_name(bar.batch_size),
            "top": bar.high or bar.percent or 0.0,
            "word": "no energy" if bar.percent is None else bar.score_text,
            "words": _bar_words(bar, info),
        }
        for bar in info.bars
    ]
    rates = list(dict.fromkeys(bar.learning_rate for bar in info.bars))
    groups = list(dict.fromkeys(group_name(bar.batch_size) for bar in info.bars))
    longest = max((len(bar.score_text) for bar in info.bars), default=0)
    step = mark_step(max(_BAR_STEP, _LETTER * longest), groups, len(rates))
    layer = _bars(rates, most=max(row["top"] for row in rows), step=step)
    notes = [
        f"Number on a bar: best validation {info.form.in_unit}. Line: ± standard deviation over repeats.",
        *(["Strong bar: recommended setup."] if any(bar.chosen for bar in info.bars) else []),
        *(
            [f"{count_text(info.setups_left_out, 'setup')} of lower rank left out."]
            if info.setups_left_out
            else []
        ),
    ]
    return styled(in_groups(layer, rows, groups), info.title, notes)


def _bars(rates: Sequence[str], *, most: float, step: float) -> Any:  # noqa: ANN401 - as above
    """Draw a bar for each setup with its standard deviation, and its objective on top."""
    rate = alt.X(
        "learning_rate:N",
        sort=list(rates),
        title=series_title(rates),
        # A browser's font may be wider than the renderer's, so that slanted labels reach farther down.
        axis=alt.Axis(labelAngle=-45, titlePadding=8 + max(map(len, rates))),
    )
    percent = alt.Y(
        "percent:Q",
        title="Energy, % of the worst setup",
        scale=alt.Scale(domain=[0, max(most * 1.06, 106)]),
        axis=alt.Axis(values=list(range(0, 101, 25))),
    )
    bars = (
        alt.Chart()
        .mark_bar(size=_BAR_SIZE, cornerRadiusTopLeft=2, cornerRadiusTopRight=2)
        .encode(
            x=rate,
            y=percent,
            color=alt.condition("datum.chosen", alt.value(CHOSEN), alt.value(PLAIN)),
            description="words:N",
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
    return alt.layer(bars, spread, words).properties(width=alt.Step(step), height=_BAR_HEIGHT)


def heat_map_chart(info: HeatMapInfo) -> Any:  # noqa: ANN401 - as above
    """Draw a heat map by batch size and learning rate: the more energy the stronger the colour."""
    known = [cell.value for cell in info.cells if cell.value is not None]
    low, high = min(known), max(known)
    rows = [
        {
            **asdict(cell),
            "strength": _strength(cell.value, low, high),
            "words": _cell_words(cell, info.title),
        }
        for cell in info.cells
    ]
    series = list(dict.fromkeys(cell.series for cell in info.cells))
    sizes = ascending(cell.batch_size for cell in info.cells)
    x = alt.X(
        "series:N",
        sort=series,
        title=series_title(series),
        axis=alt.Axis(labelAngle=0, orient="top"),
    )
    has_sizes = sizes != [None]
    y = alt.Y(
        "batch_size:O",
        sort=sizes,
        title="batch size" if has_sizes else None,
        axis=alt.Axis(labels=has_sizes),
    )
    chart = alt.Chart(alt.InlineData(values=rows))
    cells = chart.mark_rect(fill=CHOSEN, cornerRadius=3).encode(
        x=x,
        y=y,
        fillOpacity=alt.FillOpacity("strength:Q", scale=None, legend=None),
        description="words:N",
    )
    frame = chart.transform_filter("datum.chosen").mark_rect(
        filled=False, stroke=INK, strokeWidth=1.6, cornerRadius=3, aria=False
    )
    numbers = chart.mark_text(color=INK, fontSize=12).encode(x=x, y=y, text="text:N")
    step = max(_CELL_STEP, 8 * max(len(each) for each in series))
    layered = alt.layer(cells, frame.encode(x=x, y=y), numbers).properties(
        width=alt.Step(step), height=alt.Step(_CELL_HEIGHT)
    )
    notes = ["Frame: recommended setup."] if any(cell.chosen for cell in info.cells) else []
    return styled(layered, info.title, notes, width=max(_NARROWEST, step * len(series)))


def _strength(value: float | None, low: float, high: float) -> float:
    """Return the opacity of a cell, from faint for `low` to strong for `high`; 0 without a value."""
    if value is None:
        return 0.0
    share = (value - low) / (high - low) if high > low else 0.5
    return _FAINTEST + share * (_STRONGEST - _FAINTEST)


def _bar_words(bar: Bar, info: RelativeEnergyInfo) -> str:
    energy = "no energy" if bar.percent is None else f"{bar.percent:.1f} % of the worst"
    percent = " %" if info.form.objective.is_share else ""
    accuracy = f", {info.form.name} {bar.score_text}{percent}" if bar.score_text else ""
    spread = "" if bar.low is None or bar.high is None else f" ({bar.low:.1f} to {bar.high:.1f})"
    return (
        f"Setup {bar.setup}: {series_words(bar.batch_size, bar.learning_rate)}: "
        f"{energy}{spread}{accuracy}"
    )


def _cell_words(cell: HeatCell, title: str) -> str:
    value = "not known" if cell.text == MISSING else cell.text
    return f"Setup {cell.setup}: {series_words(cell.batch_size, cell.series)}: {value} ({title})"
