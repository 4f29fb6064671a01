"""Caveats and wording of the recommendation."""

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.advice.carbon import factors_of
from analysis.advice.readings import of_epochs
from analysis.advice.recommendation import recommend
from analysis.findings import analyse
from analysis.read.load import load
from analysis.tables.terminal import bill_line
from study.record.vocabulary import StopReason
from tests.analysis.study_folder import Epoch, Trial, constant, grid, write_study


@pytest.mark.parametrize(
    ("cut_off", "reported"), [(0, False), (1, False), (2, True), (4, True)], ids=str
)
def test_trainings_that_end_at_the_limit_of_epochs_are_reported(
    tmp_path: Path, cut_off: int, *, reported: bool
) -> None:
    """If half of them do, totals are what was allowed rather than what a training takes."""
    trials = [
        dataclasses.replace(
            constant(setup, 100.0, 0.9),
            stop_reason=StopReason.MAX_EPOCHS if setup <= cut_off else StopReason.PATIENCE,
        )
        for setup in (1, 2, 3, 4)
    ]

    findings = analyse(load(write_study(tmp_path / "s", grid([64, 256], [0.1, 0.01]), trials)))

    caveats = " ".join(findings.recommendation.caveats)
    assert ("ended at the limit of epochs" in caveats) == reported


@pytest.mark.parametrize(
    ("options", "reported"), [({"max_epochs": 30}, True), ({}, True), ({"seed_key": "seed"}, False)]
)
def test_an_unknown_limit_of_epochs_is_not_blamed(
    tmp_path: Path, options: dict[str, object], *, reported: bool
) -> None:
    """A Tune trainable that ended by itself may have no limit; studies and callbacks know theirs."""
    cut_off = dataclasses.replace(constant(1, 100.0, 0.9), stop_reason=StopReason.MAX_EPOCHS)
    study = load(write_study(tmp_path / "s", grid([64], [0.1]), [cut_off]))
    manifest = dataclasses.replace(study.manifest, options=options)

    findings = analyse(dataclasses.replace(study, manifest=manifest))

    assert ("limit of epochs" in " ".join(findings.recommendation.caveats)) == reported


@pytest.mark.parametrize(
    ("energies_j", "options", "reported"),
    [
        ((60.0, 2.0, 2.0, 2.0), {"seed_key": "seed"}, True),
        ((3.0, 2.0, 2.0, 2.0), {"seed_key": "seed"}, False),
        ((60.0, 2.0), {"seed_key": "seed"}, False),
        ((60.0, None, 2.0, 2.0), {"seed_key": "seed"}, False),
        ((60.0, 2.0, 2.0, 2.0), {"max_epochs": 30}, False),
    ],
)
def test_a_first_step_that_outweighs_the_others_is_named(
    tmp_path: Path,
    energies_j: tuple[float | None, ...],
    options: dict[str, object],
    *,
    reported: bool,
) -> None:
    """A Tune function sets up within its first step; the set-up of a study is in no step."""
    attempt = [Epoch(energy_j=each, accuracy=0.9) for each in energies_j]
    study = load(
        write_study(tmp_path / "s", grid([64], [0.1]), [Trial(setup=1, seed=0, attempts=[attempt])])
    )
    manifest = dataclasses.replace(study.manifest, options=options)

    findings = analyse(dataclasses.replace(study, manifest=manifest))

    caveats = " ".join(findings.recommendation.caveats)
    assert ("The first step of a training took 91 % of its energy" in caveats) == reported


def test_added_energy_has_an_interval_of_additions(tmp_path: Path) -> None:
    """20 J and 22 J against a baseline of 10 J add 110 %, in an interval without minus signs."""
    trials = [
        constant(setup, energy_j, accuracy, seed=seed)
        for setup, energies_j, accuracy in ((1, (10.0, 10.0), 0.5), (2, (20.0, 22.0), 0.9))
        for seed, energy_j in enumerate(energies_j)
    ]

    findings = analyse(
        load(write_study(tmp_path / "s", grid([64], [0.1, 0.01]), trials)), baseline=1
    )

    found = re.search(
        r"It adds 110 % \(95 % interval (\d+) to (\d+) %\) against the baseline \(setup 1, 50\.0 %\)",
        findings.recommendation.text,
    )
    assert found is not None
    assert int(found[1]) < 110 < int(found[2])


def test_a_reference_with_several_roles_is_named_once(tmp_path: Path) -> None:
    """The baseline is also the costliest and the most accurate; one sentence says what it costs more."""
    trials = [constant(1, 3600.0, 0.9), constant(2, 1800.0, 0.895)]
    study = load(write_study(tmp_path / "s", grid([64], [0.1, 0.01]), trials))

    advice = analyse(study, baseline=1, factors=factors_of(price=1.0)).recommendation.text

    assert advice.count(" less than with the ") == 1
    assert "less than with the most accurate." in advice


def test_savings_that_may_be_chance_are_not_converted(tmp_path: Path) -> None:
    """Setups that cannot be told apart in energy have no saving in gas or money either."""
    trials = [
        constant(setup, energy_j, 0.9, seed=seed)
        for setup, energies_j in ((1, (60.0, 100.0)), (2, (70.0, 110.0)))
        for seed, energy_j in enumerate(energies_j)
    ]
    study = load(write_study(tmp_path / "s", grid([64], [0.1, 0.01]), trials))

    advice = analyse(study, factors=factors_of(price=1.0)).recommendation.text

    assert "Setup 2 (the costliest) cannot be told apart from it in energy." in advice
    assert " in money" in advice
    assert " less than with the " not in advice


