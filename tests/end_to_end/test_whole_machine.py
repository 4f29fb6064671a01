"""A study on a made-up machine with two boards, RAPL and a smart plug: each joule is charged once.

With EACH_SCOPE=1 in the environment, a study is run for each value of `--energy-of`; otherwise one study is
run, and its analysis answers for all three.
"""

import os
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from analysis.energy.scopes import WORDS
from analysis.energy.where import where_joules_go
from analysis.figures.joules import joules_info
from analysis.findings import Findings, analyse
from analysis.read.load import load, load_windows
from study.record.vocabulary import EnergyScope
from tests.end_to_end.made_up_cluster import (
    Hung,
    MadeUpCluster,
    made_up_cluster,
    of_boards_j,
    stop_s,
    study_with_a_hang,
)
from tests.fake_nvml import UUIDS, Boards
from tests.trackers.made_up_machine import CPU_W, MEMORY_W, Machine
from trackers.node.client import CALL_TIMEOUT_S
from trackers.sample import Component
from trackers.sources.calibrated import Calibration

pytestmark = pytest.mark.ray

SCOPES = ("node", "accelerator", "components") if os.environ.get("EACH_SCOPE") else ("node",)
EPOCHS = 4
WITHIN = 0.02
KNOWN = ("ok", "degraded")
"""Statuses of windows that have an energy. Where the machine was too busy in both runs of a study, windows
without one are left out of comparisons; all others are compared with the known energy."""

MEMORY = Calibration(
    source="rapl",
    component=Component.MEMORY,
    hostname=socket.gethostname(),
    against="a meter",
    factor=1.5,
    low=1.4,
    high=1.6,
    offset_w=0.0,
    measured_at="2026-11-01T00:00:00+00:00",
)
"""A calibration by which the memory draws 1.5 times what its counter says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Studies:
    """A study for each scope, by the scope's name, and the machine on which they ran."""

    machine: Machine
    folders: dict[str, Path]

    def epochs(self, scope: str) -> pd.DataFrame:
        """The rows of a study's epochs."""
        return pd.read_parquet(self.folders[scope] / "epochs.parquet")

    def windows(self, component: str) -> pd.DataFrame:
        """Windows that the trackers booked for a component."""
        windows = load_windows(self.folders["node"])
        assert windows is not None
        return windows[windows["component"] == component]

    def findings(self, scope: str) -> Findings:
        """Analysis of a study."""
        return analyse(load(self.folders[scope]))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeUpCluster]:
    """A Ray cluster whose only machine has two boards, RAPL and a smart plug."""
    folder = tmp_path_factory.mktemp("machine")
    boards = Boards(
        boards=2,
        low_w=100,
        high_w=200,
        period_s=0.9,
        hang_board=1,
        hang_while=str(folder / "hangs"),
    )
    with made_up_cluster(folder, boards) as made:
        yield made


@pytest.fixture(scope="module")
def studies(cluster: MadeUpCluster) -> Studies:
    """A short study for each scope."""
    MEMORY.write(cluster.folder / "memory.json")
    tracker = ("--tracker", "nvml", "rapl", str(cluster.machine.plug))
    calibration = ("--calibration", str(cluster.folder / "memory.json"))

    def run_side_by_side() -> None:
        cluster.both_wait_in(1)
        cluster.gate.open()

    folders = {
        scope: cluster.study(
            scope,
            *("--energy-of", scope, *tracker, *calibration),
            epochs=EPOCHS,
            meanwhile=run_side_by_side,
            is_well=_has_all_energies,
        )
        for scope in SCOPES
    }
    return Studies(machine=cluster.machine, folders=folders)


def _has_all_energies(study: Path) -> bool:
    """Return whether the energy of every trial and every epoch is known."""
    windows = pd.read_parquet(study / "windows.parquet")
    return "missing" not in set(windows[windows["stage"] != "setup"]["energy_status"])


def test_each_board_is_charged_to_the_trial_that_has_it(studies: Studies) -> None:
    """The window of a whole trial has the energy of its own board, whichever Ray assigned."""
    windows = studies.windows("gpu")

    assert set(windows["device_uuid"]) == set(UUIDS[:2])
    whole = _known(windows[windows["stage"] == "trial"])
    assert not whole.empty
    known_j = of_boards_j(studies.machine.boards, whole)
    assert whole["energy_j"].tolist() == pytest.approx(known_j, rel=_within(whole))


