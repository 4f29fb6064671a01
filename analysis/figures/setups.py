"""Energies of setups as bars (paper, Figure 3), as a record; `analysis.figures.drawing` draws it.

A number that a figure shows is decided here, so that a test can read it.
"""

from dataclasses import dataclass

from analysis.energy.spread import Spread
from analysis.findings import Findings
from analysis.forms.scores import ScoreForm
from analysis.forms.series import series_of

# More bars than these cannot be told apart on a page.
MOST_BARS = 40


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
    batch_size: int | None
    learning_rate: str
    percent: float | None
    low: float | None
    high: float | None
    score_text: str
    chosen: bool


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


def _scaled(energy: Spread | None, scale: float | None, deviations: int) -> float | None:
    """An energy, so many standard deviations away, in percent; never below 0."""
    if energy is None or scale is None or (deviations and energy.std is None):
        return None
    return max(scale * (energy.mean + deviations * (energy.std or 0.0)), 0.0)
