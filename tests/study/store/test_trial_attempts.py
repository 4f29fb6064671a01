"""A trial of several stages that is lost at any report resumes, and its rows and energies are right."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from study.execution.team.trial_training import TrialContext
from study.execution.trainable import run_attempt
from study.execution.trial_meter import TrialMeter
from study.record.attempts import counted
from study.record.objective import ACCURACY
from study.record.records import EpochRecord
from study.record.vocabulary import EnergyScope, Paradigm, Stage, TrialStatus
from study.store.folder import StudyFolder
from study.store.setups import TrialPlan
from study.store.trial_record import trial_record
from study.training.checkpoints import Checkpoint
from tests.study.rows import plan
from tests.study.staged import Waves
from trackers.node.ledger import WindowKey
from trackers.sample import Device, Method, PowerLimits, Reading, Status

STAGES = (
    Stage.ENCODER,
    Stage.CLASSIFIER_FROZEN,
    Stage.CLASSIFIER_UNFROZEN,
    Stage.ENCODER_CLASSIFIER,
)
EPOCHS = 3
REPORTS = EPOCHS * len(STAGES)
J_PER_EPOCH = 2.0


class ConstantTracker:
    """A tracker that reads the same energy for each epoch."""

    def __init__(self) -> None:
        """No device, because none is needed."""
        self.devices: tuple[Device, ...] = ()

    def open(self, key: WindowKey) -> None:
        """Do nothing."""

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """Fail: these trials set no limit."""
        raise AssertionError(trial_id, limit_w)

    def power_limits(self) -> PowerLimits:
        """Fail: these trials ask for no limits."""
        raise AssertionError

    def close(self, key: WindowKey) -> None:
        """Do nothing."""

    def readings(self, key: WindowKey) -> dict[str, Reading]:
        """Two joules for an epoch, zero for any other window."""
        reading = Reading(
            device_uuid="board",
            start_s=0.0,
            duration_s=1.0,
            energy_j=J_PER_EPOCH if key.epoch else 0.0,
            method=Method.COUNTER,
            status=Status.OK,
            coverage=1.0,
            uncertainty_common_j=0.0,
            uncertainty_own_j=0.0,
            power_samples=1,
        )
        return {reading.device_uuid: reading}


def context() -> TrialContext:
    """Context of a trial with three epochs of each stage."""
    return TrialContext(
        study="s",
        paradigm=Paradigm.PRETRAINING,
        scenario=Waves(),
        objective=ACCURACY,
        energy_of=EnergyScope.ACCELERATOR,
        stages=STAGES,
        cache_latents=True,
        max_epochs=EPOCHS,
        patience=EPOCHS,
        optimizer="adam",
        device="cpu",
        threads=1,
        storage=None,
        checkpoint_every_s=0.0,
    )


class LostError(BaseException):
    """The loss of a trial's process; not an `Exception`, so that the trial cannot report it."""


class DriverRecords:
    """A driver's records of a trial, whose attempts can be lost at a given report."""

    def __init__(self) -> None:
        """No rows yet."""
        self.rows: dict[tuple[int, str, int], EpochRecord] = {}
        self.energies_j: list[float] = []

    def attempt(self, folder: StudyFolder, trial: TrialPlan, *, lost_at: int | None = None) -> None:
        """Run an attempt; it is lost at its report number `lost_at`, which the driver does not receive."""
        own = 0

        def report(values: Mapping[str, Any]) -> None:
            nonlocal own
            assert values["error"] is None, values["error"]
            record = EpochRecord.from_row(values)
            own += record.attempt == trial.attempt
            if own == lost_at:
                raise LostError
            self.rows[record.attempt, record.stage, record.epoch] = record
            if record.attempt == trial.attempt and record.energy_j is not None:
                self.energies_j.append(record.energy_j)

        scenario = Waves()
        with suppress(LostError):
            run_attempt(
                trial,
                context(),
                scenario.load(None, seed=0),
                TrialMeter(trial, ConstantTracker(), first_stage=STAGES[0]),
                Checkpoint.of_attempt(folder, trial.trial_id, attempt=trial.attempt, every_s=0.0),
                report=report,
            )

    def result(self, trial: TrialPlan) -> Any:  # noqa: ANN401 - a TrialRecord
        """Record of the trial, from the rows received."""
        return trial_record(
            trial,
            epochs=list(self.rows.values()),
            windows=[],
            error=None,
            study="s",
            paradigm=Paradigm.PRETRAINING,
            scenario="waves",
            objective=ACCURACY,
            stages=STAGES,
            target=None,
        )


def curves(records: DriverRecords) -> list[tuple[Any, ...]]:
    """Losses and scores of the epochs that count, sorted by stage and epoch."""
    counts = counted(records.rows)
    rows = [row for key, row in records.rows.items() if key in counts]
    return sorted(
        (row.stage, row.epoch, row.train_loss, row.val_loss, row.val_score) for row in rows
    )


@pytest.mark.slow
@pytest.mark.parametrize("lost_at", range(1, REPORTS + 1))
def test_a_lost_trial_resumes(tmp_path: Path, lost_at: int) -> None:
    """Each epoch counts once, losses and scores equal those of an uninterrupted trial, no joule counts twice.

    The wasted energy of an attempt that was lost before its first report is unknown.
    """
    uninterrupted, resumed = DriverRecords(), DriverRecords()
    first = plan()
    uninterrupted.attempt(StudyFolder(str(tmp_path), "whole"), first)

    folder = StudyFolder(str(tmp_path), "lost")
    resumed.attempt(folder, first, lost_at=lost_at)
    reported_j = J_PER_EPOCH * (lost_at - 1)
    second = first.again(attempt=2, energy_before_j=reported_j)
    resumed.attempt(folder, second)
    result = resumed.result(second)

    assert curves(resumed) == curves(uninterrupted)
    assert result.status is TrialStatus.FINISHED
    assert result.energy_j == REPORTS * J_PER_EPOCH
    assert result.wasted_energy_j == (0.0 if lost_at > 1 else None)
    assert resumed.energies_j == sorted(resumed.energies_j)
    assert resumed.energies_j[-1] == REPORTS * J_PER_EPOCH
    assert folder.names("checkpoints") == []


@pytest.mark.parametrize("unwritten", [1, 2, 5])
def test_rows_that_were_lost_with_the_driver_are_reported_again(
    tmp_path: Path, unwritten: int
) -> None:
    """The next attempt reports the checkpoint's epochs again, so the driver has every row and joule."""
    folder = StudyFolder(str(tmp_path), "s")
    records = DriverRecords()
    first = plan()
    records.attempt(folder, first, lost_at=8)
    for key in list(records.rows)[-unwritten:]:
        del records.rows[key]
    known_j = J_PER_EPOCH * len(records.rows)
    second = first.again(attempt=2, energy_before_j=known_j)

    records.attempt(folder, second)

    assert records.result(second).energy_j == REPORTS * J_PER_EPOCH
    assert records.energies_j == sorted(records.energies_j)
    assert len(records.rows) == REPORTS
