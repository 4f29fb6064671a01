"""Energy that a trial has used in all, by one rule for budgets and bills."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.energy.bill import study_bill
from study.record.records import EpochRecord, TrialRecord
from study.record.trial_energy import BESIDE_EPOCHS, LOST, used_j
from study.record.vocabulary import TEST
from study.repeats.spending import Spending
from study.store.recorder import Recorder
from tests.study.repeats.test_further import recorder_in
from tests.study.rows import booked, epoch, plan
from tests.study.store.recorders import booking, windows_of

ENERGIES = {"energy_j", "energy_to_target_j", *BESIDE_EPOCHS, LOST}
COMPONENTS = {"gpu_energy_j", "cpu_energy_j", "memory_energy_j", "node_energy_j"}


def restarted_trial(tmp_path: Path, *, second_j: float | None) -> Recorder:
    """Record a trial that lost 25 J, restarted, and used 7 J to set up, 15 J, `second_j`, and 3 J to test."""
    recorder = recorder_in(tmp_path)
    [trial] = recorder.expect([plan(1)])
    again = replace(trial, attempt=2)
    for row in (epoch(1, 10.0, of=trial), epoch(2, 10.0, of=trial)):
        recorder.add(row)
    for row in (epoch(1, 15.0, of=again), epoch(2, second_j, of=again)):
        recorder.add(row)
    recorder.add_booking(booking(*windows_of(trial, 25.0, 2.0, 10.0, 10.0)))
    windows = windows_of(again, 45.0, 7.0, 15.0, second_j)
    recorder.add_booking(booking(*windows, booked(TEST, 2, 3.0, of=again)))
    return recorder


@pytest.mark.parametrize(
    ("second_j", "all_j"), [(15.0, 25.0 + 45.0), (None, 25.0 + 7.0 + 15.0 + 3.0)]
)
def test_budget_and_bill_agree(tmp_path: Path, second_j: float | None, all_j: float) -> None:
    """They also agree if an epoch has no energy: known energies count, and none twice."""
    recorder = restarted_trial(tmp_path, second_j=second_j)
    [trial] = recorder.trials()
    rows = recorder.epochs_of(trial.trial_id)

    bill = study_bill(frame(EpochRecord, *rows), frame(TrialRecord, trial))

    assert used_j(trial, rows) == pytest.approx(all_j)
    assert Spending(1000.0, recorder).spent_j == pytest.approx(all_j)
    assert bill.total_j == pytest.approx(all_j)


def test_every_energy_column_of_a_trial_is_accounted_for() -> None:
    """A new column of joules must be added to the rule or to this test."""
    columns = {each.name for each in dataclasses.fields(TrialRecord)}

    assert {each for each in columns if each.endswith("_j")} == ENERGIES | COMPONENTS


def frame(kind: type, *rows: EpochRecord | TrialRecord) -> pd.DataFrame:
    """Return rows as a data frame, as the analysis reads them."""
    columns = [each.name for each in dataclasses.fields(kind)]
    frame = pd.DataFrame([{name: getattr(row, name) for name in columns} for row in rows])
    energies = [name for name in columns if name.endswith("_j")]
    return frame.astype(dict.fromkeys(energies, float))
