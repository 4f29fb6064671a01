"""A study whose objective is no share that is to be large."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.findings import analyse
from analysis.read.load import load
from study.record.manifest import Manifest
from study.record.objective import Objective
from tests.analysis.study_folder import constant, grid, write_study


@pytest.mark.parametrize(
    "objective", [Objective("rmse", mode="min"), Objective("return", mode="max")]
)
def test_no_advice_is_given_that_would_be_wrong(objective: Objective, tmp_path: Path) -> None:
    """Neither the best of what is to be small, nor per cent of what is no share; rows can be read."""
    place = write_study(tmp_path / "a", grid([64], [0.1]), [constant(1, 1.0, 0.5)])
    manifest = Manifest.from_json((place / "study.json").read_text())
    (place / "study.json").write_text(replace(manifest, objective=objective).to_json())
    study = load(place)

    with pytest.raises(AnalysisError, match=f"its objective is {objective.name}"):
        analyse(study)

    assert len(study.trials) == 1
