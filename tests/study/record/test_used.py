"""Energy that a trial has used in all, by one rule for budgets, bills and forecasts."""

import dataclasses
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.energy.bill import study_bill
from study.execution.live.outlook import Outlook
from study.forecast.study_forecast import study_forecast
from study.record.objective import ACCURACY
from study.record.records import EpochRecord, TrialRecord
from study.record.trial_energy import BESIDE_EPOCHS, LOST, used_j
from study.record.vocabulary import TEST, StopReason
from study.repeats.spending import Spending
from study.store.recorder import Recorder
from tests.study.repeats.test_further import recorder_in
from tests.study.rows import STAGE, booked, epoch, plan
from tests.study.store.recorders import booking, windows_of

ENERGIES = {"energy_j", "energy_to_target_j", *BESIDE_EPOCHS, LOST}
COMPONENTS = {"gpu_energy_j", "cpu_energy_j", "memory_energy_j", "node_energy_j"}


def restarted_trial(tmp_path: Path, *, second_j: float | None) -> Recorder:
    """Record a trial that lost 25 J, restarted, and used 7 J to set up, 15 J, `second_j`, and 3 J to test."""
    recorder = recorder_in(tmp_path)
    record_restarted(recorder, 1, second_j=second_j)
    return recorder


def record_restarted(recorder: Recorder, setup: int, *, second_j: float | None) -> None:
    """Record such a trial of a setup."""
    [trial] = recorder.expect([plan(setup)])
    again = replace(trial, attempt=2)
    for row in (epoch(1, 10.0, of=trial), epoch(2, 10.0, of=trial)):
        recorder.add(row)
    last = epoch(2, second_j, of=again, stop=StopReason.PATIENCE)
    for row in (epoch(1, 15.0, of=again), last):
        recorder.add(row)
    recorder.add_booking(booking(*windows_of(trial, 25.0, 2.0, 10.0, 10.0)))
    windows = windows_of(again, 45.0, 7.0, 15.0, second_j)
    recorder.add_booking(booking(*windows, booked(TEST, 2, 3.0, of=again)))


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


def test_the_forecast_of_trials_that_have_ended_is_their_bill(tmp_path: Path) -> None:
    """It includes set-ups, pauses, tests and lost attempts, and nothing is left to chance."""
    recorder = recorder_in(tmp_path)
    for setup in (1, 2):
        record_restarted(recorder, setup, second_j=15.0)
    trials = recorder.trials()
    outlook = Outlook(
        plans=lambda: [plan(1), plan(2)],
        stages=lambda _: (STAGE,),
        epochs_of=recorder.epochs_of,
        trial_of=recorder.trial,
        objective=ACCURACY,
        max_epochs=10,
        patience=1,
    )

    runs = outlook.runs()
    forecast = study_forecast(runs, max_epochs=10, overheads=outlook.overheads(runs))

    rows = [row for each in trials for row in recorder.epochs_of(each.trial_id)]
    bill = study_bill(frame(EpochRecord, *rows), frame(TrialRecord, *trials))
    assert bill.total_j == pytest.approx(2 * (25.0 + 45.0))
    assert forecast is not None
    assert forecast.total_j == pytest.approx(bill.total_j)


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
