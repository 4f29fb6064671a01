"""The energy of each stage, computed by hand."""

import dataclasses
from pathlib import Path

from analysis.energy.spread import Spread
from analysis.energy.stages import frames_of_stage, setup_stages, trial_stages
from analysis.read.load import load
from study.record.vocabulary import Stage, StopReason
from tests.analysis.study_folder import Epoch, Trial, grid, staged, write_study

SETUPS = grid([64], [0.1])
STAGES = (Stage.ENCODER, Stage.CLASSIFIER_FROZEN)


def test_stages_of_a_trial_are_counted_separately(tmp_path: Path) -> None:
    """Energies, epochs and accuracies of a stage do not enter another."""
    trial = staged(
        1,
        {Stage.CLASSIFIER_FROZEN: [1.0, 3.0], Stage.ENCODER: [10.0, 10.0, 10.0]},
        accuracies={Stage.CLASSIFIER_FROZEN: 0.8},
    )
    study = load(write_study(tmp_path / "a", SETUPS, [trial]))

    encoder, classifier = trial_stages(study.epochs)

    assert (encoder.stage, encoder.epochs, encoder.energy_j) == (Stage.ENCODER, 3, 30.0)
    assert encoder.accuracy is None
    assert (classifier.epochs, classifier.energy_j, classifier.accuracy) == (2, 4.0, 0.8)
    assert classifier.energy_per_epoch_j == 2.0


def test_only_a_complete_stage_has_the_energy_of_a_training(tmp_path: Path) -> None:
    """A diverged repeat counts as started, but its energy does not enter the mean."""
    whole = staged(1, {Stage.ENCODER: [10.0]}, seed=0)
    diverged = dataclasses.replace(
        staged(1, {Stage.ENCODER: [2.0]}, seed=1), stop_reason=StopReason.DIVERGED
    )
    study = load(write_study(tmp_path / "a", SETUPS, [whole, diverged]))

    encoder, classifier = setup_stages(SETUPS, STAGES, trial_stages(study.epochs))

    assert (encoder.repeats, encoder.complete, encoder.energy_j) == (2, 1, Spread.of([10.0]))
    assert encoder.stop_reasons == (StopReason.PATIENCE, StopReason.DIVERGED)
    assert (classifier.repeats, classifier.energy_j) == (0, None)


def test_a_missing_epoch_removes_the_total_of_its_stage_only(tmp_path: Path) -> None:
    """The other stage keeps its total."""
    trial = staged(1, {Stage.ENCODER: [1.0, None], Stage.CLASSIFIER_FROZEN: [2.0]})
    study = load(write_study(tmp_path / "a", SETUPS, [trial]))

    encoder, classifier = trial_stages(study.epochs)

    assert (encoder.energy_j, encoder.missing_epochs) == (None, 1)
    assert classifier.energy_j == 2.0


def test_the_accuracies_of_both_heads_are_those_of_one_epoch(tmp_path: Path) -> None:
    """It is the epoch with the best overall accuracy, not the best epoch of each head."""
    epochs = [
        Epoch(energy_j=1.0, accuracy=a, stage=Stage.BOTH, attributes=b, identity=c)
        for a, b, c in ((0.5, 0.9, 0.1), (0.7, 0.8, 0.6), (0.6, 0.4, 0.8))
    ]
    trial = Trial(setup=1, seed=0, attempts=[epochs])
    study = load(write_study(tmp_path / "a", SETUPS, [trial]))

    (both,) = trial_stages(study.epochs)

    assert (both.accuracy, both.by_task) == (0.7, {"attributes": 0.8, "identity": 0.6})


def test_a_stage_can_be_analysed_like_a_study_of_its_own(tmp_path: Path) -> None:
    """The tables have only its epochs, and the stop reason is that of the stage."""
    trial = staged(1, {Stage.CLASSIFIER_FROZEN: [1.0], Stage.ENCODER: [5.0, 5.0]})
    study = load(write_study(tmp_path / "a", SETUPS, [trial]))

    epochs, trials = frames_of_stage(study.epochs, study.trials, Stage.ENCODER)

    assert list(epochs["epoch_energy_j"]) == [5.0, 5.0]
    assert list(trials["stop_reason"]) == ["patience"]


def test_a_study_without_an_epoch_has_no_stages(tmp_path: Path) -> None:
    """An empty table of epochs gives no stages."""
    trial = Trial(setup=1, seed=0, attempts=[[Epoch(energy_j=1.0, accuracy=None)]])
    study = load(write_study(tmp_path / "a", SETUPS, [trial]))

    assert trial_stages(study.epochs.iloc[:0]) == ()
