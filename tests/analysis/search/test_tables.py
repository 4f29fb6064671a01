"""The tables of a search."""

import pytest

from analysis.forms.scores import ScoreForm
from analysis.search.tables import search_tables
from study.record.files import MWH
from study.record.objective import ACCURACY
from study.record.vocabulary import StopReason
from tests.analysis.search.test_info import info_of


def test_energies_are_in_the_unit_of_the_study() -> None:
    """A training of some microwatt-hours keeps its digits on screen; the values are in watt-hours."""
    info = info_of(
        (1, [0.03, 0.036], 0.9, StopReason.PATIENCE), (2, [0.02], 0.5, StopReason.STOPPED)
    )

    points, progress = search_tables(info, (), ScoreForm(ACCURACY), MWH)

    column = [each.key for each in points.columns].index("energy_wh")
    assert points.columns[column].heading == "mWh"
    assert points.rows[0][column].text == "0.01833"
    assert points.rows[0][column].value == pytest.approx(0.066 / 3600)
    assert progress.columns[0].heading == "spent mWh"
