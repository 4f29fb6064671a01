"""The energy of trials and setups: examples computed by hand, and properties."""

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.energy.bill import study_bill
from analysis.energy.spread import Spread
from analysis.energy.totals import (
    SetupEnergy,
    relative_to_worst,
    setup_energies,
    trial_energies,
)
from analysis.read.load import load
from study.record.files import EPOCHS_FILE
from study.record.vocabulary import StopReason, TrialStatus
from tests.analysis.study_folder import Epoch, Trial, constant, epochs_of, grid, write_study

ENERGIES = st.none() | st.floats(min_value=1e-3, max_value=1e9)
SETUPS = grid([64], [0.1, 0.01])


def energies_of(folder: Path, trials: list[Trial]) -> tuple[SetupEnergy, ...]:
    """Setups of a study with these trials, after writing and reading its files."""
    study = load(write_study(folder / "a", SETUPS, trials))
    return setup_energies(study.manifest.setups, trial_energies(study.epochs, study.trials))


def test_every_repeat_weighs_the_same_however_long_it_was(tmp_path: Path) -> None:
    """Energy per epoch is the mean of the repeats' means: (2 + 6) / 2, not 18 / 5."""
    trials = [
        Trial(setup=1, seed=0, attempts=[epochs_of([2.0, 2.0, 2.0], [0.1, 0.9, 0.2])]),
        Trial(setup=1, seed=1, attempts=[epochs_of([5.0, 7.0], [0.8, 0.7])]),
    ]

    first, second = energies_of(tmp_path, trials)

    assert first.energy_per_epoch_j == Spread.of([2.0, 6.0])
    assert first.energy_j == Spread(mean=9.0, std=math.sqrt(18), count=2, values=(6.0, 12.0))
    assert first.epochs == Spread.of([3.0, 2.0])
    assert pytest.approx(0.85) == first.accuracy
    assert (second.total_j, second.accuracy, second.repeats) == (None, None, 0)


def test_a_repeat_with_a_missing_epoch_has_no_total(tmp_path: Path) -> None:
    """It is left out of the setup's total, but counts for the energy per epoch."""
    trials = [
        Trial(setup=1, seed=0, attempts=[epochs_of([2.0, None], [0.5, 0.5])]),
        constant(1, 8.0, 0.5, seed=1),
        Trial(setup=2, seed=0, attempts=[epochs_of([None, None], [0.5, 0.5])]),
    ]

    partly, wholly = energies_of(tmp_path, trials)

    assert Spread(mean=8.0, std=None, count=1, values=(8.0,)) == partly.energy_j
    assert partly.energy_per_epoch_j == Spread.of([2.0, 8.0])
    assert partly.without_energy == 1
    assert (wholly.energy_j, wholly.energy_per_epoch_j) == (None, None)


def test_only_the_last_attempt_counts_and_the_rest_is_wasted(tmp_path: Path) -> None:
    """A lost attempt's joules are on the bill, not in the setup's energy."""
    lost, kept = epochs_of([100.0], [0.99]), epochs_of([3.0, 4.0], [0.5, 0.6])
    trials = [Trial(setup=1, seed=0, attempts=[lost, kept])]

    study = load(write_study(tmp_path / "a", SETUPS, trials))
    first, _ = energies_of(tmp_path / "again", trials)
    bill = study_bill(study.epochs, study.trials)

    assert (first.total_j, first.accuracy) == (7.0, 0.6)
    assert (bill.epochs_j, bill.setup_j, bill.between_j, bill.wasted_j) == (7.0, 5.0, 1.0, 100.0)


