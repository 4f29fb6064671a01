"""Study folders with known numbers, written through the record classes of `study`."""

import dataclasses
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.energy.spread import Spread
from analysis.energy.totals import SetupEnergy
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_FILE
from study.record.manifest import DataFacts, DeviceFacts, Manifest, NodeFacts, SetupFacts
from study.record.objective import metrics_text
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import (
    EnergyMethod,
    EnergyStatus,
    Paradigm,
    Stage,
    StopReason,
    TrialStatus,
)


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """The values of an epoch that a test sets; `epoch_records` fills in the rest."""

    energy_j: float | None
    accuracy: float | None
    time_s: float = 10.0
    stage: str = Stage.ENCODER_CLASSIFIER
    attributes: float | None = None
    identity: float | None = None
    uncertainty_j: float | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The values of a trial that a test sets; `attempts` holds the epochs of each attempt in order."""

    setup: int
    seed: int
    attempts: Sequence[Sequence[Epoch]]
    status: TrialStatus = TrialStatus.FINISHED
    stop_reason: StopReason | None = StopReason.PATIENCE
    setup_energy_j: float | None = 5.0
    between_energy_j: float | None = 1.0
    device_uuid: str = "GPU-1"

    @property
    def trial_id(self) -> str:
        """Name of the trial."""
        return f"setup{self.setup:02d}_seed{self.seed}"


DATA = DataFacts(
    synthetic=False,
    description="7 exercises of 10 people",
    fingerprint="f" * 64,
    train_samples=1000,
    val_samples=100,
    classes=("rest", "walk"),
    chance_accuracy=0.2,
)


def epochs_of(energies_j: Sequence[float | None], accuracies: Sequence[float]) -> list[Epoch]:
    """One attempt's epochs."""
    pairs = zip(energies_j, accuracies, strict=True)
    return [Epoch(energy_j=energy, accuracy=accuracy) for energy, accuracy in pairs]


def staged(
    setup: int,
    stages: Mapping[Any, Sequence[float | None]],
    *,
    seed: int = 0,
    accuracies: Mapping[Any, float] | None = None,
    heads: Mapping[Any, tuple[float | None, float | None]] | None = None,
) -> Trial:
    """A finished trial of several stages, given the energies of their epochs in joules.

    `accuracies` gives the accuracy of every epoch of a stage, `heads` those of attributes and identity.
    """
    epochs = [
        Epoch(
            energy_j=energy,
            accuracy=(accuracies or {}).get(stage),
            stage=stage,
            attributes=(heads or {}).get(stage, (None, None))[0],
            identity=(heads or {}).get(stage, (None, None))[1],
        )
        for stage, energies in stages.items()
        for energy in energies
    ]
    return Trial(setup=setup, seed=seed, attempts=[epochs])


def constant(setup: int, energy_j: float | None, accuracy: float, *, seed: int = 0) -> Trial:
    """A finished trial of one epoch."""
    return Trial(setup=setup, seed=seed, attempts=[epochs_of([energy_j], [accuracy])])


def grid(batch_sizes: Sequence[int], learning_rates: Sequence[float]) -> tuple[SetupFacts, ...]:
    """Setups as the paper numbers them: batch size outer, learning rate inner."""
    pairs = itertools.product(batch_sizes, learning_rates)
    return tuple(
        SetupFacts(setup=number, batch_size=size, learning_rate=rate)
        for number, (size, rate) in enumerate(pairs, start=1)
    )


