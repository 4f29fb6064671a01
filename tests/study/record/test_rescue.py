"""The folder in which the last rows of a study are kept on this machine."""

import os
import stat
from pathlib import Path

import pytest

from study.record.rescue import contradicting, make_root, rescue_name, rescue_roots, rescued

PLACE = "/data/results/My study X"


def row(epoch: int, energy_j: float | None, *, attempt: int = 1) -> dict[str, object]:
    """The row of an epoch."""
    return {
        "trial_id": "t",
        "attempt": attempt,
        "stage": "s",
        "epoch": epoch,
        "epoch_energy_j": energy_j,
    }


@pytest.fixture
def own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's own disk is a folder of this test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_rows_are_rescued_in_the_users_state_and_else_among_temporary_files(own_disk: Path) -> None:
    """In folders of this program's name, the temporary one with the user's number in it."""
    assert rescue_roots() == (
        own_disk / "state" / "power-of-training" / "rescue",
        own_disk / f"power-of-training-rescue-{os.getuid()}",
    )


def test_without_a_state_folder_it_is_that_of_the_home_folder(
    own_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user of a container may have none: then temporary files are left."""
    monkeypatch.delenv("XDG_STATE_HOME")

    def nobody() -> Path:
        raise RuntimeError

    state = own_disk / ".local" / "state" / "power-of-training" / "rescue"
    assert rescue_roots(lambda: own_disk)[0] == state
    assert rescue_roots(nobody) == (own_disk / f"power-of-training-rescue-{os.getuid()}",)


def test_a_study_has_one_name_that_only_its_place_has() -> None:
    """A stroke at the end makes no other study; by its letters alone a name could be of two studies.

    An earlier version's rows are found under it, so that it never changes.
    """
    assert rescue_name(PLACE) == "My_study_X-aea9846e082d5dc3"
    assert rescue_name(PLACE + "/") == rescue_name(PLACE)
    assert rescue_name("/elsewhere/My study X") != rescue_name(PLACE)
    assert rescue_name("s3://bucket/a:b").startswith("a_b-")


def test_rows_are_found_in_folders_of_this_user_alone(own_disk: Path) -> None:
    """Neither a file nor a link to a folder is one, whoever made it."""
    state, temporary = rescue_roots()
    make_root(state)
    (state / rescue_name(PLACE)).mkdir()
    make_root(temporary)
    (temporary / rescue_name(PLACE)).symlink_to(own_disk)

    assert rescued(PLACE) == (state / rescue_name(PLACE),)
    assert rescued("/another/study") == ()


def test_a_root_can_be_entered_by_its_owner_alone(own_disk: Path) -> None:
    """Also one that was there already, with other rights."""
    root = own_disk / "a" / "b"
    root.mkdir(parents=True, mode=0o755)

    make_root(root)
    make_root(own_disk / "c" / "d")

    assert [stat.S_IMODE(each.stat().st_mode) for each in (root, own_disk / "c" / "d")] == [
        0o700
    ] * 2


def test_a_root_that_is_not_ours_is_refused(own_disk: Path) -> None:
    """A link could lead into another user's folder."""
    (own_disk / "there").mkdir()
    (own_disk / "link").symlink_to(own_disk / "there")

    with pytest.raises(PermissionError, match="link is another user's"):
        make_root(own_disk / "link")


@pytest.mark.parametrize(
    ("stored", "found", "contradict"),
    [
        ([row(1, 5.0)], [row(1, 5.0), row(2, 6.0)], set()),
        ([row(1, None)], [row(1, float("nan"))], set()),
        ([row(1, float("nan"))], [row(1, None)], set()),
        ([row(1, 5.0), row(2, 7.0)], [row(1, 5.0), row(2, 6.0)], {("t", 1)}),
        ([row(1, 5.0), row(2, 7.0)], [row(1, 5.0)], {("t", 1)}),
        ([row(1, None)], [], {("t", 1)}),
        ([row(1, 5.0), row(1, 4.0, attempt=2)], [row(1, 5.0)], {("t", 2)}),
        ([], [row(1, 5.0)], set()),
    ],
    ids=[
        "goes on",
        "without an energy",
        "likewise",
        "another energy",
        "further rows",
        "a row without an energy",
        "another attempt",
        "nothing stored",
    ],
)
def test_rows_contradict_where_a_study_has_gone_on_elsewhere(
    stored: list[dict[str, object]],
    found: list[dict[str, object]],
    contradict: set[tuple[str, int]],
) -> None:
    """Rescued rows continue those on storage: each of these is among them, with the same energy."""
    assert contradicting(stored, found) == contradict
