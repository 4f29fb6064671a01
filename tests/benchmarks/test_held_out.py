"""Held-out truths, by which nothing was tuned."""

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
    """95 % intervals contain the truth in 90 to 99.5 % of 300 studies.

    Those of the difference to the costliest setup do so in 88 % or more, and in 80 % where spreads differ
    ninefold.
    """
    rng = np.random.default_rng(0)

    found = interval_measures(held_out(world, rng, 300), rng, repeats=2, draws=300)

    least = 0.8 if world == "uneven" else 0.88
    assert 0.9 <= found["total"] <= 0.995
    assert 0.9 <= found["fixed pair"] <= 0.995
    assert found["against costliest"] >= least


@pytest.mark.parametrize("world", HELD_OUT)
def test_repeats_scatter_around_the_truth(world: str) -> None:
    """400 repeats of 16 setups have the mean and the standard deviation of the truth."""
    rng = np.random.default_rng(0)
    truth = held_out(world, rng, 3)

    energies, objectives = truth.observed(rng, 400)

    for observed, mean, deviation in (
        (energies, truth.energy, truth.energy_deviation),
        (objectives, truth.objective, truth.objective_deviation),
    ):
        standardised = (observed - mean[..., None]) / deviation[..., None]
        assert standardised.mean() == pytest.approx(0.0, abs=0.03)
        assert standardised.std() == pytest.approx(1.0, abs=0.2)


def test_a_table_of_recordings_is_a_grid_of_four_by_four(tmp_path: Path) -> None:
    """Four of five batch sizes are kept; energies are summed over epochs, and the best accuracy counts."""
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