def write_study(
    folder: Path,
    setups: Sequence[SetupFacts],
    trials: Sequence[Trial],
    *,
    train_samples: int = 1_000_000,
    method: EnergyMethod = EnergyMethod.SAMPLED,
    manifest: Mapping[str, Any] | None = None,
    synthetic: bool = False,
) -> Path:
    """Write study.json, epochs.parquet and trials.parquet.

    Args:
        folder: Created if it does not exist.
        setups: The setups of the study.
        trials: Its trials, in any number per setup.
        train_samples: Caps the effective batch sizes.
        method: Energy method of every reading.
        manifest: Fields that override those of the default manifest.
        synthetic: Mark the data as synthetic.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = dataclasses.replace(DATA, synthetic=synthetic, train_samples=train_samples)
    defaults = manifest_of(folder.name, setups, trials, data, method)
    written = dataclasses.replace(defaults, **(manifest or {}))
    (folder / MANIFEST_FILE).write_text(written.to_json(), encoding="utf-8")
    by_number = {facts.setup: facts for facts in setups}
    epochs = [
        row
        for trial in trials
        for row in epoch_records(trial, by_number[trial.setup], written, method)
    ]
    pd.DataFrame([row.to_row() for row in epochs]).to_parquet(folder / EPOCHS_FILE)
    rows = [_trial_record(t, by_number[t.setup], written, method).to_row() for t in trials]
    pd.DataFrame(rows).to_parquet(folder / TRIALS_FILE)
    return folder


def epoch_records(
    trial: Trial, facts: SetupFacts, manifest: Manifest, method: EnergyMethod
) -> list[EpochRecord]:
    """The rows of all attempts of a trial."""
    records = []
    for attempt, epochs in enumerate(trial.attempts, start=1):
        numbers: Counter[str] = Counter()
        lengths = Counter(epoch.stage for epoch in epochs)
        for epoch in epochs:
            numbers[epoch.stage] += 1
            number = numbers[epoch.stage]
            last = attempt == len(trial.attempts) and number == lengths[epoch.stage]
            known = epoch.energy_j is not None
            records.append(
                EpochRecord(
                    study=manifest.study,
                    trial_id=trial.trial_id,
                    attempt=attempt,
                    node="node-1",
                    device_uuid=trial.device_uuid,
                    device_name="Board",
                    paradigm=manifest.paradigm,
                    scenario=manifest.scenario,
                    stage=epoch.stage,
                    setup=trial.setup,
                    batch_size=facts.batch_size,
                    effective_batch_size=_effective(facts, manifest),
                    learning_rate=facts.learning_rate,
                    seed=trial.seed,
                    epoch=number,
                    train_loss=1.0 / number,
                    val_loss=1.0 / number,
                    val_score=epoch.accuracy,
                    epoch_time_s=epoch.time_s,
                    epoch_energy_j=epoch.energy_j,
                    energy_j=None,
                    mean_power_w=None,
                    energy_method=method if known else None,
                    energy_status=EnergyStatus.OK if known else EnergyStatus.MISSING,
                    coverage=1.0 if known else 0.0,
                    uncertainty_j=epoch.uncertainty_j,
                    power_samples=100 if known else 0,
                    samples_per_s=1000.0,
                    peak_memory_bytes=None,
                    stop_reason=trial.stop_reason if last else None,
                    parameters=parameters_text(facts),
                    val_metrics=metrics_text(
                        {
                            manifest.objective.name: epoch.accuracy,
                            manifest.objective.of_task("attributes"): epoch.attributes,
                            manifest.objective.of_task("identity"): epoch.identity,
                        }
                    ),
                )
            )
    return records


def _trial_record(
    trial: Trial, facts: SetupFacts, manifest: Manifest, method: EnergyMethod
) -> TrialRecord:
    last = trial.attempts[-1]
    energies = [epoch.energy_j for epoch in last]
    known = [energy for energy in energies if energy is not None]
    accuracies = [epoch.accuracy for epoch in last if epoch.accuracy is not None]
    best = manifest.objective.best(accuracies)
    lost = [e.energy_j for attempt in trial.attempts[:-1] for e in attempt]
    lost_j = [energy for energy in lost if energy is not None]
    return TrialRecord(
        study=manifest.study,
        trial_id=trial.trial_id,
        status=trial.status,
        stop_reason=trial.stop_reason,
        error=None,
        attempts=len(trial.attempts),
        paradigm=manifest.paradigm,
        scenario=manifest.scenario,
        setup=trial.setup,
        batch_size=facts.batch_size,
        effective_batch_size=_effective(facts, manifest),
        learning_rate=facts.learning_rate,
        seed=trial.seed,
        node="node-1",
        device_uuid=trial.device_uuid,
        device_name="Board",
        epochs=len(last),
        best_val_score=best,
        best_epoch=None if best is None else accuracies.index(best) + 1,
        time_s=sum(epoch.time_s for epoch in last),
        energy_j=sum(known) if len(known) == len(energies) else None,
        setup_energy_j=trial.setup_energy_j,
        between_energy_j=trial.between_energy_j,
        wasted_energy_j=sum(lost_j) if lost_j or len(trial.attempts) == 1 else None,
        missing_epochs=len(energies) - len(known),
        degraded_epochs=0,
        energy_method=method if known else None,
        energy_to_target_j=None,
        parameters=parameters_text(facts),
    )


def _effective(facts: SetupFacts, manifest: Manifest) -> int | None:
    size = facts.batch_size
    return None if size is None else min(size, manifest.data.train_samples or size)


def parameters_text(facts: SetupFacts) -> str | None:
    """The other parameters of a setup, as JSON text like in the stored rows."""
    return json.dumps(facts.parameters, sort_keys=True) if facts.parameters else None


def manifest_of(
    name: str,
    setups: Sequence[SetupFacts],
    trials: Sequence[Trial],
    data: DataFacts,
    method: EnergyMethod,
) -> Manifest:
    """The default manifest, of a regime study."""
    return Manifest(
        study=name,
        paradigm=Paradigm.REGIME,
        scenario="watch",
        status="finished",
        started_at="2026-01-02T03:04:05+00:00",
        finished_at="2026-01-02T03:14:05+00:00",
        setup_time_s=3.0,
        command=("python", "-m", "study.regime"),
        options={"max_epochs": 30, "patience": 3},
        versions={"python": "3.11.7", "torch": "2.13.0"},
        git_commit=None,
        data=data,
        setups=tuple(setups),
        seeds=tuple(sorted({trial.seed for trial in trials} or {0})),
        nodes=(
            NodeFacts(
                hostname="node-1",
                cpus=2.0,
                gpus=1.0,
                source="recorded",
                method=method,
                note="Power as it was recorded, ten times a second.",
                refused={"nvml": "no library"},
                devices=(
                    DeviceFacts(
                        uuid="GPU-1",
                        name="Board",
                        kind="gpu",
                        power_limit_w=300.0,
                        idle_power_w=20.0,
                        driver="1.0",
                    ),
                ),
            ),
        ),
    )


def setup_energy(
    number: int,
    energies_j: Sequence[float | None],
    accuracies: Sequence[float | None],
    *,
    batch_size: int = 64,
    learning_rate: float = 0.1,
) -> SetupEnergy:
    """A setup with the given totals and accuracies, one for each finished repeat."""
    return SetupEnergy(
        setup=number,
        batch_size=batch_size,
        effective_batch_size=batch_size,
        learning_rate=learning_rate,
        repeats=len(energies_j),
        finished=len(energies_j),
        energy_j=Spread.of(energies_j),
        energy_per_epoch_j=Spread.of(energies_j),
        best_accuracy=Spread.of(accuracies),
        epochs=Spread.of([1.0] * len(energies_j)),
        setup_energy_j=None,
        between_energy_j=None,
        stop_reasons=(),
    )
