"""Safeguards against results that look better than they are."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from analysis.findings import Findings, analyse
from analysis.ranking.criteria import RankBy
from analysis.read.load import load
from analysis.tables.setups import ranking_info
from study.record.files import EPOCHS_FILE, TRIALS_FILE
from study.record.vocabulary import EnergyMethod, EnergyStatus, StopReason
from tests.analysis.study_folder import Trial, constant, epochs_of, grid, write_study


def write_two_setups(
    folder: Path, trials: Sequence[Trial], *, method: EnergyMethod = EnergyMethod.COUNTER
) -> Path:
    """Write a study of two setups."""
    return write_study(folder / "a", grid([64], [0.1, 0.01]), trials, method=method)


def with_epoch_values(folder: Path, setup: int, **values: str | float) -> Path:
    """Overwrite columns of one setup's epochs and return the folder."""
    epochs = pd.read_parquet(folder / EPOCHS_FILE)
    for name, value in values.items():
        epochs.loc[epochs["setup"] == setup, name] = value
    epochs.to_parquet(folder / EPOCHS_FILE)
    return folder


def test_reading_that_covers_half_an_epoch_is_extrapolated_with_its_uncertainty(
    tmp_path: Path,
) -> None:
    """60 J read over half an epoch count as 120 J, give or take 60 J, not as 40 % less than 100 J."""
    trials = [constant(n, e, 0.9, seed=s) for n, e in ((1, 60.0), (2, 100.0)) for s in (0, 1)]
    folder = with_epoch_values(
        write_two_setups(tmp_path, trials),
        1,
        energy_status=EnergyStatus.DEGRADED.value,
        coverage=0.5,
    )

    found = analyse(load(folder))

    assert found.setups[0].total_j == pytest.approx(120.0)
    assert found.setups[0].uncertainty_own_j == pytest.approx(60.0)
    assert "2 epochs extrapolated from the part that was seen." in found.recommendation.caveats
    assert "40 %" not in found.recommendation.text


def test_a_reading_of_less_than_half_an_epoch_is_left_out(tmp_path: Path) -> None:
    """12 J read over a tenth of the epoch give no total, and a caveat says so."""
    trials = [constant(1, 12.0, 0.9), constant(2, 100.0, 0.9)]
    folder = with_epoch_values(
        write_two_setups(tmp_path, trials),
        1,
        energy_status=EnergyStatus.DEGRADED.value,
        coverage=0.1,
    )

    found = analyse(load(folder))

    assert found.setups[0].total_j is None
    assert found.recommendation.setup == 2
    assert "1 epoch left out, of which less than 50 % was seen." in found.recommendation.caveats


def test_each_epoch_is_counted_in_one_caveat_only(tmp_path: Path) -> None:
    """An epoch is extrapolated, left out, estimated among measured ones, missing or degraded."""
    # Setups 1 to 4 read 100 J each and differ in status, coverage and method; setup 5 has no reading.
    degraded, counter = EnergyStatus.DEGRADED.value, EnergyMethod.COUNTER
    folder = write_study(
        tmp_path / "a",
        grid([64], [0.1, 0.01, 0.001, 0.0001, 0.00001]),
        [
            *(constant(n, 100.0, 0.9) for n in range(1, 5)),
            *(constant(5, None, 0.9, seed=seed) for seed in (0, 1)),
        ],
        method=counter,
    )
    with_epoch_values(folder, 1, energy_status=degraded, coverage=0.6)
    with_epoch_values(folder, 2, energy_status=degraded, coverage=0.1)
    with_epoch_values(folder, 3, energy_status=degraded, energy_method=EnergyMethod.ESTIMATED.value)
    with_epoch_values(folder, 4, energy_status=degraded, coverage=1.0)

    caveats = analyse(load(folder)).recommendation.caveats

    assert sorted(each for each in caveats if "epoch" in each and "best epoch" not in each) == [
        "1 epoch extrapolated from the part that was seen.",
        "1 epoch left out, of which less than 50 % was seen.",
        "1 epoch with a degraded reading: the sensors disagree or leave much open.",
        "2 epochs without an energy reading; no total for setups 2, 3 and 5.",
        "Measured and estimated energies are not compared: the estimates of 1 epoch are left out.",
    ]


def test_energy_of_failed_trainings_is_charged_to_the_successful_ones(
    tmp_path: Path,
) -> None:
    """A success of 60 J and a failure of 50 J make 110 J per training; the table has the share of failures."""
    failed = dataclasses.replace(constant(1, 50.0, 0.2, seed=1), stop_reason=StopReason.DIVERGED)
    trials = [
        constant(1, 60.0, 0.9),
        failed,
        constant(2, 100.0, 0.9),
        constant(2, 101.0, 0.9, seed=1),
    ]

    found = analyse(load(write_two_setups(tmp_path, trials)))

    info = ranking_info(found)
    column = [each.key for each in info.columns].index("failed_percent")
    shares = {row[1].text: row[column].text for row in info.rows}
    assert found.recommendation.setup == 2
    assert found.setups[0].total_j == 110.0
    assert shares == {"1": "50", "2": "0"}
    assert (
        "Setup 1: 1 of 2 trainings failed, and what they used is in the energy of each that did not."
        in found.recommendation.caveats
    )


