"""The figures of a study as records; `analysis.figures.drawing` draws them.

A number that a figure shows is decided here, so that a test can read it.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.energy.spread import Interval, Spread
from analysis.findings import Findings
from analysis.forms.energy_unit import EnergyUnit
from analysis.forms.scores import ScoreForm
from analysis.forms.series import series_of
from study.record.files import J_PER_WH

# More bars than these cannot be told apart on a page.
MOST_BARS = 40

# Labels nearer than these shares of the axes would cover each other.
_LABEL_WIDTH, _LABEL_HEIGHT = 0.16, 0.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A setup of Figure 3.

    Attributes:
        setup: Its number.
        batch_size: The group that it stands in.
        learning_rate: As the axis shows it, with what else the setup chooses.
        percent: Total energy in percent of the worst setup's; None where it is not known.
        low: `percent` less a standard deviation over repeats; None for one repeat.
        high: `percent` more a standard deviation.
        score_text: Value of the objective as the figure shows it; a share in percent without its sign.
        chosen: Whether it is the recommended setup.
    """

    setup: int
    batch_size: int
    learning_rate: str
    percent: float | None
    low: float | None
    high: float | None
    score_text: str
    chosen: bool


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
        label: Its parameters, where there is room for them; else empty.
        near_axis: Whether the label must go to the right, for want of room on the left.
    """

    setup: int
    batch_size: int
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
    label: str
    near_axis: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeEnergyInfo:
    """Figure 3 of the paper before it is drawn.

    Attributes:
        title: With labels.
        bars: In the order of the setups.
        setups_left_out: Setups for which there was no room.
        form: How the objective is named and written.
    """

    title: str
    bars: tuple[Bar, ...]
    form: ScoreForm
    setups_left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoInfo:
    """Accuracy against energy before it is drawn: the answer, and how far it can be told.

    Attributes:
        title: With labels.
        points: By growing energy.
        unit: Of the energies.
        tolerated: The best mean value of the objective less the tolerance; a share in percent.
        form: How the objective is named and written.
        has_intervals: Whether repeats allow intervals.
    """

    title: str
    points: tuple[Point, ...]
    unit: EnergyUnit
    tolerated: float | None
    form: ScoreForm
    has_intervals: bool


def relative_energy_info(findings: Findings) -> RelativeEnergyInfo:
    """Energy of each setup in percent of the worst (paper, Figure 3).

    Of a great many setups the first of the ranking are shown, and the worst, which is the measure.
    """
    worst = findings.ranking.worst
    series = series_of(findings.study.manifest)
    scale = 100 / worst.total_j if worst is not None and worst.total_j else None
    kept = {row.setup.setup for row in findings.ranking.rows[:MOST_BARS]}
    if worst is not None:
        kept.add(worst.setup)
    shown = [each for each in findings.setups if each.setup in kept]
    return RelativeEnergyInfo(
        title=findings.staged("Energy of a training, in % of the worst setup"),
        bars=tuple(
            Bar(
                setup=each.setup,
                batch_size=each.batch_size,
                learning_rate=series(each.setup, each.learning_rate),
                percent=_scaled(each.energy_j, scale, 0),
                low=_scaled(each.energy_j, scale, -1),
                high=_scaled(each.energy_j, scale, +1),
                score_text=findings.score.bare_text(each.accuracy),
                chosen=each.setup == findings.recommendation.setup,
            )
            for each in shown
        ),
        setups_left_out=len(findings.setups) - len(shown),
        form=findings.score,
    )


def pareto_info(findings: Findings) -> ParetoInfo:
    """Accuracy against energy, and the setups that no other one beats in both."""
    ranking, evidence, form = findings.ranking, findings.ranking.evidence, findings.score
    most_j = 0.0 if ranking.worst is None else ranking.worst.total_j or 0.0
    series = series_of(findings.study.manifest)
    points = []
    for row in ranking.rows:
        energy_j, accuracy = row.setup.total_j, row.setup.accuracy
        if energy_j is None or accuracy is None:
            continue
        energies = None if evidence is None else evidence.total_j(row.setup.setup)
        accuracies = None if evidence is None else evidence.accuracy(row.setup.setup)
        energies = energies or Interval(low=energy_j, high=energy_j)
        accuracies = accuracies or Interval(low=accuracy, high=accuracy)
        rate = series(row.setup.setup, row.setup.learning_rate)
        points.append(
            Point(
                setup=row.setup.setup,
                batch_size=row.setup.batch_size,
                learning_rate=rate,
                energy_wh=energy_j / J_PER_WH,
                energy_low_wh=energies.low / J_PER_WH,
                energy_high_wh=energies.high / J_PER_WH,
                score=form.scale * accuracy,
                score_low=form.scale * accuracies.low,
                score_high=form.scale * accuracies.high,
                on_front=row.on_front,
                on_line=False,
                chosen=row.setup.setup == findings.recommendation.setup,
                label=f"{row.setup.batch_size} x {rate}" if row.on_front else "",
                near_axis=energy_j < _LABEL_WIDTH * most_j,
            )
        )
    gain = form.objective.gain
    points.sort(key=lambda point: (point.energy_wh, gain(point.score)))
    return ParetoInfo(
        title=findings.staged(f"{form.title} against energy of a training"),
        points=_without_crowding(_lined(points, gain)),
        unit=EnergyUnit.of(point.energy_high_wh * J_PER_WH for point in points),
        tolerated=form.shown(ranking.tolerated),
        form=form,
        has_intervals=evidence is not None and evidence.doubt is not None,
    )


def _scaled(energy: Spread | None, scale: float | None, deviations: int) -> float | None:
    """An energy, so many standard deviations away, in percent; never below 0."""
    if energy is None or scale is None or (deviations and energy.std is None):
        return None
    return max(scale * (energy.mean + deviations * (energy.std or 0.0)), 0.0)


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


def _without_crowding(points: list[Point]) -> tuple[Point, ...]:
    """Take the label from a point that stands too near to a labelled one, never the chosen one's."""
    if not points:
        return ()
    width = max(point.energy_wh for point in points) or 1.0
    lowest = min(point.score for point in points)
    height = max(point.score for point in points) - lowest or 1.0
    labelled = [point for point in points if point.chosen]
    for point in reversed(points):
        if point.label and all(
            abs(point.energy_wh - other.energy_wh) / width > _LABEL_WIDTH
            or abs(point.score - other.score) / height > _LABEL_HEIGHT
            for other in labelled
        ):
            labelled.append(point)
    kept = {point.setup for point in labelled}
    return tuple(p if p.setup in kept else dataclasses.replace(p, label="") for p in points)
