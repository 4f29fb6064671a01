"""Energy to target, by one rule for a trial's record and for reports."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.energy.totals import trial_energies
from analysis.read.load import load
from study.record.objective import ACCURACY, Objective
from study.record.trial_energy import TrainedEpoch, energy_to_target
from study.record.vocabulary import Paradigm, Stage
from study.store.setups import trial_plan
from study.store.trial_record import trial_record
from tests.analysis.study_folder import grid, staged, write_study
from tests.study.rows import epoch

STAGES = (Stage.ENCODER, Stage.CLASSIFIER_FROZEN)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ([(1.0, 0.5), (2.0, 0.8), (4.0, 0.9)], (True, 3.0)),
        ([(1.0, 0.7), (1.0, None)], (False, None)),
        ([(None, 0.5), (2.0, 0.8)], (True, None)),
        ([(3.0, 0.8), (None, 0.8)], (True, 3.0)),
        ([], (False, None)),
    ],
    ids=["reached", "never", "no energy on the way", "no energy after it", "no epoch"],
)
def test_energy_to_target_ends_with_the_first_epoch_that_reaches_it(
    epochs: list[tuple[float | None, float | None]], expected: tuple[bool, float | None]
) -> None:
    """The order of the rows does not matter, and a loss works like a score."""
    rows = [TrainedEpoch("a", n, score, j) for n, (j, score) in enumerate(epochs, start=1)]
    losses = [row._replace(score=None if row.score is None else 1 - row.score) for row in rows]

    assert energy_to_target(rows, ACCURACY, 0.8) == expected
    assert energy_to_target(reversed(rows), ACCURACY, 0.8) == expected
    assert energy_to_target(losses, Objective("loss", "min"), 0.2 + 1e-9) == expected
    assert energy_to_target(rows, ACCURACY, None) == (False, None)


def test_record_and_report_include_the_whole_pretraining(tmp_path: Path) -> None:
    """5 + 5 J of the encoder count, and 1 J of the classifier's first epoch, which reaches the target."""
    setups = grid([64], [0.1])
    energies = {Stage.ENCODER: [5.0, 5.0], Stage.CLASSIFIER_FROZEN: [1.0, 1.0]}
    trial = staged(1, energies, accuracies={Stage.CLASSIFIER_FROZEN: 0.9})
    fields = {"paradigm": Paradigm.SEARCH, "stages": STAGES}
    study = load(write_study(tmp_path / "a", setups, [trial], manifest=fields))
    rows = [epoch(n, 5.0, None, stage=Stage.ENCODER) for n in (1, 2)]
    rows += [epoch(n, 1.0, 0.9, stage=Stage.CLASSIFIER_FROZEN) for n in (1, 2)]
    plan = replace(trial_plan(setups[0], 0), trial_id=rows[0].trial_id)

    [in_report] = trial_energies(study.epochs, study.trials, target=0.8)
    record = trial_record(
        plan,
        epochs=rows,
        windows=[],
        error=None,
        study="s",
        paradigm=Paradigm.SEARCH,
        scenario="watch",
        objective=ACCURACY,
        stages=STAGES,
        target=0.8,
    )

    assert (in_report.reached, in_report.to_target_j) == (True, 11.0)
    assert record.energy_to_target_j == 11.0
