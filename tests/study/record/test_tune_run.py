"""All columns of a measured trainable's rows, and the manifest of its run."""

import sys
from typing import Any

import numpy as np
import pytest

from study.record.objective import Objective
from study.record.records import EpochRecord
from study.record.tune_rows import SetupNumbers, TunePlan, as_json, epoch_record, run_manifest
from study.record.vocabulary import EnergyMethod, EnergyStatus, Paradigm, StopReason
from tests.study.rows import plan
from tests.study.search.test_live_search import record_of

LOSS = Objective("val_loss", "min")

ENERGY = {
    "attempt": 2,
    "status": "degraded",
    "device_uuid": "GPU-1",
    "device_name": "Board",
    "epoch_time_s": 4.0,
    "coverage": 0.75,
    "power_samples": 40,
    "gpu_energy_j": 11.0,
    "cpu_energy_j": 3.0,
    "memory_energy_j": 2.0,
    "node_energy_j": 20.0,
    "uncertainty_common_j": 3.0,
    "uncertainty_own_j": 4.0,
    "shared_by": 2,
}
RESULT = {
    "training_iteration": 5,
    "hostname": "node-1",
    "train_loss": 0.5,
    "val_loss": 0.25,
    "epoch_energy_j": 11.0,
    "mean_power_w": 2.75,
    "energy_method": "sampled",
    "energy": ENERGY,
}


def row_of(
    result: dict[str, Any], before_j: float | None = 10.0, *, of: TunePlan | None = None
) -> EpochRecord:
    """Return the row of a result."""
    trial = of or SetupNumbers(seed_key="seed").plan(
        "t", {"batch_size": 8, "lr": 0.1, "depth": 3, "seed": 7}
    )
    return epoch_record(
        result,
        trial,
        study="mine",
        scenario="train",
        objective=LOSS,
        energy_before_j=before_j,
        stop_reason=StopReason.MAX_EPOCHS,
    )


def test_every_field_of_a_result_has_its_column() -> None:
    """The total uncertainty is the root of the sum of squares of its two parts."""
    assert row_of(RESULT) == EpochRecord(
        study="mine",
        trial_id="t",
        attempt=2,
        node="node-1",
        device_uuid="GPU-1",
        device_name="Board",
        paradigm=Paradigm.REGIME,
        scenario="train",
        stage="training",
        setup=1,
        batch_size=8,
        effective_batch_size=8,
        learning_rate=0.1,
        seed=7,
        epoch=5,
        train_loss=0.5,
        val_loss=0.25,
        val_score=0.25,
        epoch_time_s=4.0,
        epoch_energy_j=11.0,
        energy_j=21.0,
        mean_power_w=2.75,
        energy_method=EnergyMethod.SAMPLED,
        energy_status=EnergyStatus.DEGRADED,
        coverage=0.75,
        uncertainty_j=5.0,
        power_samples=40,
        samples_per_s=None,
        peak_memory_bytes=None,
        stop_reason=StopReason.MAX_EPOCHS,
        parameters='{"depth": 3}',
        val_metrics='{"train_loss": 0.5, "val_loss": 0.25}',
        gpu_energy_j=11.0,
        cpu_energy_j=3.0,
        memory_energy_j=2.0,
        node_energy_j=20.0,
        uncertainty_common_j=3.0,
        uncertainty_own_j=4.0,
        shared_by=2,
    )


def test_a_result_without_energy_has_only_missing_energies() -> None:
    """Its time is that of Tune."""
    trial = SetupNumbers(seed_key="seed").plan("t", {"lr": 0.1})

    row = row_of({"training_iteration": 1, "time_this_iter_s": 2.5}, of=trial)

    assert (row.attempt, row.node, row.device_uuid, row.device_name) == (1, "", "", "")
    assert (row.epoch_time_s, row.coverage, row.power_samples) == (2.5, 0.0, 0)
    assert (row.energy_j, row.uncertainty_j, row.shared_by) == (None, None, None)
    assert (row.parameters, row.val_metrics) == (None, None)


