"""Chart of the objective against energy."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import altair as alt

from analysis.figures.answer import AnswerInfo, Point
from analysis.forms.chart_style import CHOSEN, FAINT, INK, MUTED, PLAIN, SHAPES, styled
from analysis.forms.series import (
    names_title,
    series_words,
    setup_name,
)
from analysis.quantities import (
    ascending,
    count_text,
)
from study.record.files import J_PER_WH


def answer_chart(info: AnswerInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw the setups with their intervals, the Pareto front's line, and the band of the tolerance."""
    rows: list[Mapping[str, Any]] = [_row(point, info) for point in info.points]
    chart = alt.Chart(alt.InlineData(values=rows))
    energy = alt.X(
        "energy:Q",
        title=f"Energy of a training, {info.unit.name}",
        scale=alt.Scale(domain=list(info.plot.x), nice=False),
        axis=alt.Axis(tickCount=7, labelFlush=False),
    )
    score = alt.Y(
        f"{info.form.key()}:Q",
        title=f"Best validation {info.form.axis}",
        scale=alt.Scale(domain=list(info.plot.y), nice=False, zero=False),
        axis=alt.Axis(tickCount=6),
    )
    seen = chart.transform_filter("datum.in_view")
    low, high = (f"{info.form.key(part)}:Q" for part in ("low", "high"))
    across = seen.mark_rule(color=FAINT, strokeWidth=1.2, clip=True).encode(
        x="energy_low:Q", x2="energy_high:Q", y=score
    )
    along = seen.mark_rule(color=FAINT, strokeWidth=1.2, clip=True).encode(x=energy, y=low, y2=high)
    front = (
        chart.transform_filter("datum.on_line")
        .mark_line(
            interpolate="step-after",
            color=CHOSEN,
            strokeDash=[4, 3],
            strokeWidth=1.2,
            aria=False,
            clip=True,
        )
        .encode(x=energy, y=score)
    )
    layers = [
        *_tolerated(info),
        across,
        along,
        front,
        *_out_of_view(chart, info, energy),
        _marks(seen, info).encode(x=energy, y=score),
        *_labels(info),
    ]
    layered = alt.layer(*layers).properties(width=info.plot.width, height=info.plot.height)
    return styled(layered, info.title, _notes(info), width=info.plot.width)


def _row(point: Point, info: AnswerInfo) -> dict[str, Any]:
    """Return a point as a data row, with energies in the unit of the axis and a description."""
    return {
        **info.form.named(asdict(point)),
        "energy": point.energy_wh * info.per_wh,
        "energy_low": point.energy_low_wh * info.per_wh,
        "energy_high": point.energy_high_wh * info.per_wh,
        "words": _words(point, info),
    }


def _marks(seen: Any, info: AnswerInfo) -> Any:  # noqa: ANN401 - as above
    """Draw a mark for each setup, with a shape for each batch size."""
    sizes = ascending(point.batch_size for point in info.points)
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(sizes))]
    legend = (
        alt.Legend(
            orient="bottom", direction="horizontal", titleOrient="left", titlePadding=10, offset=4
        )
        if len(sizes) > 1
        else None
    )
    return seen.mark_point(filled=True, opacity=1, stroke=INK).encode(
        shape=alt.Shape(
            "batch_size:O",
            title="batch size",
            scale=alt.Scale(domain=list(sizes), range=shapes),
            legend=legend,
        ),
        color=alt.condition("datum.chosen", alt.value(CHOSEN), alt.value(PLAIN)),
        size=alt.condition("datum.chosen", alt.value(200), alt.value(90)),
        strokeWidth=alt.condition("datum.on_front", alt.value(1.8), alt.value(0.4)),
        description="words:N",
    )


def _tolerated(info: AnswerInfo) -> list[Any]:
    """Draw a band over the values of the objective within the tolerance."""
    if info.tolerated is None:
        return []
    better = info.plot.y[1] if info.form.objective.mode == "max" else info.plot.y[0]
    band = alt.Chart(alt.InlineData(values=[{"from": info.tolerated, "to": better}]))
    return [band.mark_rect(color=CHOSEN, opacity=0.08, aria=False).encode(y="from:Q", y2="to:Q")]


def _out_of_view(chart: Any, info: AnswerInfo, energy: Any) -> list[Any]:  # noqa: ANN401 - as above
    """Draw the setups beyond the end of the objective's axis as triangles at its edge."""
    if all(point.in_view for point in info.points):
        return []
    shape = "triangle-down" if info.form.objective.mode == "max" else "triangle-up"
    edge = info.plot.height - 6 if info.form.objective.mode == "max" else 6
    hidden = chart.transform_filter("!datum.in_view").mark_point(
        filled=True, color=MUTED, shape=shape, size=60, opacity=1
    )
    return [hidden.encode(x=energy, y=alt.value(edge), description="words:N")]


def _labels(info: AnswerInfo) -> list[Any]:
    values = [{"text": each.text, "x": each.x, "y": each.y} for each in info.labels]
    if not values:
        return []
    words = alt.Chart(alt.InlineData(values=values)).mark_text(
        align="left", baseline="middle", fontSize=11, color=INK
    )
    return [words.encode(x="x:Q", y="y:Q", text="text:N")]


def _notes(info: AnswerInfo) -> list[str]:
    hidden = sum(not point.in_view for point in info.points)
    side = "below" if info.form.objective.mode == "max" else "above"
    names = names_title(setup_name(each.batch_size, each.learning_rate) for each in info.points)
    return [
        "Large mark: recommended setup. Band: within the tolerance of the best. "
        + (
            "Grey lines: 95 % intervals."
            if info.has_intervals
            else "One repeat: there are no intervals."
        ),
        f"Broken line: the setups that no other one beats in both; bold outline: beyond the noise. Labels: {names}.",
        *(
            [f"Triangles at the edge: {count_text(hidden, 'setup')} {side} what the axis shows."]
            if hidden
            else []
        ),
    ]


def _words(point: Point, info: AnswerInfo) -> str:
    energy = point.energy_wh * J_PER_WH / info.unit.joules
    front = ", on the Pareto front" if point.on_front else ""
    doubt = (
        f" ({point.energy_low_wh * info.per_wh:.4g} to {point.energy_high_wh * info.per_wh:.4g})"
        if info.has_intervals
        else ""
    )
    return (
        f"Setup {point.setup}: {series_words(point.batch_size, point.learning_rate)}: "
        f"{energy:.4g} {info.unit.name}{doubt}, {info.form.shown_text(point.score)}{front}"
    )
