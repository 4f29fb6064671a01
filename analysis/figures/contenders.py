"""Figure of the contenders: energy with its interval, and the probabilities of each setup that may be the answer."""

from dataclasses import asdict, dataclass
from typing import Any

import altair as alt

from analysis.energy.spread import Interval95
from analysis.findings import Findings
from analysis.forms.chart_style import CHOSEN, INK, MUTED, PLAIN, styled
from analysis.forms.scores import ScoreForm
from analysis.forms.series import (
    names_title,
    series_of,
    setup_name,
)
from analysis.forms.table_unit import TableUnit
from analysis.ranking.contenders import contenders
from study.inference.choice import probability_text

_ROW, _WIDTH = 38, 560
_FARTHEST = 4
"""Largest end of the axis, as a multiple of the largest mean energy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A setup that may be the answer.

    Attributes:
        setup: Number of the setup.
        name: Parameters of the setup.
        energy: Mean total energy, in the figure's unit.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        within: Probability that it is accurate enough.
        cheapest: Probability that it is the cheapest accurate enough setup.
        words: Both probabilities in words.
        chosen: Whether it is the recommended setup.
    """

    setup: int
    name: str
    energy: float
    low: float
    high: float
    within: float
    cheapest: float
    words: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContendersInfo:
    """Data of the figure of contenders.

    Attributes:
        contenders: Contenders in the order of the ranking, a row each.
        unit: Symbol of the unit of the energies.
        title: Title with the study's labels.
        tolerance: Tolerance in words.
        form: Name and format of the objective.
    """

    contenders: tuple[Contender, ...]
    unit: str
    title: str
    tolerance: str
    form: ScoreForm


def contenders_figure(findings: Findings) -> ContendersInfo | None:
    """Compute the figure of the contenders; None if no setup has two repeats."""
    evidence = findings.ranking.evidence
    if evidence is None or evidence.posteriors is None:
        return None
    setups = contenders(findings.ranking)
    totals = {each.setup: evidence.total_j(each.setup) for each in setups}
    unit = TableUnit.of((each.high for each in totals.values() if each is not None), findings.unit)
    series = series_of(findings.study.manifest)
    form = findings.score
    rows = []
    for each in setups:
        total, mean_j = totals[each.setup], each.total_j
        within, cheapest = evidence.within(each.setup), evidence.cheapest(each.setup)
        if total is None or mean_j is None or within is None or cheapest is None:
            continue
        rows.append(
            Contender(
                setup=each.setup,
                name=setup_name(each.batch_size, series(each.setup, each.learning_rate)),
                energy=mean_j / unit.joules,
                **_ends(total, unit),
                within=within,
                cheapest=cheapest,
                words=(
                    f"{form.in_heading} enough {probability_text(within)}, "
                    f"cheapest such {probability_text(cheapest)}"
                ),
                chosen=each.setup == findings.recommendation.setup,
            )
        )
    return ContendersInfo(
        contenders=tuple(rows),
        unit=unit.name,
        title=findings.staged("What may be the answer, and how probably"),
        tolerance=form.tolerance_text(findings.ranking.tolerance),
        form=form,
    )


def contenders_chart(info: ContendersInfo) -> Any:  # noqa: ANN401 - a chart of any kind
    """Draw a row for each contender: its energy with the interval, and the probabilities in words."""
    names = [each.name for each in info.contenders]
    rows = [
        {**asdict(each), "said": f"Setup {each.setup}: {each.name}: {each.words}"}
        for each in info.contenders
    ]
    y = alt.Y("name:N", sort=names, title=None)
    title = f"Energy of a training, {info.unit}"
    x = alt.X("energy:Q", title=title, scale=alt.Scale(domain=[0, _most(info)]))
    colour = alt.condition("datum.chosen", alt.value(CHOSEN), alt.value(PLAIN))
    chart = alt.Chart(alt.InlineData(values=rows))
    interval = chart.mark_rule(strokeWidth=3, opacity=0.75, clip=True).encode(
        x=alt.X("low:Q", title=title), x2="high:Q", y=y, color=colour
    )
    marks = chart.mark_point(filled=True, opacity=1, stroke=INK, strokeWidth=0.6, size=110).encode(
        x=x, y=y, color=colour, description="said:N"
    )
    words = chart.mark_text(align="left", dx=0, dy=-12, fontSize=11, color=INK).encode(
        x=alt.value(0), y=y, text="words:N", color=alt.value(MUTED)
    )
    layered = alt.layer(interval, marks, words).properties(width=_WIDTH, height=alt.Step(_ROW))
    notes = [
        f"Rows: {names_title(each.name for each in info.contenders)}. Line: 95 % interval of the energy. Strong colour: recommended.",
        f"{info.form.in_heading.capitalize()} enough: within {info.tolerance} of the best {info.form.name}.",
        "Setups with less than 1 % of being the cheapest such are left out.",
    ]
    return styled(layered, info.title, notes, width=_WIDTH)


def _most(info: ContendersInfo) -> float:
    """Return the end of the axis, limited so that a very wide interval does not compress the others."""
    energies = [each.energy for each in info.contenders]
    return min(max(each.high for each in info.contenders), _FARTHEST * max(energies))


def _ends(total: Interval95, unit: TableUnit) -> dict[str, float]:
    return {"low": total.low / unit.joules, "high": total.high / unit.joules}
