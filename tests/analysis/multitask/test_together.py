"""Training tasks together or one by one, and freezing the encoder, computed by hand."""

from pathlib import Path

import pytest

from analysis.energy.savings import saving_over
from analysis.energy.spread import Spread
from analysis.energy.stages import setup_stages, trial_stages
from analysis.forms.scores import ScoreForm
from analysis.multitask.tables import multitask_table
from analysis.multitask.together import multitask_info
from analysis.pretraining.freezing import freezing_info
from analysis.read.load import load
from study.record.files import WH
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY
from study.record.vocabulary import Stage
from tests.analysis.study_folder import grid, staged, write_study

ATTRIBUTES, IDENTITY, BOTH = "attributes", "identity", Stage.BOTH
FROZEN, UNFROZEN = Stage.CLASSIFIER_FROZEN, Stage.CLASSIFIER_UNFROZEN
SETUPS = tuple(
    SetupFacts(setup=n, batch_size=64, learning_rate=0.1, parameters={"alpha": alpha})
    for n, alpha in ((1, 0.25), (2, 0.75))
)


def test_training_together_is_compared_with_the_sum_of_one_by_one(tmp_path: Path) -> None:
    """20 + 40 = 60 J one by one, 30 J together: half is saved, at 5 and 2 points of accuracy."""
    heads = {ATTRIBUTES: (0.9, None), IDENTITY: (None, 0.8), BOTH: (0.85, 0.78)}
    trials = [
        staged(
            setup,
            {ATTRIBUTES: [10.0, 10.0], IDENTITY: [20.0, 20.0], BOTH: [together, together]},
            accuracies={ATTRIBUTES: 0.9, IDENTITY: 0.8, BOTH: 0.815},
            heads=heads,
        )
        for setup, together in ((1, 15.0), (2, 45.0))
    ]
    study = load(write_study(tmp_path / "a", SETUPS, trials))
    stages = trial_stages(study.epochs)

    found = multitask_info(
        SETUPS, setup_stages(SETUPS, (ATTRIBUTES, IDENTITY, BOTH), stages), stages
    )

    first, second = found.rows
    assert first.saving is not None
    assert second.saving is not None
    assert (first.saving.reference_j.mean, first.saving.energy_j.mean) == (60.0, 30.0)
    assert (first.saving.share, second.saving.share) == (0.5, -0.5)
    given_up = {task: change and change.shortfall for task, change in first.score_changes.items()}
    assert given_up == pytest.approx({"attributes": 0.05, "identity": 0.02})
    assert (first.parameters, second.parameters) == ({"alpha": 0.25}, {"alpha": 0.75})
    assert found.over_setups is not None
    assert found.over_setups.share == 0.0
    assert found.over_setups.shares == Spread.of([0.5, -0.5])
    attributes, _, both = found.tasks
    assert attributes.energy_per_epoch_j == Spread.of([10.0, 10.0])
    assert both.energy_j == Spread.of([30.0, 90.0])
    assert both.epochs == Spread.of([2.0, 2.0])


def test_any_number_of_tasks_can_be_compared(tmp_path: Path) -> None:
    """10 + 20 + 30 = 60 J one by one, 45 J together; the last stage trains all tasks."""
    energies = {"where": [10.0], "which": [20.0], "near": [30.0], "all": [45.0]}
    study = load(write_study(tmp_path / "a", SETUPS[:1], [staged(1, energies)]))
    stages = trial_stages(study.epochs)

    found = multitask_info(SETUPS[:1], setup_stages(SETUPS[:1], (*energies,), stages), stages)

    assert found.names == ("where", "which", "near")
    assert found.over_setups is not None
    assert found.over_setups.share == 0.25
    table = multitask_table(found, (), ScoreForm(ACCURACY), WH)
    assert [c.heading for c in table.columns][-3:] == [
        "where points",
        "which points",
        "near points",
    ]


def test_a_repeat_without_one_of_the_energies_is_not_compared(tmp_path: Path) -> None:
    """Without the energy of identity, one by one would look cheap."""
    trials = [staged(1, {ATTRIBUTES: [10.0], IDENTITY: [None], BOTH: [5.0]})]
    study = load(write_study(tmp_path / "a", SETUPS, trials))
    stages = trial_stages(study.epochs)

    found = multitask_info(
        SETUPS, setup_stages(SETUPS, (ATTRIBUTES, IDENTITY, BOTH), stages), stages
    )

    assert [row.saving for row in found.rows] == [None, None]
    assert found.over_setups is None


def test_savings_of_freezing_agree_with_a_computation_by_hand(tmp_path: Path) -> None:
    """Frozen takes 10 of 40 J and 30 of 60 J, so saves 60 % over both setups, at 88 instead of 90 %."""
    setups = grid([64], [0.1, 0.01])
    trials = [
        staged(n, {FROZEN: [f], UNFROZEN: [u]}, accuracies={FROZEN: 0.88, UNFROZEN: 0.90})
        for n, f, u in ((1, 10.0, 40.0), (2, 30.0, 60.0))
    ]
    study = load(write_study(tmp_path / "a", setups, trials))
    stages = trial_stages(study.epochs)

    found = freezing_info(setups, setup_stages(setups, (FROZEN, UNFROZEN), stages), stages)

    assert [row.saving and row.saving.share for row in found.rows] == [0.75, 0.5]
    assert found.over_setups is not None
    assert found.over_setups.share == pytest.approx(0.6)
    assert found.rows[0].score_change is not None
    assert found.rows[0].score_change.shortfall == pytest.approx(0.02)
    assert found.latents_j is None


def test_a_reference_of_zero_joules_gives_no_share() -> None:
    """A share of 0 J is undefined."""
    found = saving_over([(0.0, 0.0), (None, 1.0)])

    assert found is not None
    assert (found.share, found.shares) == (None, None)