@pytest.mark.parametrize(
    ("status", "reason", "total_j"),
    [
        (TrialStatus.RUNNING, None, None),
        (TrialStatus.FAILED, StopReason.ERROR, None),
        (TrialStatus.FINISHED, StopReason.DIVERGED, None),
        (TrialStatus.FINISHED, StopReason.OUT_OF_MEMORY, None),
        (TrialStatus.FINISHED, StopReason.STOPPED, None),
        (TrialStatus.FINISHED, StopReason.TARGET, 3.0),
        (TrialStatus.FINISHED, StopReason.MAX_EPOCHS, 3.0),
    ],
)
def test_only_a_completed_training_has_a_total(
    tmp_path: Path, status: TrialStatus, reason: StopReason | None, total_j: float | None
) -> None:
    """An unfinished or failed training is not a cheap one; its energy per epoch is known nevertheless."""
    epochs = epochs_of([3.0], [0.5])
    trial = Trial(setup=1, seed=0, attempts=[epochs], status=status, stop_reason=reason)

    first, _ = energies_of(tmp_path, [trial])

    assert total_j == first.total_j
    assert Spread(mean=3.0, std=None, count=1, values=(3.0,)) == first.energy_per_epoch_j


def test_a_failed_repeat_does_not_make_a_setup_cheap(tmp_path: Path) -> None:
    """A repeat ran out of memory after 1 J, without an accuracy: one success took 100 J."""
    failed = Trial(
        setup=1,
        seed=0,
        attempts=[[Epoch(energy_j=1.0, accuracy=None)]],
        stop_reason=StopReason.OUT_OF_MEMORY,
    )

    first, _ = energies_of(tmp_path, [failed, constant(1, 99.0, 0.9, seed=1)])

    assert (first.total_j, first.accuracy) == (100.0, 0.9)
    assert (first.failed, first.failed_share) == (1, 0.5)
    assert (first.repeats, first.finished) == (2, 1)
    assert StopReason.OUT_OF_MEMORY in first.stop_reasons


@given(st.lists(ENERGIES, min_size=1))
def test_shares_of_the_worst_keep_their_order(energies: list[float | None]) -> None:
    """Shares lie in (0, 1], the largest is 1, and None stays None."""
    shares = relative_to_worst(energies)

    assert [e is None for e in energies] == [s is None for s in shares]
    known = sorted((e, s) for e, s in zip(energies, shares, strict=True) if e and s is not None)
    assert [s for _, s in known] == sorted(s for _, s in known)
    assert not known or known[-1][1] == 1


@given(st.lists(ENERGIES, min_size=1), st.floats(min_value=0.01, max_value=100))
def test_shares_do_not_depend_on_the_unit(energies: list[float | None], factor: float) -> None:
    """The same energies in another unit have the same shares."""
    scaled = [None if energy is None else energy * factor for energy in energies]

    assert relative_to_worst(energies) == pytest.approx(relative_to_worst(scaled))


@given(st.lists(ENERGIES))
def test_a_mean_leaves_missing_values_out(values: list[float | None]) -> None:
    """Missing values are not counted and do not pull the mean towards 0."""
    known = [value for value in values if value is not None]

    spread = Spread.of(values)

    assert (spread is None) == (not known)
    assert spread is None or (
        spread.count == len(known)
        and min(known) * (1 - 1e-9) <= spread.mean <= max(known) * (1 + 1e-9)
        and (spread.std is None) == (len(known) == 1)
    )


def test_common_uncertainties_add_up_and_independent_ones_by_squares(
    tmp_path: Path,
) -> None:
    """Two epochs of 10 J, with 0.5 J in common and 3 and 4 J independent: 5 % of 20 J, and 5 J."""
    trial = Trial(setup=1, seed=0, attempts=[epochs_of([10.0, 10.0], [0.5, 0.9])])
    folder = write_study(tmp_path / "a", grid([64], [0.1]), [trial])
    epochs = pd.read_parquet(folder / EPOCHS_FILE)
    epochs.assign(uncertainty_common_j=0.5, uncertainty_own_j=[3.0, 4.0]).to_parquet(
        folder / EPOCHS_FILE
    )
    study = load(folder)

    (found,) = trial_energies(study.epochs, study.trials)

    assert found.calibration == pytest.approx(0.05)
    assert found.uncertainty_own_j == 5.0
