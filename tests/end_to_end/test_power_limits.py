"""A study whose setups differ in the power limit of their boards."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from study.record.manifest import Manifest
from tests.end_to_end.conftest import BARE, read_until, run_regime, study_process
from tests.end_to_end.held import Gate
from tests.end_to_end.limited import BOARDS
from tests.fake_nvml import UUIDS, Boards, build
from tests.waiting import PATIENCE_S, waited_for

pytestmark = pytest.mark.ray

EPOCHS = 4
LIMITS_W = (200.0, 300.0)
OPTIONS = (
    *("--scenario", "tests.end_to_end.held:Held", "--repeats", "1", "--batch-sizes", "64"),
    *("--learning-rates", "0.001", "--axis", "power_limit_w=200,300", *BARE),
    *("--max-epochs", str(EPOCHS), "--patience", str(EPOCHS)),
)


def environment(folder: Path, ray_folder: Path, boards: Boards) -> dict[str, str]:
    """Environment of a study in `folder`: these boards, a gate, and its own folders for temporary files."""
    for name in ("limits", "kept"):
        (folder / name).mkdir(exist_ok=True)
    return {
        **boards.environment(build(folder / "lib")),
        **Gate(folder / "gate").environment,
        "RAY_TMPDIR": str(ray_folder),
        "TMPDIR": str(folder / "kept"),
    }


@contextmanager
def running(
    folder: Path,
    ray_folder: Path,
    boards: Boards,
    *options: str,
    program: str = "study.regime",
) -> Iterator["subprocess.Popen[str]"]:
    """Start a study on these boards; kill all its processes at the end, whatever happens in the test."""
    env = environment(folder, ray_folder, boards)
    with study_process(folder, *options, env=env, own_session=True, program=program) as study:
        yield study


def limits_w(boards: Boards) -> set[float]:
    """Power limits that the boards have now."""
    return {boards.limit_at_w(board) for board in range(boards.boards)}


def processes_of(ray_folder: Path) -> list[str]:
    """Command lines of the processes of the Ray session in this folder."""
    found = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    return [line for line in found if str(ray_folder) in line]


def known_j(boards: Boards, windows: Any) -> list[float]:  # noqa: ANN401 - a data frame
    """True energy of the window's board in each window."""
    return [
        boards.energy_j(UUIDS.index(uuid), start_s, start_s + duration_s)
        for uuid, start_s, duration_s in zip(
            windows["device_uuid"], windows["start_s"], windows["duration_s"], strict=True
        )
    ]


@pytest.mark.faults
def test_two_interrupts_leave_at_once_and_set_limits_back(tmp_path: Path, ray_folder: Path) -> None:
    """The second interrupt ends all processes; limits are restored and the tables stay readable."""
    boards = Boards(boards=2, limits=str(tmp_path / "limits"))
    Gate(tmp_path / "gate").hold(after=1)

    with running(tmp_path, ray_folder, boards, *OPTIONS) as study:
        waited_for(lambda: limits_w(boards) == set(LIMITS_W), "both limits")
        started = processes_of(ray_folder)
        study.send_signal(signal.SIGINT)
        read_until(study, "stopping:")
        study.send_signal(signal.SIGINT)
        status = study.wait(timeout=PATIENCE_S)

        waited_for(lambda: not processes_of(ray_folder), "the end of all processes")
        waited_for(lambda: not list(ray_folder.iterdir()), "the removal of Ray's files")
        waited_for(lambda: limits_w(boards) == {boards.limit_w}, "both limits restored")
        waited_for(
            lambda: not list((tmp_path / "kept").rglob("*.json")), "no limit left to restore"
        )

    tables = {path.stem: pd.read_parquet(path) for path in (tmp_path / "a").glob("*.parquet")}
    assert started
    assert status == 130
    assert Manifest.from_json((tmp_path / "a" / "study.json").read_text()).trials == len(LIMITS_W)
    assert {"epochs", "trials", "windows"} <= set(tables)


