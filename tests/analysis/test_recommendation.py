"""What must be known before the advice is followed."""

import dataclasses
from pathlib import Path

import pytest

from analysis.findings import analyse
from analysis.load import load
from study.records import StopReason
from tests.analysis.study_folder import constant, grid, write_study


@pytest.mark.parametrize(
    ("cut_off", "said"), [(0, False), (1, False), (2, True), (4, True)], ids=str
)
def test_trainings_that_were_cut_off_are_told(tmp_path: Path, cut_off: int, *, said: bool) -> None:
    """From the half on: their totals are what was allowed, not what it takes."""
    trials = [
        dataclasses.replace(
            constant(setup, 100.0, 0.9),
            stop_reason=StopReason.MAX_EPOCHS if setup <= cut_off else StopReason.PATIENCE,
        )
        for setup in (1, 2, 3, 4)
    ]

    findings = analyse(load(write_study(tmp_path / "s", grid([64, 256], [0.1, 0.01]), trials)))

    caveats = " ".join(findings.recommendation.caveats)
    assert ("ended at the limit of epochs" in caveats) == said
