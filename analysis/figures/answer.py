"""Figure of the objective against energy as a record, with the intervals of both and the Pareto front."""

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
"""Size of the plot within its axes, in pixels."""

_ROOM = 0.08
"""Space that the axes leave beyond their outermost mark, as a share of their length."""

_IN_VIEW = 1.25
"""Distance from the best value to the end of the axis, as a multiple of the distance to the median setup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A setup in the plane of energy and objective.

    Attributes:
        setup: Number of the setup.
        batch_size: Batch size, which the shape of the mark shows; None if the setup has none.
        learning_rate: Learning rate and further parameters, as in labels.
        energy_wh: Mean total energy.
        energy_low_wh: Lower end of its 95 % interval; the mean if there is no interval.
        energy_high_wh: Upper end of its 95 % interval; the mean if there is no interval.
        score: Mean best value of the objective; in percent for a share.
        score_low: Lower end of its 95 % interval; the mean if there is no interval.
        score_high: Upper end of its 95 % interval; the mean if there is no interval.
        on_front: Whether it is on the Pareto front: no other setup dominates it beyond the noise.
        on_line: Whether no other setup dominates it by the means alone, so that the line passes it.
        chosen: Whether it is the recommended setup.
        in_view: Whether it lies within the objective's axis; otherwise it is marked at the edge.
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
    """Data of the figure of objective against energy.

    Attributes:
        title: Title with the study's labels.
        points: Setups in order of increasing energy.
        labels: Labels of the setups that are named in the figure, with their positions.
        plot: Axes of the figure: energies in `unit`, objective as in `points`.
        unit: Unit of the energies on the axis.
        tolerated: Best mean value of the objective less the tolerance, in percent for a share; None if
            unknown.
        form: Name and format of the objective.
        has_intervals: Whether there are enough repeats for intervals.
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
    """Compute the figure of objective against energy; None if no setup has both."""
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
        has_intervals=ranking.evidence is not None and ranking.evidence.posteriors is not None,
    )


def _points(findings: Findings) -> list[Point]:
    """Return the setups whose energy and objective are both known."""
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
    """Return both ends of the objective's axis.

    The axis shows the front, the tolerance and at least the better half of the setups. Setups far
    below are left out, since they would compress the others. For a share it stays within 0 to 100 %.
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
    # Space for the marks of setups out of view; intervals may be clipped at the end of the axis.
    ends = sorted((gain(least - room), gain(min(most, best + (best - least + room)) + room)))
    return (
        (max(ends[0], 0.0), min(ends[1], 100.0)) if form.objective.is_share else (ends[0], ends[1])
    )


def _energy_end(points: Sequence[Point]) -> float:
    """Return the end of the energy axis: that of the longest interval, at most 1.6 times the highest mean."""
    most = max(point.energy_wh for point in points)
    return max(most, min(max(p.energy_high_wh for p in points), 1.6 * most))


def _lined(points: Sequence[Point], gain: Callable[[float], float]) -> list[Point]:
    """Set `on_line` of the points that are better than all points that need less energy.

    Args:
        points: Points in order of increasing energy, those of the same energy from worst to best.
        gain: Function that turns a value of the objective so that more is better.
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
    """Return the setups to label while there is room: the recommended one, then the front, best first."""
    front = [point for point in points if point.in_view and (point.on_front or point.chosen)]
    return sorted(front, key=lambda point: (not point.chosen, -gain(point.score)))


def _label(point: Point) -> str:
    return setup_name(point.batch_size, point.learning_rate)
