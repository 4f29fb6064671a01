"""Energies of earlier studies that a search refuses: another scope, other methods, other boards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.errors import OptionError
from study.record.files import TRIALS_FILE
from study.record.manifest import ComponentFacts
from study.record.records import TrialRecord
from study.record.vocabulary import EnergyMethod, EnergyScope, StopReason
from study.store.folder import StudyFolder
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import plan
from tests.study.search.test_warm_start import OPTIONS, SEARCH, known, write


def measured(*components: str, method: EnergyMethod = EnergyMethod.COUNTER) -> dict[str, Any]:
    """Return fields of a manifest, with machines on which these components are measured."""
    facts = tuple(
        ComponentFacts(component=each, source="any", method=method) for each in components
    )
    return {
        "nodes": (replace(MANIFEST.nodes[0], components=facts),),
        "energy_of": EnergyScope.COMPONENTS,
    }


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (
            {"energy_of": EnergyScope.COMPONENTS},
            {},
            "ranks by the energy of --energy-of components, this one by that of accelerator",
        ),
        (
            measured("cpu"),
            measured("cpu", "memory"),
            "its energy is of cpu, this one's of cpu and memory",
        ),
        (
            measured("gpu"),
            measured("gpu", "cpu"),
            "its energy is of accelerators alone, this one's of cpu",
        ),
        (
            measured("cpu", method=EnergyMethod.ESTIMATED),
            measured("cpu"),
            r"its energy is of cpu \(estimated\), this one's of cpu",
        ),
        (
            {
                **measured("cpu", method=EnergyMethod.ESTIMATED),
                "options": {**OPTIONS, "cpu_watts": 65.0},
            },
            measured("cpu", method=EnergyMethod.ESTIMATED),
            "--cpu-watts was 65.0 and is None",
        ),
        ({"options": {**OPTIONS, "workers_per_trial": 2}}, {}, "had 2 workers and has 1"),
    ],
)
def test_incomparable_energies_are_refused(
    tmp_path: Path, was: dict[str, Any], now: dict[str, Any], message: str
) -> None:
    """This search will measure other components, or by another method."""
    place = write(tmp_path, (plan(1), [0.9], StopReason.PATIENCE), **was)
    manifest = replace(SEARCH, **now)

    with pytest.raises(OptionError, match=message):
        known(place, manifest=manifest)
    found = known(place, manifest=manifest, similar=True)
    assert [hint.values for hint in found.hints] == [None]
    assert found.trials == ()


def test_energies_are_compared_only_when_the_machines_are_known(tmp_path: Path) -> None:
    """Before that, it is not known which energy this search will rank by."""
    place = write(tmp_path, (plan(1), [0.9], StopReason.PATIENCE), energy_of=EnergyScope.COMPONENTS)

    assert len(known(place, manifest=replace(SEARCH, nodes=())).trials) == 1


def test_energies_of_another_board_are_refused(tmp_path: Path) -> None:
    """None of the earlier trials ran on the device of this search."""
    place = write(tmp_path, (plan(1), [0.9], StopReason.PATIENCE))

    assert len(known(place, devices=["Board", "Other board"]).trials) == 1
    with pytest.raises(OptionError, match="its trials ran on Board, these run on Other board"):
        known(place, devices=["Other board"])
    assert [each.values for each in known(place, similar=True, devices=["Other"]).hints] == [None]


def test_only_trials_on_the_searchs_boards_are_taken(tmp_path: Path) -> None:
    """A trial that also ran on another board is not taken."""
    place = write(
        tmp_path, (plan(1), [0.9], StopReason.PATIENCE), (plan(3), [0.9], StopReason.PATIENCE)
    )
    folder = StudyFolder(str(tmp_path), "grid")
    rows = folder.read_rows(TRIALS_FILE)
    rows[1]["device_name"] = "Board+Other board"
    folder.write_rows(TRIALS_FILE, TrialRecord, rows)

    found = known(place, devices=["Board"])

    assert [each.setup for each in found.trials] == [1]
    assert len(known(place, devices=["Board", "Other board"]).trials) == 2
