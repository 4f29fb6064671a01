"""Charges for a board that trackers of two studies on one machine use."""

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import final

import pytest

from tests.trackers.node.shares.test_accounts import BOARDS, KnownPowers, bill
from trackers.node.ledger import Bill
from trackers.node.shares.accounts import Accounts
from trackers.node.shares.neighbours import FOLDER, GONE_AFTER_S, Neighbours
from trackers.node.shares.sharing import Use
from trackers.sample import Reading

BOARD = BOARDS[0].uuid


@final
class Clock:
    """A machine's clock, which a test sets."""

    def __init__(self) -> None:
        """Begin a while after the machine was started."""
        self.now_s = 100.0

    def __call__(self) -> float:
        """Seconds since the machine was started."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """The machine's clock."""
    return Clock()


def study(folder: Path, clock: Clock) -> Accounts:
    """The accounts of a study's tracker."""
    return Accounts(KnownPowers(), Neighbours(folder / "boards", now_s=clock))


def charged(accounts: Accounts, trial_id: str, own: Bill, start_s: float) -> Reading:
    """What a trial is charged for the board in the 10 s from `start_s` on."""
    readings: Mapping[str, Reading] = KnownPowers().readings(own, start_s, start_s + 10.0)
    return accounts.charges(trial_id, own, readings)[BOARD]


def test_two_studies_on_a_board_pay_for_it_once(tmp_path: Path, clock: Clock) -> None:
    """Each is charged half of it, and the reading says so; their trials may have the same name."""
    one, two = study(tmp_path, clock), study(tmp_path, clock)
    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)
    two.enter("a", bill(2, BOARDS[0]), 0.0, pid=2)

    first, second = (
        charged(one, "a", bill(1, BOARDS[0]), 0.0),
        charged(two, "a", bill(2, BOARDS[0]), 0.0),
    )

    assert math.fsum(filter(None, (first.energy_j, second.energy_j))) == pytest.approx(2000.0)
    assert first.shared_by == second.shared_by == 2
    assert "2 trials used the board" in first.note


def test_a_study_that_starts_later_is_charged_from_then_on(tmp_path: Path, clock: Clock) -> None:
    """The first study has the board to itself for 4 of the 10 s, and again when the other has ended."""
    one, two = study(tmp_path, clock), study(tmp_path, clock)
    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)
    two.enter("b", bill(2, BOARDS[0]), 4.0, pid=2)
    two.leave("b", 12.0)

    assert charged(one, "a", bill(1, BOARDS[0]), 0.0).energy_j == pytest.approx(800.0 + 600.0)
    assert charged(one, "a", bill(1, BOARDS[0]), 12.0).energy_j == pytest.approx(2000.0)


@pytest.mark.parametrize(("changed_s", "shared_by"), [(-3600.0, None), (3600.0, 2)])
def test_files_are_looked_for_when_their_folder_has_changed(
    tmp_path: Path, clock: Clock, changed_s: float, shared_by: int | None
) -> None:
    """An unchanged folder is not read again, unless it changed within the last tick of its clock."""
    one, two, folder = study(tmp_path, clock), study(tmp_path, clock), tmp_path / "boards"
    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)
    time_s = time.time() + changed_s
    os.utime(folder, (time_s, time_s))
    alone = charged(one, "a", bill(1, BOARDS[0]), 0.0)

    two.enter("b", bill(2, BOARDS[0]), 0.0, pid=2)
    os.utime(folder, (time_s, time_s))

    assert alone.shared_by is None
    assert charged(one, "a", bill(1, BOARDS[0]), 0.0).shared_by == shared_by


def test_only_boards_that_both_studies_use_are_shared(tmp_path: Path, clock: Clock) -> None:
    """A study on another board changes no charge."""
    one, two = study(tmp_path, clock), study(tmp_path, clock)
    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)
    two.enter("b", bill(2, BOARDS[1]), 0.0, pid=2)

    reading = charged(one, "a", bill(1, BOARDS[0]), 0.0)

    assert (reading.energy_j, reading.shared_by) == (2000.0, None)


