"""The benchmark of trackers: errors on epochs of known energy, and trackers that cannot run."""

from pathlib import Path

import pytest

from benchmarks.tracking.rivals import RivalError, measured
from tests.fake_nvml import Boards


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the emulated boards into the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.slow
def test_every_epoch_of_a_schedule_has_an_energy() -> None:
    """Power is constant, so that the timing of readings hardly matters."""
    boards = Boards(boards=2, shape="constant")

    short, long = measured("ours", boards, ((0.4, 3), (0.5, 2)), settle_s=0.3)

    assert (len(short.errors), len(long.errors)) == (3, 2)
    assert short.missing == long.missing == 0
    # Only the smallest errors: on a busy machine a process may lose its CPU between time stamp and reading.
    assert min(short.errors) < 0.2
    assert min(long.errors) < 0.2
    assert 0 < short.cpu_share < 1


@pytest.mark.slow
def test_a_tracker_that_cannot_run_says_why() -> None:
    """The error has its exit status and the last line of its standard error."""
    with pytest.raises(RivalError, match=r"exit status 2: .*invalid choice: 'ours-unknown'"):
        measured("ours-unknown", Boards(), ((0.1, 1),), settle_s=0.0)


@pytest.mark.slow
def test_a_failure_within_the_tracker_is_an_error() -> None:
    """On a machine without boards the benchmark reports an error, never energies of zero."""
    with pytest.raises(RivalError, match=r"exit status 1: .*nvml"):
        measured("ours", Boards(init_code=9), ((0.1, 1),), settle_s=0.0)
