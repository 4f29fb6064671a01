"""The figure that answers, as a record: energy against the objective, with the doubt of both."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.energy.spread import Interval95
from analysis.figures.label_layout import Label, Plot, placed
from analysis.findings import Findings
from analysis.forms.scores import ScoreForm
from analysis.forms.series import (
    series_of,
    setup_name,
)
from analysis.forms.table_unit import TableUnit
from study.record.files import J_PER_WH

WIDTH, HEIGHT = 760, 400
"""Of the plot within its axes, in pixels."""

_ROOM = 0.08
"""What the axes leave free beyond their outermost mark, as a share of their length."""

_IN_VIEW = 1.25
"""How far below the best value the axis goes, in shortfalls of the middle setup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A setup between energy and accuracy.

    Attributes:
        setup: Its number.
        batch_size: Says its shape.
        learning_rate: As labels show it, with what else the setup chooses.
        energy_wh: Mean total energy.
        energy_low_wh: Lower end of its 95 % interval; the mean where there is none.
        energy_high_wh: Upper end.
        score: Mean best value of the objective; a share in percent.
        score_low: Lower end of its 95 % interval; the mean where there is none.
        score_high: Upper end.
        on_front: Whether it is on the Pareto front: no other setup beats it beyond the noise.
        on_line: Whether no other setup beats it at all, noise or not: the front's line.
        chosen: Whether it is the recommended setup.
        in_view: Whether the axis of the objective goes as far; else it stands at the edge.
    """

    setup: int
    batch_size: int | None
    learning_rate: str
    energy_wh: float
    energy_low_wh: float
    energy_high_wh: float
    score: float
    score_low: float
    score_high: float
    on_front: bool
    on_line: bool
    chosen: bool
    in_view: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerInfo:
    """Accuracy against energy before it is drawn: the answer, and how far it can be told.

    Attributes:
        title: With labels.
        points: By growing energy.
        labels: Parameters of the setups that are named in the figure.
        plot: Its axes, energies in `unit`, values of the objective as `points` have them.
        unit: Of the energies.
        tolerated: The best mean value of the objective less the tolerance; a share in percent.
        form: How the objective is named and written.
        has_intervals: Whether repeats allow intervals.
    """

    title: str
    points: tuple[Point, ...]
    labels: tuple[Label, ...]
    plot: Plot
    unit: TableUnit
    tolerated: float | None
    form: ScoreForm
    has_intervals: bool

    @property
    def per_wh(self) -> float:
        """Factor from watt-hours to the unit of the axis."""
        return J_PER_WH / self.unit.joules


def answer_info(findings: Findings) -> AnswerInfo | None:
    """Accuracy against energy, and the setups that no other one beats in both; None without any."""
    form, ranking = findings.score, findings.ranking
    gain = form.objective.gain
    points = _points(findings)
    if not points:
        return None
    points.sort(key=lambda point: (point.energy_wh, gain(point.score)))
    points = _lined(points, gain)
    tolerated = form.shown(ranking.tolerated)
    low, high = _view(points, tolerated, form)
    points = [dataclasses.replace(p, in_view=low <= p.score <= high) for p in points]
    unit = TableUnit.of((point.energy_high_wh * J_PER_WH for point in points), findings.unit)
    per_wh = J_PER_WH / unit.joules
    plot = Plot(
        width=WIDTH,
        height=HEIGHT,
        x=(0.0, per_wh * _energy_end(points) * (1 + _ROOM)),
        y=(low, high),
    )
    return AnswerInfo(
        title=findings.staged(f"{form.title} against energy of a training"),
        points=tuple(points),
        labels=placed(
            [(_label(p), per_wh * p.energy_wh, p.score) for p in _named(points, gain)],
            marks=[(per_wh * p.energy_wh, p.score) for p in points if p.in_view],
            plot=plot,
        ),
        plot=plot,
        unit=unit,
        tolerated=tolerated,
        form=form,
        has_intervals=ranking.evidence is not None and ranking.evidence.doubt is not None,
    )


def _points(findings: Findings) -> list[Point]:
    """The setups of which both is known."""
    evidence, form = findings.ranking.evidence, findings.score
    series = series_of(findings.study.manifest)
    points = []
    for row in findings.ranking.rows:
        energy_j, accuracy = row.setup.total_j, row.setup.accuracy
        if energy_j is None or accuracy is None:
            continue
        energies = None if evidence is None else evidence.total_j(row.setup.setup)
        accuracies = None if evidence is None else evidence.accuracy(row.setup.setup)
        energies = energies or Interval95(low=energy_j, high=energy_j)
        accuracies = accuracies or Interval95(low=accuracy, high=accuracy)
        points.append(
            Point(
                setup=row.setup.setup,
                batch_size=row.setup.batch_size,
                learning_rate=series(row.setup.setup, row.setup.learning_rate),
                energy_wh=energy_j / J_PER_WH,
                energy_low_wh=energies.low / J_PER_WH,
                energy_high_wh=energies.high / J_PER_WH,
                score=form.scale * accuracy,
                score_low=form.scale * accuracies.low,
                score_high=form.scale * accuracies.high,
                on_front=row.on_front,
                on_line=False,
                chosen=row.setup.setup == findings.recommendation.setup,
                in_view=True,
            )
        )
    return points


def _view(points: Sequence[Point], tolerated: float | None, form: ScoreForm) -> tuple[float, float]:
    """Both ends of the objective's axis.

    It shows the front, what is tolerated, and at least the better half of the setups; setups far
    below would press all others together. A share has no value beyond 0 and 100 %.
    """
    gain = form.objective.gain
    gains = sorted((gain(point.score) for point in points), reverse=True)
    best, middle = gains[0], gains[len(gains) // 2]
    must = [gain(p.score) for p in points if p.on_front or p.chosen]
    least = min([best - _IN_VIEW * (best - middle), *must])
    if tolerated is not None:
        least = min(least, gain(tolerated))
    most = max(max(gain(p.score_low), gain(p.score_high)) for p in points if gain(p.score) >= least)
    room = _ROOM * (most - least) or abs(most) * _ROOM or 1.0
    # Room below for the marks of what is not in view; an interval may end at the axis.
    ends = sorted((gain(least - room), gain(min(most, best + (best - least + room)) + room)))
    return (
        (max(ends[0], 0.0), min(ends[1], 100.0)) if form.objective.is_share else (ends[0], ends[1])
    )


def _energy_end(points: Sequence[Point]) -> float:
    """Return the end of the energy axis: that of the intervals, at most 1.6 times the highest mean."""
    most = max(point.energy_wh for point in points)
    return max(most, min(max(p.energy_high_wh for p in points), 1.6 * most))


def _lined(points: Sequence[Point], gain: Callable[[float], float]) -> list[Point]:
    """Put those points on the line that are better than all that need less energy.

    Args:
        points: By growing energy, and of the same energy from the worst to the best.
        gain: Of a value of the objective: more is better.
    """
    lined: list[Point] = []
    reached = -math.inf
    for place, point in enumerate(points):
        own = gain(point.score)
        same = (gain(p.score) for p in points[place:] if p.energy_wh == point.energy_wh)
        on_line = own > reached and own >= max(same)
        lined.append(dataclasses.replace(point, on_line=on_line))
        if on_line:
            reached = own
    return lined


def _named(points: Sequence[Point], gain: Callable[[float], float]) -> list[Point]:
    """The setups that get a label while there is room: the chosen one, then the front from the best."""
    front = [point for point in points if point.in_view and (point.on_front or point.chosen)]
    return sorted(front, key=lambda point: (not point.chosen, -gain(point.score)))


def _label(point: Point) -> str:
    return setup_name(point.batch_size, point.learning_rate)
