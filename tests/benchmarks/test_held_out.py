"""Truths that nothing was chosen by."""

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibration.held_out import HELD_OUT, held_out, of_table, recorded_grid
from benchmarks.calibration.intervals import interval_measures


@pytest.mark.slow
@pytest.mark.parametrize("world", ["uneven", "two modes", "no axes"])
def test_intervals_of_two_repeats_cover_in_other_worlds(world: str) -> None:
    """95 % intervals hold the truth in 90 to 99.5 % of 300 studies, 80 where spreads differ ninefold."""
    rng = np.random.default_rng(0)

    found = interval_measures(held_out(world, rng, 300), rng, repeats=2, draws=300)

    least = 0.8 if world == "uneven" else 0.88
    assert 0.9 <= found["total"] <= 0.995
    assert 0.9 <= found["fixed pair"] <= 0.995
    assert found["against costliest"] >= least


@pytest.mark.parametrize("world", HELD_OUT)
def test_repeats_scatter_round_the_truth_as_it_says(world: str) -> None:
    """Mean and standard deviation of 400 repeats of 16 setups."""
    rng = np.random.default_rng(0)
    truth = held_out(world, rng, 3)

    energies, objectives = truth.observed(rng, 400)

    for seen, mean, deviation in (
        (energies, truth.energy, truth.energy_deviation),
        (objectives, truth.objective, truth.objective_deviation),
    ):
        off = (seen - mean[..., None]) / deviation[..., None]
        assert off.mean() == pytest.approx(0.0, abs=0.03)
        assert off.std() == pytest.approx(1.0, abs=0.2)


def test_a_table_of_recordings_is_a_grid_of_four_by_four(tmp_path: Path) -> None:
    """Of five batch sizes and four power limits; energies add up over epochs, the best score counts."""
    rows = [
        {"batch_size": b, "power_limit_w": p, "learning_rate": 0.1, "seed": s, "epoch": e}
        | {"val_accuracy": 0.1 * e, "epoch_energy_j": float(b)}
        for b, p, s, e in itertools.product((8, 16, 32, 64, 128), (1, 2, 3, 4), (1, 2), (1, 2, 3))
    ]
    table = tmp_path / "t.csv"
    pd.DataFrame(rows).to_csv(table)

    found = recorded_grid(table)

    assert found.shape == (16, 2, 2)
    assert found[0, :, 0].tolist() == pytest.approx([math.log(24)] * 2)
    assert found[-1, :, 1].tolist() == pytest.approx([0.3] * 2)
    assert of_table(table, 5).energy.shape == (5, 16)