@pytest.mark.parametrize("lacking", ["uncertainty_common_j", "uncertainty_own_j"])
def test_an_uncertainty_with_a_missing_part_is_missing(lacking: str) -> None:
    """The other part alone would understate it."""
    energy = {name: value for name, value in ENERGY.items() if name != lacking}

    assert row_of({**RESULT, "energy": energy}).uncertainty_j is None


def test_an_energy_of_0_is_not_missing() -> None:
    """0 J is a measurement; a sum with a missing epoch is missing."""
    zero = {**RESULT, "epoch_energy_j": 0.0, "mean_power_w": 0.5}

    assert (row_of(zero).epoch_energy_j, row_of(zero).energy_j) == (0.0, 10.0)
    assert row_of(zero).mean_power_w == 0.5
    assert row_of(zero, before_j=None).energy_j is None


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"batch_size": 1, "lr": sys.float_info.min}, (1, sys.float_info.min)),
        ({"batch_size": 0, "lr": sys.float_info.max}, (None, sys.float_info.max)),
    ],
)
def test_the_limits_of_an_axis_belong_to_it(
    config: dict[str, Any], expected: tuple[int | None, float]
) -> None:
    """One sample is a batch, and any finite number above 0 is a learning rate."""
    setup = SetupNumbers(seed_key="seed").plan("t", config).setup

    assert (setup.batch_size, setup.learning_rate) == expected


@pytest.mark.parametrize(("seed", "kept"), [(2**63 - 1, True), (2**63, False), (-(2**63), False)])
def test_a_seed_that_a_table_can_hold_is_kept(seed: int, *, kept: bool) -> None:
    """Any other is replaced by the number of the repeat."""
    assert SetupNumbers(seed_key="seed").plan("t", {"seed": seed}).seed == (seed if kept else 0)


def test_a_trial_of_an_earlier_session_keeps_its_setup_and_seed() -> None:
    """A later trial of the same setup is another repeat."""
    book = SetupNumbers(seed_key="seed")
    for rate in (0.1, 0.2):
        book.plan(f"lr{rate}", {"lr": rate})
    resumed = SetupNumbers(seed_key="seed", setups=list(book.setups))
    record = record_of(plan(2, 5, trial_id="early"), 1.0)

    known = resumed.known(record)
    later = resumed.plan("later", {"lr": 0.2, "seed": 5})

    assert known == TunePlan(trial_id="early", setup=book.setups[1], seed=5)
    assert resumed.plan("early", {"lr": 0.9}) == known
    assert (later.setup, later.seed) == (book.setups[1], 0)
    assert resumed.seeds == (0, 5)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.array(2), 2),
        (np.array([1, 2]), "[1 2]"),
        ((1, None), [1, None]),
        (float("nan"), "nan"),
    ],
)
def test_array_values_become_json_values(value: object, kept: object) -> None:
    """A value that JSON has no form for becomes text."""
    assert as_json(value) == kept


def test_the_manifest_of_a_run_follows_from_its_configurations() -> None:
    """Its data do not count as synthetic."""
    book = SetupNumbers(seed_key="seed")
    book.plan("t", {"batch_size": 8, "lr": 0.1, "seed": 7})

    found = run_manifest(
        "mine",
        "train",
        book,
        LOSS,
        started_at="2026-01-02T03:04:05+00:00",
        command=("python", "train.py"),
        versions={"ray": "2"},
    )

    assert (found.study, found.scenario, found.status) == ("mine", "train", "running")
    assert (found.paradigm, found.started_at) == (Paradigm.REGIME, "2026-01-02T03:04:05+00:00")
    assert (found.command, found.versions) == (("python", "train.py"), {"ray": "2"})
    assert (found.stages, found.seeds, found.setups) == (("training",), (7,), tuple(book.setups))
    assert (found.options, found.warnings, found.nodes) == ({"seed_key": "seed"}, (), ())
    assert (found.data.synthetic, found.data.classes, found.objective) == (False, (), LOSS)
    assert (found.data.description, found.data.fingerprint) == ("what train trains on", "train")
