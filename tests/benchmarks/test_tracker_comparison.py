"""The benchmark of trackers: epochs of a known energy, and a tracker that cannot run says why."""

from pathlib import Path

import pytest

from benchmarks.tracking.rivals import RivalError, measured
from tests.fake_nvml import Boards


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulated boards are compiled into the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.slow
def test_constant_power_is_told_whatever_the_schedule() -> None:
    """Each epoch has an energy, and where power is constant no timing can spoil it."""
    boards = Boards(boards=2, shape="constant")

    short, long = measured("ours", boards, ((0.4, 3), (0.5, 2)), settle_s=0.3)

    assert (len(short.errors), len(long.errors)) == (3, 2)
    assert short.missing == long.missing == 0
    # The least, because on a busy machine a process may lose its CPU between a stamp and a reading.
    assert min(*short.errors, *long.errors) < 0.2
    assert 0 < short.cpu_share < 1


@pytest.mark.slow
def test_a_tracker_that_cannot_run_says_why() -> None:
    """The last line of what it printed to its errors is the reason."""
    with pytest.raises(RivalError, match=r"exit status 2: .*invalid choice: 'ours-unknown'"):
        measured("ours-unknown", Boards(), ((0.1, 1),), settle_s=0.0)


@pytest.mark.slow
def test_a_machine_without_boards_gives_no_outcome() -> None:
    """A failure within the tracker is an error of the benchmark too, never an outcome of zeros."""
    with pytest.raises(RivalError, match=r"exit status 1: .*nvml"):
        measured("ours", Boards(init_code=9), ((0.1, 1),), settle_s=0.0)