def test_energy_known_for_fewer_repeats_than_accuracy_is_reported(tmp_path: Path) -> None:
    """Three accuracies and one energy: the caveats and the table row say that the energy is one value."""
    trials = [
        constant(1, 10.0, 0.9),
        *(constant(1, None, 0.9, seed=seed) for seed in (1, 2)),
        *(constant(2, 20.0, 0.9, seed=seed) for seed in (0, 1, 2)),
    ]

    found = analyse(load(write_two_setups(tmp_path, trials)))

    info = ranking_info(found)
    column = [each.key for each in info.columns].index("energies")
    counts = {row[1].text: row[column].text for row in info.rows}
    caveats = found.recommendation.caveats
    assert "Setup 1: the accuracy is the mean of 3 trainings, the energy of 1." in caveats
    assert "Setup 1 has the energy of one training only: a difference may be chance." in caveats
    assert counts == {"1": "1 of 3", "2": "3"}


def test_energy_of_compilation_is_reported_as_no_total_includes_it(tmp_path: Path) -> None:
    """Compiling saves 10 J in epochs but takes 50 J before the first of them."""
    setups = [
        dataclasses.replace(each, parameters={"compile": each.setup == 1})
        for each in grid([64, 128], [0.1])
    ]
    folder = write_study(tmp_path / "a", setups, [constant(1, 90.0, 0.9), constant(2, 100.0, 0.9)])
    trials = pd.read_parquet(folder / TRIALS_FILE)
    trials.assign(setup_energy_j=[50.0, 2.0]).to_parquet(folder / TRIALS_FILE)

    found = analyse(load(folder))

    [caveat] = [each for each in found.recommendation.caveats if "compiled" in each]
    assert (
        "Before its first epoch a training that is compiled used 13.9 mWh, another 0.556" in caveat
    )


@pytest.mark.parametrize("by", list(RankBy))
def test_setup_at_chance_is_neither_first_nor_on_the_front(tmp_path: Path, by: RankBy) -> None:
    """A setup at the chance accuracy of 20 % has the most points per Wh but has learnt nothing."""
    trials = [
        constant(n, e, a, seed=s) for n, e, a in ((1, 1.0, 0.21), (2, 100.0, 0.9)) for s in (0, 1)
    ]

    found = analyse(load(write_two_setups(tmp_path, trials)), by=by, target=0.2)

    rows = {row.setup.setup: row for row in found.ranking.rows}
    assert found.recommendation.setup == 2
    assert (rows[1].at_chance, rows[1].on_front, rows[2].at_chance) == (True, False, False)
    assert "? cannot be distinguished from chance" in ranking_info(found).legend


def test_measured_and_estimated_energies_are_not_compared(tmp_path: Path) -> None:
    """Beside measured setups, a setup with estimates has no total and is never a saving of 60 %."""
    trials = [constant(n, e, 0.9, seed=s) for n, e in ((1, 40.0), (2, 100.0)) for s in (0, 1)]
    folder = with_epoch_values(
        write_two_setups(tmp_path, trials), 1, energy_method=EnergyMethod.ESTIMATED.value
    )

    found = analyse(load(folder))

    assert found.setups[0].total_j is None
    assert found.recommendation.setup == 2
    assert found.labels == ()
    assert any(
        "estimates of 2 epochs are left out" in caveat for caveat in found.recommendation.caveats
    )


def findings_of_short_epochs(folder: Path, method: EnergyMethod) -> Findings:
    """Findings of a study with one epoch of half a second."""
    epochs = [dataclasses.replace(each, time_s=0.5) for each in epochs_of([10.0], [0.9])]
    trial = Trial(setup=1, seed=0, attempts=[epochs])
    return analyse(load(write_two_setups(folder / method.value, [trial], method=method)))


def test_short_epochs_limit_sampled_power_but_not_estimates(tmp_path: Path) -> None:
    """Half a second holds few power samples, while its CPU time is known exactly."""
    sampled, estimated = (
        " ".join(findings_of_short_epochs(tmp_path, method).recommendation.caveats)
        for method in (EnergyMethod.SAMPLED, EnergyMethod.ESTIMATED)
    )

    assert "rest on few samples" in sampled
    assert "rest on few samples" not in estimated


def test_accuracy_on_the_test_set_is_stated_first(tmp_path: Path) -> None:
    """Validation accuracy follows it; without a test set, a caveat says that new data will score lower."""
    trials = [constant(n, e, 0.9) for n, e in ((1, 10.0), (2, 100.0))]
    folder = write_two_setups(tmp_path, trials)
    without = analyse(load(folder))

    found = analyse(load(with_epoch_values(folder, 1, test_score=0.85)))

    assert "85.0 % accuracy on the test set (90.0 % in validation)" in found.recommendation.text
    assert not any("expect less" in each for each in found.recommendation.caveats)
    assert any("expect less" in each for each in without.recommendation.caveats)


def test_only_the_recommended_setups_test_score_removes_the_caveat(
    tmp_path: Path,
) -> None:
    """Setup 1 is recommended and only setup 2 was tested, so setup 1's score is still optimistic."""
    folder = write_two_setups(tmp_path, [constant(n, e, 0.9) for n, e in ((1, 10.0), (2, 100.0))])

    found = analyse(load(with_epoch_values(folder, 2, test_score=0.85)))

    assert found.recommendation.setup == 1
    assert any("expect less" in each for each in found.recommendation.caveats)
