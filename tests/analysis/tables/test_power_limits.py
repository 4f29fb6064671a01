"""Energy and time under the power limits that trainings measured."""

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.findings import Findings, analyse
from analysis.read.load import load
from analysis.tables.power_limits import limit_costs, power_limits_info
from study.record.files import EPOCHS_FILE
from tests.analysis.study_folder import Trial, epochs_of, grid, write_study


def findings_of(folder: Path, *profiles: dict[float, float | None]) -> Findings:
    """Findings of repeats that measured these joules for 100 samples in 2 s, by limit."""
    trials = [
        Trial(setup=1, seed=seed, attempts=[epochs_of([9.0, 9.0], [0.5, 0.6])])
        for seed in range(max(1, len(profiles)))
    ]
    write_study(folder, grid([64], [0.1]), trials)
    rows = pd.read_parquet(folder / EPOCHS_FILE)
    profile_texts = [
        json.dumps(
            [
                {"power_limit_w": w, "energy_j": j, "time_s": 2.0, "samples": 100, "slices": 1}
                for w, j in profile.items()
            ]
        )
        for profile in profiles
    ]
    rows["power_profile"] = [
        profile_texts[seed] if epoch == 1 and profile_texts else None
        for seed, epoch in zip(rows["seed"], rows["epoch"], strict=True)
    ]
    rows.to_parquet(folder / EPOCHS_FILE)
    return analyse(load(folder))


def test_the_cost_of_a_limit_is_that_of_an_epoch_of_all_samples(tmp_path: Path) -> None:
    """Energy and time are means over the trainings, with the number of those that chose the limit."""
    findings = findings_of(tmp_path / "a", {200.0: 10.0, 300.0: 30.0}, {200.0: 20.0, 300.0: 15.0})

    low, high = limit_costs(findings)

    samples = findings.study.manifest.data.train_samples
    assert samples is not None
    times = samples / 100
    assert (low.power_limit_w, low.trials, low.chosen) == (200.0, 2, 1)
    assert low.epoch_j is not None
    assert low.epoch_s is not None
    assert low.epoch_j.mean == pytest.approx(15.0 * times)
    assert low.epoch_s.mean == pytest.approx(2.0 * times)
    assert (high.power_limit_w, high.chosen) == (300.0, 1)


def test_a_limit_without_an_energy_is_shown_but_not_chosen(tmp_path: Path) -> None:
    """A missing energy is not the least."""
    findings = findings_of(tmp_path / "a", {200.0: None, 300.0: 30.0})

    low, high = limit_costs(findings)

    assert (low.epoch_j, low.chosen, high.chosen) == (None, 0, 1)


def test_the_table_marks_the_limit_that_most_trainings_chose(tmp_path: Path) -> None:
    """Each limit has a row."""
    table = power_limits_info(findings_of(tmp_path / "a", {200.0: 10.0, 300.0: 30.0}))

    assert table is not None
    assert [row[-1].text for row in table.rows] == ["●", ""]
    assert [row[-5].text for row in table.rows] == ["200", "300"]


def test_a_study_that_measured_no_limit_has_no_table(tmp_path: Path) -> None:
    """Its epochs have no power profile."""
    assert power_limits_info(findings_of(tmp_path / "a")) is None
