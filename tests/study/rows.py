"""Rows and windows whose fields have defaults, so that a test names only those it is about."""

from typing import Any

from study.record.records import EpochRecord
from study.record.vocabulary import EnergyMethod, EnergyStatus, Paradigm, StopReason
from study.store.setups import TrialPlan
from trackers.node.ledger import BookedWindow, WindowKey
from trackers.sample import Method, Reading, Status

STAGE = "encoder+classifier"


def plan(setup: int = 1, seed: int = 0, **changes: Any) -> TrialPlan:  # noqa: ANN401 - any field
    """Plan of a trial: batch size 64, learning rate 0.1."""
    fields = {
        "trial_id": f"setup{setup:02d}-seed{seed}",
        "attempt": 1,
        "setup": setup,
        "batch_size": 64,
        "learning_rate": 0.1,
        "seed": seed,
    }
    return TrialPlan(**{**fields, **changes})


def epoch(
    number: int,
    epoch_j: float | None = 1.0,
    accuracy: float | None = 0.5,
    /,
    *,
    of: TrialPlan | None = None,
    stop: StopReason | None = None,
    **changes: Any,  # noqa: ANN401 - any field
) -> EpochRecord:
    """The row of epoch `number` of a trial."""
    trial = of or plan()
    fields = {
        "study": "s",
        "trial_id": trial.trial_id,
        "attempt": trial.attempt,
        "node": "node-1",
        "device_uuid": "GPU-1",
        "device_name": "Board",
        "paradigm": Paradigm.REGIME,
        "scenario": "watch",
        "stage": STAGE,
        "setup": trial.setup,
        "batch_size": trial.batch_size,
        "effective_batch_size": trial.batch_size,
        "learning_rate": trial.learning_rate,
        "seed": trial.seed,
        "epoch": number,
        "train_loss": 1.0,
        "val_loss": 1.0,
        "val_score": accuracy,
        "epoch_time_s": 2.0,
        "epoch_energy_j": epoch_j,
        "energy_j": None if epoch_j is None else number * epoch_j,
        "mean_power_w": None,
        "energy_method": None if epoch_j is None else EnergyMethod.COUNTER,
        "energy_status": EnergyStatus.MISSING if epoch_j is None else EnergyStatus.OK,
        "coverage": 1.0,
        "uncertainty_j": None,
        "power_samples": 20,
        "samples_per_s": 100.0,
        "peak_memory_bytes": None,
        "stop_reason": stop,
    }
    return EpochRecord(**{**fields, **changes})


def booked(
    stage: str, number: int, energy_j: float | None, *, of: TrialPlan | None = None
) -> BookedWindow:
    """A window that a tracker has booked for a trial; without an energy, its reading is missing."""
    trial = of or plan()
    key = WindowKey(trial_id=trial.trial_id, attempt=trial.attempt, stage=stage, epoch=number)
    if energy_j is None:
        return BookedWindow(key=key, reading=Reading.missing("GPU-1", note="not seen"))
    reading = Reading(
        device_uuid="GPU-1",
        start_s=5.0,
        duration_s=2.0,
        energy_j=energy_j,
        method=Method.COUNTER,
        status=Status.OK,
        coverage=1.0,
        power_samples=20,
    )
    return BookedWindow(key=key, reading=reading)
