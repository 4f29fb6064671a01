"""Rescue folders: rows of a study that are kept on this machine while its storage is unreachable."""

import os
import stat
from pathlib import Path

import pytest

from study.record.rescue import contradicting, make_root, rescue_name, rescue_roots, rescued

STUDY_PATH = "/data/results/My study X"


def row(epoch: int, energy_j: float | None, *, attempt: int = 1) -> dict[str, object]:
    """Return the row of an epoch."""
    return {
        "trial_id": "t",
        "attempt": attempt,
        "stage": "s",
        "epoch": epoch,
        "epoch_energy_j": energy_j,
    }


@pytest.fixture
def own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands for the machine's own disk."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_rescue_roots_are_the_state_folder_and_then_temporary_files(own_disk: Path) -> None:
    """Both have this program's name; the temporary one has the user's number, too."""
    assert rescue_roots() == (
        own_disk / "state" / "power-of-training" / "rescue",
        own_disk / f"power-of-training-rescue-{os.getuid()}",
    )


def test_without_a_state_folder_the_home_folders_is_used(
    own_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user in a container may have no home folder; then only the temporary one is left."""
    monkeypatch.delenv("XDG_STATE_HOME")

    def no_home() -> Path:
        raise RuntimeError

    state = own_disk / ".local" / "state" / "power-of-training" / "rescue"
    assert rescue_roots(lambda: own_disk)[0] == state
    assert rescue_roots(no_home) == (own_disk / f"power-of-training-rescue-{os.getuid()}",)


def test_the_rescue_name_is_unique_to_the_studys_path() -> None:
    """It includes a hash of the path, without a slash at the end.

    It never changes between versions, so that rows of an earlier version are found.
    """
    assert rescue_name(STUDY_PATH) == "My_study_X-aea9846e082d5dc3"
    assert rescue_name(STUDY_PATH + "/") == rescue_name(STUDY_PATH)
    assert rescue_name("/elsewhere/My study X") != rescue_name(STUDY_PATH)
    assert rescue_name("s3://bucket/a:b").startswith("a_b-")


def test_rescued_rows_are_found_only_in_real_folders(own_disk: Path) -> None:
    """A link to a folder is not followed, and a file in its place is ignored."""
    state, temporary = rescue_roots()
    make_root(state)
    (state / rescue_name(STUDY_PATH)).mkdir()
    make_root(temporary)
    in_place = temporary / rescue_name(STUDY_PATH)

    in_place.symlink_to(own_disk)
    beside_a_link = rescued(STUDY_PATH)
    in_place.unlink()
    in_place.write_text("")

    assert beside_a_link == rescued(STUDY_PATH) == (state / rescue_name(STUDY_PATH),)
    assert rescued("/another/study") == ()


def test_a_root_can_be_entered_only_by_its_owner(own_disk: Path) -> None:
    """The permissions of one that existed already are corrected."""
    root = own_disk / "a" / "b"
    root.mkdir(parents=True, mode=0o755)

    make_root(root)
    make_root(own_disk / "c" / "d")

    assert [stat.S_IMODE(each.stat().st_mode) for each in (root, own_disk / "c" / "d")] == [
        0o700
    ] * 2


def test_a_root_that_is_a_link_is_refused(own_disk: Path) -> None:
    """It could lead into another user's folder."""
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
        "continued",
        "missing energy stored as None",
        "missing energy stored as NaN",
        "another energy",
        "further rows stored",
        "a stored row without an energy",
        "another attempt",
        "nothing stored",
    ],
)
def test_rescued_rows_contradict_a_study_that_continued_elsewhere(
    stored: list[dict[str, object]],
    found: list[dict[str, object]],
    contradict: set[tuple[str, int]],
) -> None:
    """They do not contradict if every stored row is among them, with the same energy."""
    assert contradicting(stored, found) == contradict
