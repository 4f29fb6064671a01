"""Real Tune runs without readings: measuring never ends a training."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import ray
from ray import tune
from ray.tune.error import TuneError
from ray.tune.schedulers import ASHAScheduler, PopulationBasedTraining
from ray.tune.search.optuna import OptunaSearch

from study import EnergyBudget, EnergyLedger, measured
from study.instrument.keeper import keeper_of_trials

pytestmark = pytest.mark.ray

EPOCHS = 3


class Counting(tune.Trainable):
    """Trainable that counts its steps and resumes from a checkpoint."""

    def setup(self, config: dict[str, Any]) -> None:  # noqa: ARG002 - as Tune calls it
        """Begin at 0."""
        self.steps = 0

    def step(self) -> dict[str, Any]:
        """Train one epoch."""
        self.steps += 1
        return {"accuracy": self.steps / 10, "done": self.steps >= EPOCHS}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:  # noqa: ARG002 - as Tune calls it
        """Save the count."""
        return {"steps": self.steps}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Resume from a saved count."""
        self.steps = (checkpoint or {})["steps"]

    def reset_config(self, new_config: dict[str, Any]) -> bool:  # noqa: ARG002 - as Tune calls it
        """Begin at 0 again: one process runs several trials."""
        self.steps = 0
        return True


def asha() -> dict[str, Any]:
    """Configure ASHA with rungs in watt-hours, and a search by both accuracy and watt-hours."""
    scheduler: Any = ASHAScheduler
    return {
        "search_alg": OptunaSearch(metric=["accuracy", "energy_wh"], mode=["max", "min"], seed=0),
        "num_samples": 2,
        "scheduler": scheduler(
            time_attr="energy_wh", metric="accuracy", mode="max", grace_period=0.01, max_t=1
        ),
    }


def population() -> dict[str, Any]:
    """Configure population based training that minimises watt-hours."""
    return {
        "scheduler": PopulationBasedTraining(
            time_attr="training_iteration",
            metric="energy_wh",
            mode="min",
            perturbation_interval=1,
            hyperparam_mutations={"lr": [0.1, 0.01]},
        )
    }


@pytest.fixture(scope="module", autouse=True)
def local_ray() -> Iterator[None]:
    """Start a Ray on this machine alone."""
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def fitted(
    tmp_path: Path,
    config: dict[str, Any],
    *,
    stop: tune.Stopper | None = None,
    callbacks: tuple[tune.Callback, ...] = (),
    trainable: Any = Counting,  # noqa: ANN401 - a function or a class
) -> tune.ResultGrid:
    """Run two trials."""
    rates = (0.1, 0.01)
    space = tune.choice(rates) if "search_alg" in config else tune.grid_search(rates)
    return tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"lr": space},
        tune_config=tune.TuneConfig(reuse_actors=True, **config),
        run_config=tune.RunConfig(
            name="run",
            storage_path=str(tmp_path),
            verbose=0,
            stop=stop,
            callbacks=list(callbacks),
        ),
    ).fit()


@pytest.mark.parametrize("config", [asha, population])
def test_missing_readings_do_not_end_a_run(
    tmp_path: Path, config: Callable[[], dict[str, Any]]
) -> None:
    """Without the power source, schedulers still get a number, and the status says that it is missing."""
    ledger = EnergyLedger(objective="accuracy", mode="max", is_share=True, tracker="nvml")

    grid = fitted(tmp_path, config(), callbacks=(ledger,), trainable=measured(Counting))

    epochs = pd.read_parquet(tmp_path / "run" / "epochs.parquet")
    assert not grid.errors
    for result in (grid[number] for number in range(len(grid))):
        assert result.metrics is not None
        assert result.metrics["energy_wh"] == 0.0
        assert result.metrics["energy_status"] == "missing"
        assert result.metrics["epoch_energy_j"] is None
    assert set(epochs["energy_status"]) == {"missing"}
    assert epochs["epoch_energy_j"].isna().all()
    assert epochs["trial_id"].nunique() == 2


def test_without_a_ledger_trials_are_measured_too(tmp_path: Path) -> None:
    """The first trial starts the keeper of the trackers, the others use it, and it outlives them all."""
    grid = fitted(tmp_path, {}, trainable=measured(Counting))

    assert not grid.errors
    frame = grid.get_dataframe()
    assert set(frame["energy_method"]) == {"estimated"}
    assert ray.get(keeper_of_trials().trackers.remote()), "another keeper than the trials had"


def test_a_budget_for_an_unmeasured_trainable_is_refused(tmp_path: Path) -> None:
    """The budget would never end the run; the message says what to do."""
    with pytest.raises(TuneError, match=r"Give tune.Tuner measured\(trainable\)"):
        fitted(tmp_path, {}, stop=EnergyBudget(watt_hours=1))