def test_cpu_and_memory_are_charged_by_the_same_share(studies: Studies) -> None:
    """Trials get at most the CPU's energy, and the same share of the memory's, which is calibrated."""
    cpu, memory = (
        rows[rows["stage"] == "trial"].set_index("trial_id")
        for rows in (studies.windows("cpu"), studies.windows("memory"))
    )

    assert (
        "memory x 1.5 (1.4 to 1.6) by a meter"
        in studies.findings("node").study.manifest.nodes[0].note
    )
    assert len(cpu) == 2
    cpu, memory = _known(cpu), _known(memory)
    both = cpu.index.intersection(memory.index)
    assert (cpu["energy_j"] > 0).all()
    assert cpu["energy_j"].sum() <= CPU_W * (stop_s(cpu).max() - cpu["start_s"].min()) * (
        1 + WITHIN
    )
    # CPU and memory are read one after the other, and a sleeping trial's share is only a few per cent, hence
    # the wide tolerance. Without the calibration the memory's energy would be two thirds of this.
    memory_j = cpu["energy_j"][both].sum() * MEMORY.factor * MEMORY_W / CPU_W
    assert memory["energy_j"][both].sum() == pytest.approx(memory_j, rel=0.3)


def test_shares_of_the_plug_add_up_to_it(studies: Studies) -> None:
    """The trials' shares sum to the plug's energy from the first trial's start to the last one's end."""
    node = studies.windows("node")
    whole = node[node["stage"] == "trial"]

    known_j = studies.machine.energy_j("node", whole["start_s"].min(), stop_s(whole).max())
    shown = whole[["trial_id", "start_s", "duration_s", "energy_j", "energy_status", "note"]]
    if len(_known(whole)) == len(whole):
        assert whole["energy_j"].sum() == pytest.approx(known_j, rel=_within(whole)), (
            shown.to_string()
        )
    else:  # some shares are missing; their notes say why
        assert _known(whole)["energy_j"].sum() < known_j * (1 + WITHIN)
        assert (whole[whole["energy_j"].isna()]["note"] != "").all(), shown.to_string()


@pytest.mark.parametrize("scope", SCOPES)
def test_each_scope_ranks_by_its_own_energy_and_has_nothing_twice(
    studies: Studies, scope: str
) -> None:
    """The ranking energy is the board's, the components' sum or the node's, which already includes them.

    The findings say whether another scope would change the ranking.
    """
    rows = studies.epochs(scope)
    parts_j = rows["gpu_energy_j"] + rows["cpu_energy_j"] + rows["memory_energy_j"]
    energies_j = {
        "accelerator": rows["gpu_energy_j"],
        "components": parts_j,
        "node": rows["node_energy_j"],
    }

    findings = studies.findings(scope)

    assert len(rows) == 2 * EPOCHS
    ranks_j = energies_j[scope].tolist()
    assert rows["epoch_energy_j"].tolist() == pytest.approx(ranks_j, nan_ok=True)
    assert (rows["epoch_energy_j"].isna() == (rows["energy_status"] == "missing")).all()
    assert not (rows["node_energy_j"] <= parts_j).any()
    # A setup has no place if an epoch of it has no energy, as happens on a machine that was too busy.
    unknown = set(rows.loc[rows["epoch_energy_j"].isna(), "setup"])
    ranked = findings.ranking.rows
    assert {each.setup.setup for each in ranked if each.place is None} == unknown
    assert (findings.ranking.first is None) == (len(unknown) == len(ranked))
    setups = set(rows["setup"])
    answered = [
        name for name, each in energies_j.items() if set(rows.loc[each.isna(), "setup"]) != setups
    ]
    if not answered:
        assert findings.scopes == ""
    else:
        own = WORDS[EnergyScope(scope)]
        assert findings.scopes.startswith(f"This ranking is by the energy of {own}.")
        assert all(WORDS[EnergyScope(name)] in findings.scopes for name in energies_j)


