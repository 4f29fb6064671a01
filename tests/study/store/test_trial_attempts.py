"""A trial of several stages that is lost at any moment goes on, and its books are right."""

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


class Constant:
    """A tracker that reads the same for each epoch."""

    def __init__(self) -> None:
        """No device, because none is needed."""
        self.devices: tuple[Device, ...] = ()

    def open(self, key: WindowKey) -> None:
        """Nothing."""

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """No limit is set in these trials."""
        raise AssertionError(trial_id, limit_w)

    def power_limits(self) -> PowerLimits:
        """No limit is asked for."""
        raise AssertionError

    def close(self, key: WindowKey) -> None:
        """Nothing."""

    def readings(self, key: WindowKey) -> dict[str, Reading]:
        """Two joules."""
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
    """Three epochs of each stage."""
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
    """What ends the process of a trial; no Exception, so that the trial cannot report it."""


class Books:
    """What a driver has of a trial: the rows that came, and how to lose the trial."""

    def __init__(self) -> None:
        """No row yet."""
        self.rows: dict[tuple[int, str, int], EpochRecord] = {}
        self.energies_j: list[float] = []

    def attempt(self, folder: StudyFolder, trial: TrialPlan, *, lost_at: int | None = None) -> None:
        """Run an attempt; it is lost at a report of its own of that number, which is not heard."""
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
                TrialMeter(trial, Constant(), first_stage=STAGES[0]),
                Checkpoint.of_attempt(folder, trial.trial_id, attempt=trial.attempt, every_s=0.0),
                report=report,
            )

    def result(self, trial: TrialPlan) -> Any:  # noqa: ANN401 - a TrialRecord
        """What the trial came to."""
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


def figures(books: Books) -> list[tuple[Any, ...]]:
    """Losses and accuracies of the epochs that count."""
    counts = counted(books.rows)
    rows = [row for place, row in books.rows.items() if place in counts]
    return sorted(
        (row.stage, row.epoch, row.train_loss, row.val_loss, row.val_score) for row in rows
    )


@pytest.mark.slow
@pytest.mark.parametrize("lost_at", range(1, REPORTS + 1))
def test_a_trial_that_is_lost_goes_on(tmp_path: Path, lost_at: int) -> None:
    """As if nothing had been: each epoch once, the same figures, and no joule lost or had twice.

    The report at which it is lost was not heard, so what it cost is in vain; of an attempt of which
    nothing was heard, nobody knows what it cost.
    """
    whole, books = Books(), Books()
    first = plan()
    whole.attempt(StudyFolder(str(tmp_path), "whole"), first)

    folder = StudyFolder(str(tmp_path), "lost")
    books.attempt(folder, first, lost_at=lost_at)
    heard_j = J_PER_EPOCH * (lost_at - 1)
    second = first.again(attempt=2, energy_before_j=heard_j)
    books.attempt(folder, second)
    result = books.result(second)

    assert figures(books) == figures(whole)
    assert result.status is TrialStatus.FINISHED
    assert result.energy_j == REPORTS * J_PER_EPOCH
    assert result.wasted_energy_j == (0.0 if lost_at > 1 else None)
    assert books.energies_j == sorted(books.energies_j)
    assert books.energies_j[-1] == REPORTS * J_PER_EPOCH
    assert folder.names("checkpoints") == []


@pytest.mark.parametrize("unwritten", [1, 2, 5])
def test_rows_that_the_driver_did_not_write_come_back(tmp_path: Path, unwritten: int) -> None:
    """Reports that were heard and lost with the driver are reported once more."""
    folder = StudyFolder(str(tmp_path), "s")
    books = Books()
    first = plan()
    books.attempt(folder, first, lost_at=8)
    for place in list(books.rows)[-unwritten:]:
        del books.rows[place]
    known_j = J_PER_EPOCH * len(books.rows)
    second = first.again(attempt=2, energy_before_j=known_j)

    books.attempt(folder, second)

    assert books.result(second).energy_j == REPORTS * J_PER_EPOCH
    assert books.energies_j == sorted(books.energies_j)
    assert len(books.rows) == REPORTS
