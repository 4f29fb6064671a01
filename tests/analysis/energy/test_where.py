"""Breakdown of the energy used into pieces that add up to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.energy.where import Piece, where_joules_go
from analysis.figures.joules import joules_info
from analysis.findings import analyse
from analysis.read.load import load
from study.record.bookings import WindowRecord
from study.record.files import WINDOWS_FILE
from study.record.vocabulary import EnergyMethod, EnergyStatus
from tests.analysis.energy.test_scopes import study_of

WH = 3600.0


def booked(
    setup: int, stage: str, component: str, wh: float, *, attempt: int = 1
) -> dict[str, Any]:
    """A window of a setup's only trial."""
    return WindowRecord(
        trial_id=f"setup{setup:02d}_seed0",
        attempt=attempt,
        stage=stage,
        epoch=0,
        device_uuid=component,
        start_s=0.0,
        duration_s=1.0,
        energy_j=wh * WH,
        energy_method=EnergyMethod.COUNTER,
        energy_status=EnergyStatus.OK,
        note="",
        component=component,
    ).to_row()


def pieces(path: Path, windows: Sequence[dict[str, Any]]) -> dict[int, dict[str, float]]:
    """The pieces of each setup in watt-hours."""
    found: dict[int, dict[str, float]] = {}
    for each in where_joules_go(load(path), pd.DataFrame(windows)):
        assert isinstance(each, Piece)
        found.setdefault(each.setup, {})[each.part] = each.energy_j / WH
    return found


def test_the_pieces_of_a_node_add_up_to_it(tmp_path: Path) -> None:
    """They are components, rest of the node, tests, set-up, time between epochs, and waste (none here)."""
    path = study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.5, 0.5], node=[4.0, 6.0])
    windows = [
        *(booked(1, "trial", each, wh) for each, wh in (("node", 7.0), ("gpu", 2.0), ("cpu", 1.0))),
        booked(1, "setup", "node", 2.0),
    ]

    found = pieces(path, windows)

    assert found.keys() == {1}  # nothing was booked for setup 2
    assert found[1] == pytest.approx(
        {
            "gpu": 1.0,
            "cpu": 0.5,
            "rest of the node": 2.5,
            "tests": 0.0,
            "set-up": 2.0,
            "between epochs": 1.0,
            "wasted": 0.0,
        }
    )


def test_a_lost_attempt_is_wasted(tmp_path: Path) -> None:
    """No later attempt continued from its epochs, so all that was booked for it is wasted."""
    path = study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.5, 0.5])
    rows = pd.read_parquet(path / "epochs.parquet").assign(attempt=2)
    rows.to_parquet(path / "epochs.parquet")
    windows = [
        booked(1, "trial", "gpu", 0.7),
        booked(1, "trial", "cpu", 0.1),
        booked(1, "trial", "gpu", 1.5, attempt=2),
        booked(1, "trial", "cpu", 0.6, attempt=2),
        booked(1, "setup", "gpu", 0.2, attempt=2),
        booked(1, "setup", "cpu", 0.1, attempt=2),
    ]

    found = pieces(path, windows)

    assert found[1]["wasted"] == pytest.approx(0.8)
    assert found[1]["set-up"] == pytest.approx(0.3)
    assert found[1]["between epochs"] == pytest.approx(0.3)
    assert sum(found[1].values()) == pytest.approx(0.8 + 2.1)


@pytest.mark.parametrize(("stage", "wasted_wh"), [("so far", 0.8), ("setup", None)])
def test_interim_booking_of_an_attempt_lost_with_its_machine_is_wasted(
    tmp_path: Path, stage: str, wasted_wh: float | None
) -> None:
    """Without an interim booking, the wasted energy is unknown, not 0 J."""
    path = study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.5, 0.5])
    rows = pd.read_parquet(path / "epochs.parquet").assign(attempt=2)
    rows.to_parquet(path / "epochs.parquet")
    windows = [
        booked(1, stage, "gpu", 0.7),
        booked(1, stage, "cpu", 0.1),
        *(booked(1, "trial", each, 1.5, attempt=2) for each in ("gpu", "cpu")),
        *(booked(1, "setup", each, 0.1, attempt=2) for each in ("gpu", "cpu")),
    ]

    found = pieces(path, windows).get(1, {}).get("wasted")

    assert found == (None if wasted_wh is None else pytest.approx(wasted_wh))


def test_a_running_training_has_no_pieces(tmp_path: Path) -> None:
    """Its energy between epochs is known only when its window is closed."""
    path = study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.5, 0.5])

    found = pieces(path, [booked(1, "setup", each, 0.1) for each in ("gpu", "cpu")])

    assert found == {}


def test_a_study_of_one_component_has_no_such_figure(tmp_path: Path) -> None:
    """Every other figure has the energy of that component."""
    path = study_of(tmp_path, gpu=[1.0, 2.0])
    windows = [booked(1, "trial", "gpu", 2.0), booked(1, "setup", "gpu", 0.5)]
    pd.DataFrame(windows).to_parquet(path / WINDOWS_FILE)

    assert pieces(path, windows)
    assert joules_info(analyse(load(path))) is None


def test_the_figure_has_one_unit_and_every_piece(tmp_path: Path) -> None:
    """It is computed from the windows in the study's folder; without them there is no figure."""
    path = study_of(tmp_path, gpu=[1.0, 2.0], cpu=[0.5, 0.5])
    assert joules_info(analyse(load(path))) is None
    windows = [
        booked(1, stage, each, wh)
        for each in ("gpu", "cpu")
        for stage, wh in (("trial", 2.0), ("setup", 0.5))
    ]
    pd.DataFrame(windows).to_parquet(path / WINDOWS_FILE)

    info = joules_info(analyse(load(path)))

    assert info is not None
    assert info.unit.name == "Wh"
    assert sum(each.energy_wh for each in info.slices) == pytest.approx(4.0)
    assert info.ranks == "the accelerators"
