"""Accuracies that setups share which differ in cost but not in learning."""

import dataclasses
from pathlib import Path

import pytest

from analysis.findings import analyse
from analysis.read.load import load
from study.store.setups import grid
from tests.analysis.study_folder import constant, write_study

LIMITS = [{"power_limit_w": watts} for watts in (100, 200)]


def test_accuracies_of_a_seed_under_two_power_limits_are_averaged(tmp_path: Path) -> None:
    """They count once, as their mean; a seed trained under one limit only counts for both setups."""
    trials = [
        constant(1, 1.0, 0.80, seed=0),
        constant(2, 2.0, 0.82, seed=0),
        constant(2, 2.0, 0.90, seed=1),
        constant(3, 3.0, 0.50, seed=0),
        constant(4, 4.0, 0.52, seed=0),
    ]
    study = load(write_study(tmp_path / "s", grid([64, 256], [0.1], LIMITS), trials))

    setups = analyse(study).setups

    shared = [each.shared_accuracy for each in setups]
    assert [each is not None and each.count for each in shared] == [2, 2, 1, 1]
    assert shared[0] == shared[1]
    assert shared[0] is not None
    assert [round(each, 6) for each in shared[0].values] == [0.81, 0.9]


def test_setups_that_learn_differently_share_no_accuracies(tmp_path: Path) -> None:
    """With another optimiser, the training itself differs."""
    further = [{"optimizer": name} for name in ("adam", "sgd")]
    trials = [constant(number, 1.0, 0.8, seed=0) for number in (1, 2)]
    study = load(write_study(tmp_path / "s", grid([64], [0.1], further), trials))

    assert [each.shared_accuracy for each in analyse(study).setups] == [None, None]


@pytest.mark.parametrize(
    ("further", "differ"),
    [(LIMITS, False), ([{"optimizer": name} for name in ("adam", "sgd")], True)],
    ids=["shared", "not shared"],
)
def test_shared_accuracies_are_the_evidence(
    tmp_path: Path, further: list[dict[str, object]], *, differ: bool
) -> None:
    """Setups that share them do not differ in accuracy, though their own trainings do, with other seeds."""
    trials = [
        constant(setup, 1.0, accuracy + seed / 1000, seed=seed)
        for setup, accuracy, seeds in ((1, 0.80, range(3)), (2, 0.82, range(3, 6)))
        for seed in seeds
    ]
    study = load(write_study(tmp_path / "s", grid([64], [0.1], further), trials))

    evidence = analyse(study).ranking.evidence

    assert evidence is not None
    assert evidence.differ_in_accuracy(1, 2) == differ


def test_reported_accuracies_are_those_of_a_setup_itself(tmp_path: Path) -> None:
    """Shared accuracies do not replace the accuracies of a setup's own trainings."""
    trials = [constant(1, 1.0, 0.80, seed=0), constant(2, 2.0, 0.82, seed=0)]
    study = load(write_study(tmp_path / "s", grid([64], [0.1], LIMITS), trials))

    own = [dataclasses.asdict(each)["best_accuracy"]["mean"] for each in analyse(study).setups]

    assert own == [0.80, 0.82]
