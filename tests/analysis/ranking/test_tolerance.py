"""What is asked of a setup: by the analysis, by the study, or by neither."""

import math
from pathlib import Path

import pytest

from analysis.choices import Choices
from analysis.ranking.tolerance import requirements
from study.inference.choice import Preference
from tests.analysis.study_folder import constant, grid, write_study


def test_the_studys_own_answer_is_asked_for_unless_another_is() -> None:
    """Its tolerance is in points, that of an analysis a share."""
    options = {"tolerance": 2.5, "prefer": "energy"}

    found = requirements(options, tolerance=None, prefer=None)
    other = requirements(options, tolerance=0.0, prefer=Preference.ACCURACY)

    assert found.tolerance == 0.025
    assert found.price == pytest.approx(math.log(1.2))
    assert other.tolerance == 0.0
    assert other.price == pytest.approx(math.log(1.8))


def test_a_study_that_says_nothing_is_asked_for_a_point_and_balance() -> None:
    """As one of version 0.1, or a search."""
    found = requirements({}, tolerance=None, prefer=None)

    assert found.tolerance == 0.01
    assert found.price == pytest.approx(math.log(1.4))


def test_the_command_reads_the_studys_own_options(tmp_path: Path) -> None:
    """3 points were allowed: the setup that is 2 points worse and takes half is the answer."""
    trials = [
        constant(n, e, a, seed=s) for n, e, a in ((1, 50.0, 0.88), (2, 100.0, 0.9)) for s in (0, 1)
    ]
    folder = write_study(
        tmp_path / "a",
        grid([64], [0.1, 0.01]),
        trials,
        manifest={"options": {"tolerance": 3.0, "prefer": "accuracy"}},
    )

    own, stricter = (Choices(tolerance=each).analysed(folder) for each in (None, 0.0))

    assert (own.ranking.tolerance, own.recommendation.setup) == (0.03, 1)
    assert (stricter.ranking.tolerance, stricter.recommendation.setup) == (0.0, 2)
