"""Whole studies on the board: the paper's Table 2, and two trials on one board at once."""

import json
from typing import Any

import pandas as pd

from benchmarks.gpu.board import Board, ran

SIXTEEN = (
    *("--batch-sizes", "64", "256", "1024", "4096"),
    *("--learning-rates", "0.1", "0.01", "0.001", "0.0001"),
)
FOUR = ("--batch-sizes", "256", "1024", "--learning-rates", "0.001", "0.0001")
FORMATS = ("fp32", "tf32", "bf16")
BY_FORMAT = (
    *("--batch-sizes", "256", "4096", "--learning-rates", "0.001"),
    *("--axis", f"precision={','.join(FORMATS)}", "--repeats", "2"),
)
ONE = ("--batch-sizes", "256", "--learning-rates", "0.001")
EPOCHS = 6
IMAGE_SIZE = 128


def table2(board: Board) -> dict[str, Any]:
    """Return the energy per epoch of 16 setups on the CelebA sample with resnet18 (the paper's Table 2)."""
    epochs = _studied(board, "table2", *(ONE if board.emulated else SIXTEEN))
    cells: Any = epochs.groupby(["batch_size", "learning_rate"])
    return {
        "rows": [
            {
                "batch_size": int(batch_size),
                "learning_rate": float(learning_rate),
                "epochs": len(rows),
                "epoch_energy_j": float(rows["epoch_energy_j"].median()),
                "epoch_time_s": float(rows["epoch_time_s"].median()),
            }
            for (batch_size, learning_rate), rows in cells
        ],
        "status": epochs["energy_status"].value_counts().to_dict(),
        "method": epochs["energy_method"].value_counts().to_dict(),
    }


def two_trials_on_one_board(board: Board) -> dict[str, Any]:
    """Run four setups one by one and two at once, and return what is charged and how it is flagged."""
    setups = ONE if board.emulated else FOUR
    found = {}
    for name, gpus in (("one by one", "1"), ("two at once", "0.5")):
        epochs = _studied(board, f"shared-{gpus}", *setups, "--gpus-per-trial", gpus)
        found[name] = {
            "energy_j": float(epochs["epoch_energy_j"].sum()),
            "time_s": float(epochs["epoch_time_s"].sum()),
            "status": epochs["energy_status"].value_counts().to_dict(),
            "shared_by": epochs["shared_by"].fillna(0).astype(int).value_counts().to_dict(),
        }
    return found


def number_formats(board: Board) -> dict[str, Any]:
    """Run a study with number formats and batch sizes as axes; return energy per epoch and accuracy."""
    options = (
        BY_FORMAT if not board.emulated else (*ONE, "--axis", "precision=fp32", "--repeats", "1")
    )
    return by_format(_studied(board, "formats", *options))


def by_format(epochs: pd.DataFrame) -> dict[str, Any]:
    """Return the values of `number_formats` from the epoch rows of its study."""
    formats = epochs["parameters"].map(lambda each: json.loads(each)["precision"])
    cells: Any = epochs.groupby(["batch_size", pd.Categorical(formats, FORMATS)], observed=True)
    return {
        "rows": [
            {
                "batch_size": int(batch_size),
                "precision": str(value),
                "trials": int(rows["trial_id"].nunique()),
                "epoch_energy_j": float(rows["epoch_energy_j"].median()),
                "epoch_time_s": float(rows["epoch_time_s"].median()),
                "best_val_score": float(rows.groupby("trial_id")["val_score"].max().mean()),
            }
            for (batch_size, value), rows in cells
        ],
        "status": epochs["energy_status"].value_counts().to_dict(),
    }


def _studied(board: Board, name: str, *options: str) -> pd.DataFrame:
    """Run a regime study with the product's own command, and return its epoch rows."""
    epochs, image_size = int(board.size(EPOCHS, 1)), int(board.size(IMAGE_SIZE, 32))
    ran(
        *("-m", "study.regime", "--scenario", "celeba", "--image-size", str(image_size)),
        *(() if "--repeats" in options else ("--repeats", "1")),
        *("--max-epochs", str(epochs), "--patience", str(epochs)),
        *("--tracker", "nvml", "--results-dir", str(board.out), "--name", name, "--no-report"),
        *options,
    )
    return pd.read_parquet(board.out / name / "epochs.parquet")
