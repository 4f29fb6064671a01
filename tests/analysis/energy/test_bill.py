"""The energy bill of a study, and what is missing from it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.energy.bill import Bill, study_bill
from analysis.findings import analyse
from analysis.read.load import load
from analysis.tables.terminal import bill_line
from study.record.files import EPOCHS_FILE, unit_of
from study.record.manifest import ComponentFacts
from study.record.vocabulary import EnergyMethod, EnergyScope, TrialStatus
from tests.analysis.study_folder import Epoch, Trial, epochs_of, grid, write_study

KEPT = epochs_of([3.0, 4.0], [0.5, 0.6])


def bill_of(folder: Path, *attempts: Sequence[Sequence[Epoch]]) -> Bill:
    """Bill of a study with a trial for each list of attempts; each has 5 J of set-up and 1 J between epochs."""
    trials = [Trial(setup=1, seed=seed, attempts=each) for seed, each in enumerate(attempts)]
    study = load(write_study(folder, grid([64], [0.1]), trials))
    return study_bill(study.epochs, study.trials)


def test_energy_of_a_lost_attempt_without_a_reading_is_unknown(tmp_path: Path) -> None:
    """It does not count as 0 J."""
    bill = bill_of(tmp_path / "s", [epochs_of([None], [0.9]), KEPT])

    assert (bill.wasted_j, bill.missing_lost, bill.total_j) == (None, 1, 13.0)
    assert bill_line(bill, unit_of(5.0)).endswith(
        "lost attempts not known, and lost attempts of 1 trial without a reading"
    )


def test_known_energy_of_lost_attempts_is_a_lower_bound(tmp_path: Path) -> None:
    """The bill has the energy of other trials' lost attempts and says what is missing."""
    bill = bill_of(
        tmp_path / "s",
        [epochs_of([8.0], [0.9]), KEPT],
        [epochs_of([None], [0.9]), epochs_of([3.0, None], [0.5, 0.6])],
    )

    assert (bill.wasted_j, bill.missing_lost) == (8.0, 1)
    assert bill_line(bill, unit_of(5.0)).endswith(
        ", and 1 epoch and lost attempts of 1 trial without a reading"
    )


def test_without_a_lost_attempt_nothing_was_wasted(tmp_path: Path) -> None:
    """The wasted energy is then known to be 0 J."""
    bill = bill_of(tmp_path / "s", [KEPT])

    assert (bill.wasted_j, bill.missing_lost) == (0.0, 0)


@pytest.mark.parametrize(("setup_j", "between_j", "total_j"), [(5.0, 1.0, 6.0), (None, None, None)])
def test_bill_of_a_study_without_an_epoch_has_the_energy_around_epochs(
    tmp_path: Path, setup_j: float | None, between_j: float | None, total_j: float | None
) -> None:
    """Its label says "estimated"; the total is unknown only if nothing was measured."""
    trial = Trial(
        setup=1,
        seed=0,
        attempts=[[]],
        setup_energy_j=setup_j,
        between_energy_j=between_j,
        status=TrialStatus.RUNNING,
    )
    estimate = ComponentFacts(component="cpu", source="estimate", method=EnergyMethod.ESTIMATED)
    folder = write_study(
        tmp_path / "s",
        grid([64], [0.1]),
        [trial],
        manifest={"energy_of": EnergyScope.COMPONENTS},
    )
    (folder / EPOCHS_FILE).unlink()
    study = load(folder)
    (node,) = study.manifest.nodes
    manifest = replace(study.manifest, nodes=(replace(node, components=(estimate,)),))

    findings = analyse(replace(study, manifest=manifest))

    assert (findings.bill.epochs_j, findings.bill.total_j) == (0.0, total_j)
    assert "estimated" in findings.labels
