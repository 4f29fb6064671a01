"""Trials whose processes run on two machines with a board each: the boards' energies are summed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import ray
import ray.cluster_utils
from ray import tune

from study import EnergyLedger, measured
from study.command.running import main
from study.regime import DESIGN
from tests.cluster.node_keywords import LEAN
from tests.fake_nvml import UUIDS, Boards, build
from tests.study.instrument.tune_script import with_workers

pytestmark = [pytest.mark.ray, pytest.mark.integrations]

BOARDS = Boards(boards=2, low_w=240.0)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a cluster of two machines, each of which sees one of the boards."""
    environment = BOARDS.environment(build(tmp_path_factory.mktemp("boards")))
    library = {k: v for k, v in environment.items() if "NVML" in k or k.startswith("LD_")}
    machines = ray.cluster_utils.Cluster()
    for board in range(2):
        machines.add_node(
            num_cpus=2,
            num_gpus=1,
            **LEAN,
            env_vars={**library, "CUDA_VISIBLE_DEVICES": str(board)},
        )
    yield machines.address
    machines.shutdown()  # type: ignore[no-untyped-call]


def energies(run: Path) -> tuple[list[float], list[float]]:
    """Energies of a trial's boards: as measured, and by their known power curves."""
    windows = pd.read_parquet(run / "windows.parquet")
    whole = windows[(windows["stage"] == "trial") & (windows["component"] == "gpu")]
    known = [
        BOARDS.energy_j(
            UUIDS.index(row["device_uuid"]), row["start_s"], row["start_s"] + row["duration_s"]
        )
        for row in whole.to_dict("records")
    ]
    assert sorted(whole["device_uuid"]) == sorted(UUIDS[:2])
    return whole["energy_j"].tolist(), known


def assert_both_boards_are_counted(run: Path) -> None:
    """Assert that boards are within 2 % of their curves, and that epochs sum both boards."""
    measured_j, known_j = energies(run)
    windows = pd.read_parquet(run / "windows.parquet")
    epochs = pd.read_parquet(run / "epochs.parquet").sort_values("epoch")
    of_boards = windows[(windows["epoch"] > 0) & (windows["component"] == "gpu")]

    assert measured_j == pytest.approx(known_j, rel=0.02), of_boards.to_string()
    # A worker's window after its last report belongs to no epoch.
    by_epoch = of_boards.groupby("epoch")["energy_j"].sum().loc[epochs["epoch"]]
    assert epochs["epoch_energy_j"].tolist() == pytest.approx(by_epoch.tolist())
    assert {frozenset(each.split("+")) for each in epochs["device_uuid"]} == {frozenset(UUIDS[:2])}


def test_a_study_s_trial_on_two_machines(address: str, tmp_path: Path) -> None:
    """A trial with `--gpus-per-trial 2` trains on, and is charged for, the boards of both machines."""
    place = ["--address", address, "--results-dir", str(tmp_path), "--name", "a", "--no-report"]
    training = ["--scenario", "tests.end_to_end.scenarios:Tiny", "--max-epochs", "3"]
    one_setup = ["--batch-sizes", "64", "--learning-rates", "0.01", "--repeats", "1"]

    status = main(
        DESIGN,
        program="study.regime",
        description="",
        args=[*place, *training, *one_setup, "--gpus-per-trial", "2"],
    )

    assert status == 0
    assert_both_boards_are_counted(tmp_path / "a")


def test_a_trainer_on_two_machines(address: str, tmp_path: Path) -> None:
    """A user's TorchTrainer inside a measured trial is charged for the boards of both machines."""
    storage = str(tmp_path)
    ledger: Any = EnergyLedger(objective="val_loss", mode="min")
    ray.init(address=address, log_to_driver=False)
    try:
        tune.Tuner(
            tune.with_resources(measured(with_workers), {"cpu": 0.5}),
            param_space={"lr": 0.1, "storage": storage},
            run_config=tune.RunConfig(
                name="run", storage_path=storage, verbose=0, callbacks=[ledger]
            ),
        ).fit()
    finally:
        ray.shutdown()

    assert_both_boards_are_counted(tmp_path / "run")