def test_a_killed_tracker_uses_nothing_after_its_last_sign_of_life(
    tmp_path: Path, clock: Clock
) -> None:
    """A killed tracker's trials count as using the board until its last sign of life."""
    one, two = study(tmp_path, clock), study(tmp_path, clock)
    two.enter("b", bill(2, BOARDS[0]), 0.0, pid=2)
    clock.now_s += 5.0
    two.still_here()
    one.enter("a", bill(1, BOARDS[0]), 100.0, pid=1)

    clock.now_s += GONE_AFTER_S + 1.0

    assert charged(one, "a", bill(1, BOARDS[0]), 100.0).energy_j == pytest.approx(1000 / 2 + 1000)


def test_a_restarted_tracker_is_not_its_own_neighbour(tmp_path: Path, clock: Clock) -> None:
    """The trials that its predecessor has reported are its own."""
    before, after = study(tmp_path, clock), study(tmp_path, clock)
    before.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)
    after.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)

    assert charged(after, "a", bill(1, BOARDS[0]), 0.0).energy_j == 2000.0


def test_files_from_before_a_reboot_are_ignored(tmp_path: Path, clock: Clock) -> None:
    """Times in them are of another clock. Incomplete files are ignored, too."""
    one, two = study(tmp_path, clock), study(tmp_path, clock)
    two.enter("b", bill(2, BOARDS[0]), 0.0, pid=2)
    (file,) = (tmp_path / "boards").glob("*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "boot": "earlier"}))
    (tmp_path / "boards" / "x.json").write_text('{"boot": ')
    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)

    assert charged(one, "a", bill(1, BOARDS[0]), 0.0).energy_j == 2000.0


@pytest.mark.parametrize(
    "changes",
    [
        {"uses": {BOARD: [["another version's", 0.0]]}},
        {"uses": {BOARD: [["b", "yesterday", None]]}},
        {"uses": []},
        {"now_s": None},
        {"now_s": 10_000.0},
    ],
)
def test_files_of_another_version_harm_no_reading(
    tmp_path: Path, clock: Clock, changes: dict[str, object]
) -> None:
    """A file with unknown content, or with a time in the future from before a reboot, is ignored."""
    one, two = study(tmp_path, clock), study(tmp_path, clock)
    two.enter("b", bill(2, BOARDS[0]), 0.0, pid=2)
    (file,) = (tmp_path / "boards").glob("*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)

    assert charged(one, "a", bill(1, BOARDS[0]), 0.0).energy_j == 2000.0


def test_a_study_without_boards_leaves_no_file(tmp_path: Path, clock: Clock) -> None:
    """CPUs are shared by CPU time, whoever uses it."""
    study(tmp_path, clock).enter("a", bill(1, BOARDS[0])[1:], 0.0, pid=1)

    assert not (tmp_path / "boards").exists()


def test_a_link_in_place_of_the_folder_is_ignored(tmp_path: Path, clock: Clock) -> None:
    """Nothing is written through a link in its place, which another user could have made."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "boards").symlink_to(elsewhere)
    one = study(tmp_path, clock)

    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)

    assert list(elsewhere.iterdir()) == []
    assert charged(one, "a", bill(1, BOARDS[0]), 0.0).energy_j == 2000.0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_ignored(tmp_path: Path, clock: Clock) -> None:
    """Nothing is read from it, where another user could report trials, nor is anything written into it."""
    one, two = study(tmp_path, clock), study(tmp_path, clock)
    two.enter("b", bill(2, BOARDS[0]), 0.0, pid=2)
    written = sorted((tmp_path / "boards").iterdir())
    os.chown(tmp_path / "boards", 65534, -1)

    one.enter("a", bill(1, BOARDS[0]), 0.0, pid=1)

    assert sorted((tmp_path / "boards").iterdir()) == written != []
    assert charged(one, "a", bill(1, BOARDS[0]), 0.0).energy_j == 2000.0


def test_the_folder_can_be_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers that share a folder see each other; others do not."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "shared"))
    one, other = Neighbours(), Neighbours()
    one.tell({"GPU-1": [Use("study-a", time.monotonic())]})

    seen = other.uses("GPU-1")
    monkeypatch.setenv(FOLDER, str(tmp_path / "another"))

    assert [use.consumer for use in seen] == ["study-a"]
    assert Neighbours().uses("GPU-1") == []