@pytest.mark.faults
def test_a_killed_study_leaves_no_limit_and_goes_on_with_the_repeats_it_had_begun(
    tmp_path: Path, ray_folder: Path
) -> None:
    """The driver is killed during the first of two more repeats: the limit is restored; `--resume` runs both."""
    boards = Boards(boards=1, limits=str(tmp_path / "limits"))
    gate = Gate(tmp_path / "gate")
    options = (
        *("--scenario", "tests.end_to_end.held:Held", "--batch-sizes", "128"),
        *("--learning-rates", "0.01", "--axis", "power_limit_w=200,300", "--max-epochs", "1"),
        *("--more-repeats", "2", *BARE),
    )
    with running(tmp_path, ray_folder, boards, *options) as study:
        output = read_until(study, ".*repeat 3 of setup")
        gate.hold(after=0)
        waited_for(lambda: gate.waiting and limits_w(boards) != {boards.limit_w}, "a limit")
        study.kill()
        study.wait()
        waited_for(lambda: limits_w(boards) == {boards.limit_w}, "the limit restored")
        waited_for(
            lambda: not list((tmp_path / "kept").rglob("*.json")), "no limit left to restore"
        )
    begun = Manifest.from_json((tmp_path / "a" / "study.json").read_text()).further
    gate.open()

    again = run_regime(
        tmp_path, *options, "--resume", env=environment(tmp_path, ray_folder, boards)
    )

    manifest = Manifest.from_json((again.folder / "study.json").read_text())
    trials = pd.read_parquet(again.folder / "trials.parquet")
    further = {f"setup{each.setup:02d}-seed{each.seed}" for each in manifest.further}
    assert "then 2 more repeats of the most informative setups" in output
    assert begun
    assert again.status == 0, again.err
    assert manifest.further[: len(begun)] == begun
    assert len(further) == 2
    assert manifest.status == "finished"
    assert manifest.trials == len(trials) == 6
    assert further < set(trials["trial_id"])
    assert set(trials["status"]) == {"finished"}


@pytest.mark.integrations
def test_a_training_finds_its_own_limit(tmp_path: Path, ray_folder: Path) -> None:
    """Each limit is measured in a slice of the first epochs; the rest is trained under the cheapest."""
    boards = replace(BOARDS, limits=str(tmp_path / "limits"))
    options = (
        *("--scenario", "tests.end_to_end.limited:Limited", "--repeats", "1", *BARE),
        *("--batch-sizes", "64", "--learning-rates", "0.001", "--max-epochs", "4"),
        *("--power-limits", "120", "150", "250", "380"),
    )

    with running(tmp_path, ray_folder, boards, *options) as study:
        output, _ = study.communicate(timeout=PATIENCE_S)

    epochs = pd.read_parquet(tmp_path / "a" / "epochs.parquet")
    measured = json.loads(epochs["power_profile"].dropna().iloc[-1])
    power_w = {each["power_limit_w"]: each["energy_j"] / each["time_s"] for each in measured}
    assert study.returncode == 0, output
    # On a busy machine a slice's edge may be 40 ms off, which is 4 % of a slice of a second.
    assert power_w == pytest.approx({each: each for each in power_w}, rel=0.05)
    assert epochs["power_limit_w"].iloc[-1] == 150.0
    assert limits_w(boards) == {boards.limit_w}


@pytest.mark.integrations
def test_a_search_over_power_limits_learns_all_of_them_from_each_training(
    tmp_path: Path, ray_folder: Path
) -> None:
    """Two setups are tried, not eight, and the output reports the power limits that were measured."""
    boards = replace(BOARDS, limits=str(tmp_path / "limits"))
    options = (
        *("--scenario", "tests.end_to_end.limited:Limited", *BARE, "--batch-sizes", "64", "32"),
        *("--learning-rates", "0.001", "--max-epochs", "6", "--goal", "energy-to-target"),
        *("--target", "0.3", "--axis", "power_limit_w=120,150,250,380"),
    )

    with running(tmp_path, ray_folder, boards, *options, program="study.search") as study:
        output, _ = study.communicate(timeout=PATIENCE_S)

    epochs = pd.read_parquet(tmp_path / "a" / "epochs.parquet")
    measured = json.loads(epochs["power_profile"].dropna().iloc[-1])
    assert study.returncode == 0, output
    assert set(epochs["setup"]) <= {1, 2}
    assert {each["power_limit_w"] for each in measured} == {120.0, 150.0, 250.0, 380.0}
    assert "measured power limits" in output
    assert limits_w(boards) == {boards.limit_w}
