"""`python -m study.pretraining` and `study.multitask`, from the command line to the study's folder."""

from pathlib import Path

import pandas as pd
import pytest

from study.record.manifest import Manifest
from study.record.vocabulary import Stage
from study.scenario import Data
from tests.end_to_end.conftest import BARE, run_here
from tests.study.staged import Waves

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]

PRETRAINING = {
    Stage.ENCODER,
    Stage.CLASSIFIER_FROZEN,
    Stage.CLASSIFIER_UNFROZEN,
    Stage.ENCODER_CLASSIFIER,
}


def test_pretraining_trains_four_stages_each_with_its_energy(tmp_path: Path) -> None:
    """Every epoch has an energy; the encoder has no score, and latent features have a window of their own."""
    status, folder = run_here(
        tmp_path,
        *("--smoke", "--scenario", "tests.study.staged:Waves"),
        program="study.pretraining",
    )

    assert status == 0
    epochs = pd.read_parquet(folder / "epochs.parquet")
    windows = pd.read_parquet(folder / "windows.parquet")
    trials = pd.read_parquet(folder / "trials.parquet")
    manifest = Manifest.from_json((folder / "study.json").read_text())
    assert set(manifest.stages) == PRETRAINING
    assert set(trials["status"]) == {"finished"}
    by_trial = epochs.groupby("trial_id")["stage"].agg(set)
    assert all(stages == PRETRAINING for stages in by_trial)
    last = epochs.groupby(["trial_id", "stage"]).tail(1)
    assert last["stop_reason"].notna().all()
    autoencoder = epochs["stage"] == Stage.ENCODER
    assert epochs.loc[autoencoder, "val_score"].isna().all()
    assert epochs.loc[~autoencoder, "val_score"].notna().all()
    assert (epochs["epoch_energy_j"] > 0).all()
    assert (windows["stage"] == "latents").sum() == len(trials)


def test_multitask_trains_each_task_alone_and_both_for_each_alpha(tmp_path: Path) -> None:
    """Alpha is an axis of the grid, and each stage reports the accuracies of the heads that it trains."""
    status, folder = run_here(
        tmp_path,
        *("--scenario", "tests.study.staged:Pairs", "--alpha", "0.25", "0.75", *BARE),
        *("--batch-sizes", "8", "--learning-rates", "0.1", "--repeats", "1", "--max-epochs", "2"),
        program="study.multitask",
    )

    assert status == 0
    epochs = pd.read_parquet(folder / "epochs.parquet")
    assert set(epochs["parameters"]) == {'{"alpha": 0.25}', '{"alpha": 0.75}'}
    for stage, heads in {
        "attributes": {"attributes"},
        "identity": {"identity"},
        "both": {"attributes", "identity"},
    }.items():
        rows = epochs[epochs["stage"] == stage]
        for head in ("attributes", "identity"):
            assert rows["val_metrics"].str.contains(f"{head}/accuracy").all() == (head in heads)


class Unread(Waves):
    """A scenario without tasks, whose data cannot be read."""

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Refuse to read."""
        message = f"no data in {data_dir}, seed {seed}"
        raise FileNotFoundError(message)


def test_a_scenario_without_two_tasks_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is refused before its data are read and before Ray is reached; no traceback is shown."""
    status, folder = run_here(
        tmp_path,
        *("--smoke", "--scenario", f"{__name__}:Unread", "--address", "nowhere"),
        program="study.multitask",
    )

    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert not folder.exists()
    assert "scenario waves has no tasks" in err
    assert "Traceback" not in err