def test_no_other_setup_is_more_accurate_only_if_none_is_named_as_such(tmp_path: Path) -> None:
    """Probabilities may favour one setup while another has the best mean."""
    trials = [
        constant(setup, joules + seed / 10, accuracy, seed=seed)
        for setup, joules, accuracy in ((1, 2.592, 0.9), (2, 5.184, 0.7))
        for seed in (0, 1)
    ]
    found = analyse(load(write_study(tmp_path / "s", grid([64], [0.1, 0.01]), trials)))
    other = next(each for each in found.setups if each.setup == 2)
    ranking = dataclasses.replace(found.ranking, best=other)

    text = recommend(found.study, found.setups, ranking, paradigm=found.paradigm).text

    assert "No other setup is more accurate" in found.recommendation.text
    assert "No other setup is more accurate" not in text
    assert "the most accurate" in text


def test_a_missing_objective_is_the_reason_for_no_recommendation(tmp_path: Path) -> None:
    """The reason is not that no setup is good enough; the metrics that exist are named."""
    cut_off = dataclasses.replace(constant(1, 100.0, 0.9), stop_reason=StopReason.MAX_EPOCHS)
    study = load(write_study(tmp_path / "s", grid([64], [0.1]), [cut_off]))
    epochs = study.epochs.assign(val_score=float("nan"), val_metrics='{"loss": 1.0}')

    findings = analyse(dataclasses.replace(study, epochs=epochs))

    assert findings.recommendation.text == (
        "No recommendation: no training has a value of accuracy, which decides; their metrics are loss."
    )


def test_a_training_that_a_scheduler_stopped_is_named(tmp_path: Path) -> None:
    """Its energy is less than a training takes, and is in no total."""
    trials = [
        constant(1, 100.0, 0.9),
        dataclasses.replace(constant(2, 50.0, 0.8), stop_reason=StopReason.STOPPED),
    ]

    findings = analyse(load(write_study(tmp_path / "s", grid([64], [0.1, 0.01]), trials)))

    assert (
        "Setup 2 stopped early: the energy used until then is in no total."
        in findings.recommendation.caveats
    )


def test_degraded_readings_are_reported_by_their_cause() -> None:
    """Causes are a board that others used too, a device that was away, and uncertain sensors."""
    epochs = pd.DataFrame(
        {
            "energy_status": ["degraded", "degraded", "degraded", "ok"],
            "energy_method": ["counter"] * 4,
            "epoch_energy_j": [10.0, 10.0, 10.0, 10.0],
            "epoch_time_s": [5.0, 5.0, 0.5, 0.5],
            "shared_by": [2.0, None, None, None],
            "coverage": [1.0, 0.5, 1.0, 1.0],
            "uncertainty_own_j": [1.0, 5.0, 4.0, 2.0],
        }
    )

    all_causes, short = list(of_epochs(epochs))
    (one,) = of_epochs(epochs[:1])

    assert all_causes == (
        "3 epochs with a degraded reading: in 1 the board was used by others too, in 1 the device was not "
        "seen all the time and in 1 the sensors disagree or leave much open."
    )
    assert one == "1 epoch with a degraded reading: the board was used by others too."
    assert short == (
        "50 % of the epochs are shorter than 2 s: a single reading is known to ±30 % (median), the total "
        "of a training better."
    )


def test_epochs_without_an_energy_are_not_called_short(tmp_path: Path) -> None:
    """There is no reading that could rest on few samples."""
    epochs = [Epoch(energy_j=None, accuracy=0.9, time_s=0.5)]
    trials = [Trial(setup=setup, seed=0, attempts=[epochs]) for setup in (1, 2)]

    findings = analyse(load(write_study(tmp_path / "s", grid([64], [0.1, 0.01]), trials)))

    assert not any("few samples" in each for each in findings.recommendation.caveats)
    assert bill_line(findings.bill, findings.unit) == "not known, and 2 epochs without a reading"


def test_a_study_that_seems_to_run_may_have_been_killed(tmp_path: Path) -> None:
    """Both leave the same folder, so the caveat names both."""
    trials = [constant(1, 100.0, 0.9)]
    folder = write_study(tmp_path / "s", grid([64], [0.1]), trials, manifest={"status": "running"})

    caveats = " ".join(analyse(load(folder)).recommendation.caveats)

    assert "The study is still running, or its command was killed: 1 of 1 trials" in caveats


def test_the_first_error_is_stated_if_all_trials_failed(tmp_path: Path) -> None:
    """Waiting would not help, whether epochs have ended or not."""
    study = load(write_study(tmp_path / "s", grid([64], [0.1]), [constant(1, 100.0, 0.9)]))
    trials = study.trials.assign(status="failed", error="RuntimeError: boom")

    for epochs in (study.epochs, study.epochs[:0]):
        found = analyse(dataclasses.replace(study, epochs=epochs, trials=trials))

        assert found.recommendation.text == (
            "No recommendation: every trial failed, the first with RuntimeError: boom."
        )
