"""Charts over time: energy and objective over the epochs, and power over time."""

from dataclasses import asdict
from typing import Any

import altair as alt

from analysis.figures.epoch_curves import EpochCurvesInfo, EpochPoint
from analysis.figures.power_curve import PowerInfo
from analysis.forms.chart_style import (
    CHOSEN,
    FAINT,
    MUTED,
    PLAIN,
    WIDTH,
    series_scales,
    styled,
)
from analysis.forms.series import (
    group_name,
    series_title,
    series_words,
)
from analysis.quantities import (
    ascending,
    count_text,
)

_PANELS_IN_A_ROW = 4
_PANEL_WIDTH, _PANEL_HEIGHT = 150, 130
_POWER_HEIGHT = 210
_TICKS = 5


def epoch_curves_chart(info: EpochCurvesInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw energy and objective over the epochs, with a panel for each batch size."""
    groups = [group_name(size) for size in ascending(p.batch_size for p in info.points)]
    rows = [
        {
            **info.form.named(asdict(p)),
            "group": group_name(p.batch_size),
            "words": _words(p, info),
        }
        for p in info.points
    ]
    data = alt.InlineData(values=rows)
    panels = [
        _panels(data, info, groups, field, title)
        for field, title in (
            ("energy", f"Energy of the epoch, {info.unit.name}"),
            (info.form.key(), f"Validation {info.form.axis}"),
        )
        if any(row[field] is not None for row in rows)
    ]
    notes = [
        f"Lines by {series_title(p.series for p in info.points)}. Each is the mean over the repeats that got as far as the epoch.",
        *(
            [f"{count_text(info.setups_left_out, 'setup')} of lower rank left out."]
            if info.setups_left_out
            else []
        ),
    ]
    stacked = alt.vconcat(*panels, spacing=18).resolve_scale(color="shared")
    return styled(stacked, info.title, notes)


def _panels(
    data: alt.InlineData, info: EpochCurvesInfo, groups: list[str], field: str, title: str
) -> Any:  # noqa: ANN401 - as above
    names = list(dict.fromkeys(point.series for point in info.points))
    colour, dash, shape = series_scales(names)
    ticks = _epoch_ticks(max(point.epoch for point in info.points))
    epoch = alt.X("epoch:Q", title="epoch", axis=alt.Axis(values=ticks, format="d"))
    value = alt.Y(f"{field}:Q", title=title, scale=alt.Scale(zero=field == "energy"))
    legend = alt.Legend(title=series_title(names), symbolFillColor="transparent", symbolSize=90)
    lines = (
        alt.Chart()
        .mark_line(strokeWidth=1.6, aria=False)
        .encode(
            x=epoch,
            y=value,
            color=alt.Color("series:N", scale=colour, legend=legend, sort=names),
            strokeDash=alt.StrokeDash("series:N", scale=dash, legend=legend, sort=names),
        )
    )
    points = (
        alt.Chart()
        .mark_point(filled=True, size=22, opacity=1)
        .encode(
            x=epoch,
            y=value,
            color=alt.Color("series:N", scale=colour, legend=legend, sort=names),
            shape=alt.Shape("series:N", scale=shape, legend=legend, sort=names),
            description="words:N",
        )
    )
    return (
        alt.layer(lines, points)
        .properties(width=_PANEL_WIDTH, height=_PANEL_HEIGHT)
        .facet(
            data=data,
            facet=alt.Facet("group:N", sort=groups, title=None),
            columns=_PANELS_IN_A_ROW,
            spacing=14,
        )
    )


def power_chart(info: PowerInfo) -> Any:  # noqa: ANN401 - as above
    """Draw power as a line within the band of its lowest and highest samples, with a rule at each epoch's start."""
    rows = [{**asdict(p), "words": f"{p.time_s:.1f} s: {p.power_w:.3g} W"} for p in info.points]
    time = alt.X("time_s:Q", title="Time since the first epoch began, s")
    chart = alt.Chart(alt.InlineData(values=rows))
    band = chart.mark_area(color=PLAIN, opacity=0.35, aria=False).encode(
        x=time, y=alt.Y("low_w:Q", title="Power, W"), y2="high_w:Q"
    )
    line = chart.mark_line(color=CHOSEN, strokeWidth=1.4, aria=False).encode(x=time, y="power_w:Q")
    points = chart.mark_point(filled=True, color=CHOSEN, size=14, opacity=1).encode(
        x=time, y="power_w:Q", description="words:N"
    )
    marks = alt.Chart(alt.InlineData(values=[asdict(mark) for mark in info.marks]))
    rules = marks.mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x=time)
    numbers = marks.mark_text(color=MUTED, align="left", dx=3, dy=2, baseline="top").encode(
        x=time, y=alt.value(0), text="label:N"
    )
    notes = [
        f"{info.samples:,} samples. Line: mean; band: lowest and highest sample.",
        *(["Broken lines: where epochs begin, with their numbers."] if info.marks else []),
    ]
    layers = [band, *([rules, numbers] if info.marks else []), line, points]
    return styled(
        alt.layer(*layers).properties(width=WIDTH, height=_POWER_HEIGHT), info.title, notes
    )


def _epoch_ticks(last: int) -> list[int]:
    """Return the ticks of the epoch axis: the first epoch and at most five round numbers after it."""
    power = 10 ** max(len(str(last)) - 2, 0)
    step = (
        next(each for each in (1, 2, 5, 10, 20, 50, 100) if each * power * _TICKS >= last) * power
    )
    return [1, *(epoch for epoch in range(step, last + 1, step) if epoch > 1)]


def _words(point: EpochPoint, info: EpochCurvesInfo) -> str:
    energy = "no energy" if point.energy is None else f"{point.energy:.3g} {info.unit.name}"
    score = "" if point.score is None else f", {info.form.shown_text(point.score)}"
    return (
        f"Setup {point.setup}: {series_words(point.batch_size, point.series)}, "
        f"epoch {point.epoch}: {energy}{score}"
    )
