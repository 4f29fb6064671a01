"""Tolerance and preference of a choice: from the analysis, from the study, or by default."""

import math
from pathlib import Path

import pytest

from analysis.choices import Choices
from analysis.ranking.tolerance import requirements
from study.inference.choice import Preference
from tests.analysis.study_folder import constant, grid, write_study


def test_options_of_the_analysis_override_those_of_the_study() -> None:
    """A study's tolerance is in points, that of an analysis is a share."""
    options = {"tolerance": 2.5, "prefer": "energy"}

    found = requirements(options, tolerance=None, prefer=None)
    other = requirements(options, tolerance=0.0, prefer=Preference.ACCURACY)

    assert found.tolerance == 0.025
    assert found.price == pytest.approx(math.log(1.2))
    assert other.tolerance == 0.0
    assert other.price == pytest.approx(math.log(1.8))


def test_defaults_are_one_point_and_a_balanced_preference() -> None:
    """They hold for studies without these options, such as those of version 0.1 and searches."""
    found = requirements({}, tolerance=None, prefer=None)

    assert found.tolerance == 0.01
    assert found.price == pytest.approx(math.log(1.4))


def test_the_command_reads_the_studys_own_options(tmp_path: Path) -> None:
    """With 3 points allowed, the setup that takes half the energy and is 2 points worse is recommended."""
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