def test_a_figure_shows_where_the_joules_go(studies: Studies) -> None:
    """A setup's pieces add up to its trial's share of the plug's energy, epochs and everything around them."""
    findings = studies.findings("node")
    windows = load_windows(studies.folders["node"])
    assert windows is not None

    info, pieces = joules_info(findings), where_joules_go(findings.study, windows)

    node = windows[windows["component"] == "node"]
    shown = node[["trial_id", "stage", "epoch", "duration_s", "energy_j", "note"]].to_string()
    # A setup has no pieces if a part of its energy is unknown, say because a neighbour had only just begun.
    known = {f"setup{each.setup:02d}-seed0" for each in pieces}
    whole = node[(node["stage"] == "trial") & node["trial_id"].isin(known)]["energy_j"].sum()
    # On a machine too busy to measure every energy there is no figure, rather than one of a part of it.
    assert (info is None) == (not pieces)
    assert pieces or node["energy_j"].isna().any(), shown
    assert sum(each.energy_j for each in pieces) == pytest.approx(whole, rel=_within(node)), shown
    assert [each.part for each in pieces[:4]] == ["gpu", "cpu", "memory", "rest of the node"][
        : len(pieces)
    ]


@pytest.fixture(scope="module")
def hung(cluster: MadeUpCluster) -> Hung:
    """A study in which the second board's driver hangs while both trials train on for a while."""
    tracker = ("--tracker", "nvml", "rapl", str(cluster.machine.plug))
    return study_with_a_hang(cluster, "--energy-of", "accelerator", *tracker)


@pytest.mark.faults
def test_a_board_that_hangs_spoils_no_epoch_of_the_other_trial(hung: Hung) -> None:
    """The other trial keeps training during the hang: its energies are right, and it hardly waits."""
    epochs = hung.of_board(0)
    in_hang = epochs[epochs["in_hang"]]
    waits_s = in_hang["start_s"].iloc[1:].to_numpy() - in_hang["stop_s"].iloc[:-1].to_numpy()
    sys.stdout.write(_shown(hung.epochs))  # to be read with -s and HANG_S=30 on an idle machine

    assert len(in_hang) > 1
    # A tracker that waited for the board would answer neither trial until both gave up on it.
    assert _known(in_hang).shape[0] > len(in_hang) / 2, _shown(epochs)
    assert _are_right(_known(epochs)).all(), _shown(epochs)
    together = _known(epochs)[["epoch_energy_j", "truth_j"]].sum()
    assert together["epoch_energy_j"] == pytest.approx(together["truth_j"], rel=WITHIN)
    assert pd.Series(waits_s).median() < CALL_TIMEOUT_S / 2


@pytest.mark.faults
def test_a_board_that_hangs_has_no_wrong_energy(hung: Hung) -> None:
    """No epoch within the hang has an energy with status "ok", and each has a note; the others are right."""
    epochs = hung.of_board(1)
    in_hang = epochs[epochs["in_hang"]]

    assert not in_hang.empty
    assert "ok" not in set(in_hang["energy_status"]), _shown(epochs)
    assert (in_hang["note"] != "").all(), _shown(epochs)
    assert _are_right(epochs[epochs["energy_status"] == "ok"]).all(), _shown(epochs)


@pytest.mark.faults
def test_the_report_says_that_a_board_was_not_seen(hung: Hung) -> None:
    """The caveats count the epochs without an energy and name the setup that therefore has no total."""
    epochs = hung.of_board(1)

    findings = analyse(load(hung.folder))

    caveat = re.search(
        r"(\d+) epochs without an energy reading; no total for setups? (.*?)\.",
        " ".join(findings.recommendation.caveats),
    )
    assert caveat is not None, findings.recommendation.caveats
    assert int(caveat[1]) >= epochs["in_hang"].sum()
    assert str(epochs["setup"].iloc[0]) in caveat[2]


def _are_right(epochs: pd.DataFrame) -> "pd.Series[bool]":
    """Return which epochs' energies are true within `WITHIN` or within twice their stated uncertainty.

    One in twenty may lie outside its 95 % interval, but none as far as twice that.
    """
    within_j = (WITHIN * epochs["truth_j"]).combine(2 * epochs["uncertainty_own_j"], max)
    return (epochs["epoch_energy_j"] - epochs["truth_j"]).abs() <= within_j


def _shown(epochs: pd.DataFrame) -> str:
    columns = ["device_uuid", "epoch", "start_s", "stop_s", "truth_j", "in_hang", "note"]
    reported = ["epoch_energy_j", "energy_status", "uncertainty_own_j"]
    return f"\n{epochs[[*columns[:-1], *reported, columns[-1]]].to_string()}\n"


def _known(windows: pd.DataFrame) -> pd.DataFrame:
    """Windows that have an energy."""
    return windows[windows["energy_status"].isin(KNOWN)]


def _within(windows: pd.DataFrame) -> float:
    """Relative tolerance for windows: wider if the machine was too busy to read some sensor in time."""
    return WITHIN if (windows["energy_status"] == "ok").all() else 0.1
