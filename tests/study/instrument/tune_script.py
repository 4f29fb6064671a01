"""Somebody's Ray Tune script with the two lines: run by tests, as a program of its own.

python -m tests.study.instrument.tune_script KIND STORAGE
"""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ray
from ray import train, tune
from ray.train.torch import TorchConfig, TorchTrainer
from ray.tune.integration.ray_train import TuneReportCallback
from ray.tune.schedulers import ASHAScheduler

from study import EnergyBudget, EnergyLedger, measured, measured_loop

EPOCHS = 3
EPOCH_S = 0.5


def begun() -> int:
    """The epoch that a checkpoint says, from 0."""
    checkpoint = tune.get_checkpoint()
    if checkpoint is None:
        return 0
    with checkpoint.as_directory() as folder:
        return int((Path(folder) / "epoch").read_text())


def report(epoch: int) -> None:
    """Report an epoch, with a checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "epoch").write_text(str(epoch))
        tune.report({"val_loss": 1 / epoch}, checkpoint=tune.Checkpoint.from_directory(folder))


def function(config: dict[str, Any]) -> None:
    """Train; a trial that is told to dies once within its second epoch."""
    dies = Path(config["dies"]) if config.get("dies") else None
    for epoch in range(begun() + 1, EPOCHS + 1):
        time.sleep(EPOCH_S)
        if dies is not None and epoch == 2 and not dies.exists():
            dies.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        report(epoch)


class Trainable(tune.Trainable):
    """The same as a class, which can be used again."""

    def setup(self, config: dict[str, Any]) -> None:
        """Nothing to set up."""

    def step(self) -> dict[str, Any]:
        """One epoch."""
        time.sleep(EPOCH_S)
        return {"val_loss": 1 / (self.iteration + 1), "done": self.iteration + 1 == EPOCHS}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to keep; Tune asks a class for it at its end."""

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Nothing was kept."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:  # noqa: ARG002 - as Tune calls it
        """A process runs several trials."""
        return True


def train_loop(config: dict[str, Any]) -> None:  # noqa: ARG001 - as Train calls it
    """What each of two workers does."""
    for epoch in range(1, EPOCHS + 1):
        time.sleep(EPOCH_S)
        train.report({"val_loss": 1 / epoch})


def with_workers(config: dict[str, Any]) -> None:
    """A Train run inside the trial; the third line is that of `measured_loop`."""
    reports: Any = TuneReportCallback  # Ray has left it without types
    TorchTrainer(
        measured_loop(train_loop),
        train_loop_config={},
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=train.ScalingConfig(
            num_workers=2, use_gpu=True, resources_per_worker={"GPU": 1, "CPU": 0.1}
        ),
        run_config=train.RunConfig(
            name="train", storage_path=config["storage"], callbacks=[reports()]
        ),
    ).fit()


def ledger(name: str) -> EnergyLedger:
    """The second line; of some runs W&B hears too."""
    log = ("wandb",) if name in {"killed", "restored"} else ()
    return EnergyLedger(objective="val_loss", mode="min", log=log)


def fit(trainable: Any, name: str, space: dict[str, Any], **more: Any) -> None:  # noqa: ANN401
    """Run a Tune script that was there before, with the two lines."""
    gpus = more.pop("gpus", 1)
    tune.Tuner(
        tune.with_resources(measured(trainable), {"gpu": gpus, "cpu": 0.5}),
        param_space=space,
        tune_config=tune.TuneConfig(reuse_actors=True, scheduler=more.pop("scheduler", None)),
        run_config=tune.RunConfig(
            name=name, storage_path=STORAGE, verbose=0, callbacks=[ledger(name)], **more
        ),
    ).fit()


def all_kinds() -> None:
    """Function, class, workers; ASHA by watt-hours, a budget, a process that is killed."""
    rates = tune.grid_search([0.1, 0.01])
    first_rung_wh: Any = 0.001  # Ray asks for whole numbers, and takes others
    asha = ASHAScheduler(
        time_attr="energy_wh", metric="val_loss", mode="min", grace_period=first_rung_wh, max_t=100
    )
    fit(function, "function", {"lr": rates, "batch_size": 8}, scheduler=asha)
    fit(function, "shared", {"lr": rates}, gpus=0.5)
    fit(Trainable, "class", {"lr": rates, "seed": tune.grid_search([0, 1])})
    fit(with_workers, "workers", {"lr": 0.1, "storage": STORAGE}, gpus=0)
    fit(
        function,
        "budget",
        {"lr": tune.grid_search([0.1, 0.01, 0.001, 0.0001])},
        stop=EnergyBudget(watt_hours=0.05),
    )
    fit(
        function,
        "killed",
        {"lr": 0.1, "dies": f"{STORAGE}/died"},
        failure_config=tune.FailureConfig(max_failures=1),
    )


def interrupted() -> None:
    """Two runs whose trial dies and is not run again."""
    for name in ("restored", "restarted"):
        fit(function, name, {"lr": 0.1, "dies": f"{STORAGE}/died-{name}"})


def without_a_driver(config: dict[str, Any]) -> None:
    """Train, and kill the driver once, when the ledger has written how far the trial is."""
    killed = Path(config["dies"])
    for epoch in range(begun() + 1, EPOCHS + 1):
        time.sleep(EPOCH_S)
        if epoch == EPOCHS and not killed.exists():
            while not list(Path(config["storage"]).glob("driver/windows.parquet")):
                time.sleep(EPOCH_S)
            killed.touch()
            os.kill(config["driver"], signal.SIGKILL)
            time.sleep(60)
        report(epoch)


def driver() -> None:
    """A run whose driver is killed."""
    os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "1"
    config = {"lr": 0.1, "dies": f"{STORAGE}/died", "storage": STORAGE, "driver": os.getpid()}
    fit(without_a_driver, "driver", config)


def restored(name: str, trainable: Any, *, anew: bool = False) -> None:  # noqa: ANN401
    """The same in another program, which goes on with it, or begins what failed anew."""
    resources = {"gpu": 1, "cpu": 0.5}
    tune.Tuner.restore(
        f"{STORAGE}/{name}",
        tune.with_resources(measured(trainable), resources),
        resume_errored=not anew,
        restart_errored=anew,
    ).fit()


def both_restored() -> None:
    """Both runs that were interrupted."""
    restored("restored", function)
    restored("restarted", function, anew=True)


if __name__ == "__main__":
    _, KIND, STORAGE = sys.argv
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    kinds: dict[str, Any] = {
        "all": all_kinds,
        "interrupted": interrupted,
        "restored": both_restored,
        "driver": driver,
        "after": lambda: restored("driver", without_a_driver),
    }
    kinds[KIND]()
