"""`benchmarks/data/watch16` as the folder of a study, so that the report of documents is of a real one."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE
from study.record.manifest import Manifest
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import (
    EnergyMethod,
    EnergyStatus,
    Paradigm,
    Stage,
    StopReason,
    TrialStatus,
)

RECORDED = Path(__file__).parents[2] / "benchmarks" / "data" / "watch16"


def write_recorded_study(folder: Path) -> Path:
    """Write its manifest, epochs and trials; what was not recorded is None.

    Args:
        folder: Is made; its name is the study's.
    """
    folder.mkdir(parents=True)
    said = json.loads((RECORDED / "study.json").read_text())
    manifest = Manifest.from_json(json.dumps({**said, "study": folder.name}))
    (folder / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    frame = pd.read_csv(RECORDED / "epochs.csv")
    numbers = {(each.batch_size, each.learning_rate): each.setup for each in manifest.setups}
    epochs: list[EpochRecord] = []
    trials: list[TrialRecord] = []
    for _, rows in frame.groupby(["batch_size", "learning_rate", "seed"]):
        known: list[dict[str, Any]] = [
            {str(k): v for k, v in r.items()} for r in rows.to_dict("records")
        ]
        setup = numbers[known[0]["batch_size"], known[0]["learning_rate"]]
        own = [_epoch(row, manifest, setup) for row in known]
        epochs += own
        trials.append(_trial(own))
    pd.DataFrame([row.to_row() for row in epochs]).to_parquet(folder / EPOCHS_FILE)
    pd.DataFrame([row.to_row() for row in trials]).to_parquet(folder / TRIALS_FILE)
    return folder


def _epoch(row: dict[str, Any], manifest: Manifest, setup: int) -> EpochRecord:
    reason = row["stop_reason"]
    seed = int(row["seed"])
    return EpochRecord(
        study=manifest.study,
        trial_id=f"setup{setup:02d}-seed{seed}",
        attempt=1,
        node=manifest.nodes[0].hostname,
        device_uuid="CPU",
        device_name=manifest.nodes[0].devices[0].name,
        paradigm=Paradigm.REGIME,
        scenario=manifest.scenario,
        stage=Stage.ENCODER_CLASSIFIER,
        setup=setup,
        batch_size=int(row["batch_size"]),
        effective_batch_size=min(int(row["batch_size"]), manifest.data.train_samples or 0),
        learning_rate=row["learning_rate"],
        seed=seed,
        epoch=int(row["epoch"]),
        train_loss=None,
        val_loss=None,
        val_score=row["val_accuracy"],
        epoch_time_s=row["epoch_time_s"],
        epoch_energy_j=row["epoch_energy_j"],
        energy_j=None,
        mean_power_w=row["epoch_energy_j"] / row["epoch_time_s"],
        energy_method=EnergyMethod.ESTIMATED,
        energy_status=EnergyStatus.OK,
        coverage=1.0,
        uncertainty_j=None,
        power_samples=0,
        samples_per_s=None,
        peak_memory_bytes=None,
        stop_reason=StopReason(reason) if isinstance(reason, str) else None,
    )


def _trial(rows: list[EpochRecord]) -> TrialRecord:
    last = rows[-1]
    scores = [row.val_score for row in rows if row.val_score is not None]
    return TrialRecord(
        study=last.study,
        trial_id=last.trial_id,
        status=TrialStatus.FINISHED,
        stop_reason=last.stop_reason,
        error=None,
        attempts=1,
        paradigm=last.paradigm,
        scenario=last.scenario,
        setup=last.setup,
        batch_size=last.batch_size,
        effective_batch_size=last.effective_batch_size,
        learning_rate=last.learning_rate,
        seed=last.seed,
        node=last.node,
        device_uuid=last.device_uuid,
        device_name=last.device_name,
        epochs=len(rows),
        best_val_score=max(scores),
        best_epoch=scores.index(max(scores)) + 1,
        time_s=sum(row.epoch_time_s for row in rows),
        energy_j=sum(row.epoch_energy_j or 0.0 for row in rows),
        setup_energy_j=None,
        between_energy_j=None,
        wasted_energy_j=0.0,
        missing_epochs=0,
        degraded_epochs=0,
        energy_method=EnergyMethod.ESTIMATED,
        energy_to_target_j=None,
    )
