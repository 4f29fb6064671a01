"""Bars of the setups' relative energies (paper, Figure 3), as a record that `setup_charts` draws.

All numbers that the figure shows are computed here, so that tests can check them without drawing.
"""

from dataclasses import dataclass

from analysis.energy.by_setup import percent_of_worst
from analysis.energy.totals import SetupEnergy
from analysis.findings import Findings
from analysis.forms.scores import ScoreForm
from analysis.forms.series import series_of

# More bars than these cannot be told apart on a page.
MOST_BARS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A setup of Figure 3.

    Attributes:
        setup: Number of the setup.
        batch_size: Batch size, its group of bars; None if the setup has none.
        learning_rate: Learning rate and further parameters, as on the axis.
        percent: Total energy of a training (`SetupEnergy.total_j`) in percent of the worst setup's; None if
            unknown.
        low: `percent` minus one standard deviation over repeats, at least 0; None with one repeat.
        high: `percent` plus one standard deviation over repeats; None with one repeat.
        score_text: Value of the objective as the figure shows it; in percent without the sign for a share.
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
    """Data of Figure 3 of the paper.

    Attributes:
        title: Title with the study's labels.
        bars: Bars in the order of the setups.
        setups_left_out: Number of setups for which there was no room.
        form: Name and format of the objective.
    """

    title: str
    bars: tuple[Bar, ...]
    form: ScoreForm
    setups_left_out: int


def relative_energy_info(findings: Findings) -> RelativeEnergyInfo:
    """Compute the energy of each setup in percent of the worst (paper, Figure 3).

    Of more than `MOST_BARS` setups only the best ranked are shown, and the worst as the reference.
    """
    worst = findings.ranking.worst
    series = series_of(findings.study.manifest)
    percents = percent_of_worst(findings.setups)
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
                percent=percents[each.setup],
                low=_shifted(percents[each.setup], each, -1),
                high=_shifted(percents[each.setup], each, +1),
                score_text=findings.score.bare_text(each.accuracy),
                chosen=each.setup == findings.recommendation.setup,
            )
            for each in shown
        ),
        setups_left_out=len(findings.setups) - len(shown),
        form=findings.score,
    )


def _shifted(percent: float | None, setup: SetupEnergy, deviations: int) -> float | None:
    """Return a setup's percent plus `deviations` standard deviations, at least 0; None if unknown."""
    if percent is None or not setup.total_j or setup.energy_j is None or setup.energy_j.std is None:
        return None
    return max(percent * (1 + deviations * setup.energy_j.std / setup.total_j), 0.0)
