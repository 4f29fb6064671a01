"""Multitask chart: energy of the tasks one by one, as stacked bars, next to that of all together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import altair as alt

from analysis.forms.chart_style import (
    CHOSEN,
    INK,
    MUTED,
    PLAIN,
    in_groups,
    mark_step,
    styled,
    wrapped,
)
from analysis.forms.series import (
    group_name,
    series_title,
    series_words,
)
from analysis.multitask.figures import MultitaskBar, MultitaskBarsInfo
from analysis.quantities import ascending
from study.record.files import J_PER_WH, EnergyUnit

_BAR_STEP, _BAR_HEIGHT = 22, 250


_SHADES = (PLAIN, MUTED)
"""Colours of the single tasks, in turn; the stage that trains all of them has another one."""


def multitask_chart(info: MultitaskBarsInfo, unit: EnergyUnit) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw two bars for each setup: the single tasks stacked, and all tasks together."""
    per_wh = J_PER_WH / unit.joules
    rows: list[Mapping[str, Any]] = [
        {
            **asdict(bar),
            "from": per_wh * bar.from_wh,
            "to": per_wh * bar.to_wh,
            "group": group_name(bar.batch_size),
            "bar": f"{bar.series} {bar.way}",
            "words": _bar_words(bar, unit),
        }
        for bar in info.bars
    ]
    groups = [group_name(size) for size in ascending(bar.batch_size for bar in info.bars)]
    names = list(dict.fromkeys(bar.series for bar in info.bars))
    ways = ["one by one", "together"]
    bars = (
        alt.Chart()
        .mark_bar(stroke=INK, strokeWidth=0.5)
        .encode(
            x=alt.X("series:N", sort=names, title=None, axis=alt.Axis(labelAngle=-45)),
            xOffset=alt.XOffset("way:N", sort=ways),
            y=alt.Y("from:Q", title=f"Energy of a training, {unit.name}"),
            y2="to:Q",
            color=alt.Color(
                "task:N",
                title=None,
                scale=alt.Scale(domain=list(info.tasks), range=_colours(info.tasks)),
                legend=alt.Legend(orient="top", symbolType="square", symbolStrokeWidth=0.5),
            ),
            description="words:N",
        )
        .properties(
            width=alt.Step(mark_step(_BAR_STEP, groups, len(names) * len(ways))), height=_BAR_HEIGHT
        )
    )
    notes = [
        f"By {series_title(names)}. Left bar: the tasks one upon the other; right bar: all in one training.",
        *wrapped(info.note),
    ]
    return styled(in_groups(bars, rows, groups), info.title, notes)


def _colours(tasks: Sequence[str]) -> list[str]:
    return [*(_SHADES[place % len(_SHADES)] for place in range(len(tasks) - 1)), CHOSEN]


def _bar_words(bar: MultitaskBar, unit: EnergyUnit) -> str:
    energy = (bar.to_wh - bar.from_wh) * J_PER_WH / unit.joules
    return (
        f"Setup {bar.setup}: {series_words(bar.batch_size, bar.series)}, {bar.task}: "
        f"{energy:,.4g} {unit.name}"
    )
