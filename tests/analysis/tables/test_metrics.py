"""All metrics of a scenario, in validation and on the test set."""

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.findings import analyse
from analysis.forms.cells import TableInfo
from analysis.read.load import load
from analysis.tables.metrics import metrics_info
from study.record.files import EPOCHS_FILE
from study.record.objective import Objective
from tests.analysis.study_folder import Trial, epochs_of, grid, write_study

RMSE = Objective("rmse", mode="min")


def table_of(folder: Path, *, others: bool, test: bool) -> TableInfo | None:
    """Metrics of a setup with two repeats, each with its best value in epoch 2.

    `others` adds a second metric to validation, `test` a result on the test set.
    """
    trials = [
        Trial(setup=1, seed=seed, attempts=[epochs_of([9.0] * 3, [3.0, 1.0 + seed, 2.0 + seed])])
        for seed in range(2)
    ]
    write_study(folder, grid([64], [0.1]), trials, manifest={"objective": RMSE})
    rows = pd.read_parquet(folder / EPOCHS_FILE)
    if others:
        rows["val_metrics"] = [
            json.dumps({"rmse": score, "bias": 10 * score}) for score in rows["val_score"]
        ]
    if test:
        last = rows["epoch"] == 3
        rows["test_metrics"] = [json.dumps({"rmse": 1.5}) if each else None for each in last]
    rows.to_parquet(folder / EPOCHS_FILE)
    return metrics_info(analyse(load(folder)))


def test_metrics_are_those_of_the_best_epoch(tmp_path: Path) -> None:
    """Values are means over the repeats' best epochs; those of the test set have columns of their own."""
    table = table_of(tmp_path / "a", others=True, test=True)

    assert table is not None
    names = [column.key for column in table.columns]
    found = dict(zip(names, (cell.value for cell in table.rows[0]), strict=True))
    assert names[-3:] == ["rmse", "rmse_test", "bias"]
    assert (found["rmse"], found["rmse_test"], found["bias"]) == (1.5, 1.5, 15.0)
    assert "best in rmse; test: that epoch's weights" in table.legend


@pytest.mark.parametrize("test", [True, False])
def test_the_objective_alone_has_a_table_only_with_a_test_set(
    tmp_path: Path, *, test: bool
) -> None:
    """The ranking already shows its value in validation."""
    assert (table_of(tmp_path / "a", others=False, test=test) is not None) is test
