"""The synthetic set, which is like the real one and labelled as synthetic."""

from pathlib import Path

import numpy as np
import pytest

from study.data.pamap2 import format as form
from study.data.pamap2.check import check
from study.data.pamap2.reader import read_subject
from study.data.pamap2.sample import LEAST_ROWS, write_sample
from study.errors import OptionError


@pytest.fixture(scope="module")
def protocol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic set."""
    return write_sample(tmp_path_factory.mktemp("sample"), rows_per_subject=LEAST_ROWS, seed=3)


@pytest.mark.slow
def test_lines_look_like_the_real_ones(protocol: Path) -> None:
    """They have 54 columns between single spaces, time with two decimals, and NaN as the real ones."""
    lines = (protocol / "subject102.dat").read_text().splitlines()

    assert len(lines) == LEAST_ROWS
    assert {line.count(" ") for line in lines} == {53}
    assert [line.split(" ")[0] for line in lines[:3]] == ["8.38", "8.39", "8.40"]
    letters = {cell for line in lines for cell in line.split(" ") if cell.isalpha()}
    assert letters == {"NaN"}


@pytest.mark.slow
def test_the_check_finds_no_fault(protocol: Path) -> None:
    """The real set's own checks pass, and say that it is synthetic."""
    report = check(protocol.parent)

    assert report.faults == ()
    assert report.synthetic
    assert "a synthetic sample" in report.origin


def test_subjects_follow_the_protocol(protocol: Path) -> None:
    """All have twelve activities with transients between, except for 109, who only jumps rope."""
    done = {s: read_subject(protocol / form.file_name(s)).activity for s in form.SUBJECTS}

    assert set(done[109].tolist()) == {0, 24}
    for subject in form.SUBJECTS[:-1]:
        changes = np.flatnonzero(np.diff(done[subject])) + 1
        bouts = [0, *done[subject][changes].tolist()]
        assert bouts[::2] == [0] * 13
        assert sorted(bouts[1::2]) == list(form.ACTIVITIES)


def test_it_has_short_and_long_gaps(protocol: Path) -> None:
    """Heart rate comes about nine times a second, and sensors drop out for rows and for longer."""
    recordings = [
        read_subject(protocol / form.file_name(s), ("heart_rate", "hand_acc16_x"))
        for s in form.SUBJECTS[:-1]
    ]

    gaps: list[int] = []
    for recording in recordings:
        known = np.isfinite(recording.signals)
        assert 1 / 12 < known[0].mean() < 1 / 10
        edges = np.flatnonzero(np.diff(~known[1], prepend=False, append=False))
        gaps += (edges[1::2] - edges[::2]).tolist()
    assert min(gaps) < 10
    assert max(gaps) >= 50


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files(protocol: Path, tmp_path: Path) -> None:
    """Files follow from seed and size alone."""
    same = write_sample(tmp_path / "same", rows_per_subject=LEAST_ROWS, seed=3)
    other = write_sample(tmp_path / "other", rows_per_subject=LEAST_ROWS, seed=4)

    content = (protocol / "subject101.dat").read_bytes()
    assert (same / "subject101.dat").read_bytes() == content
    assert (other / "subject101.dat").read_bytes() != content


@pytest.mark.slow
def test_its_own_folder_may_be_overwritten(tmp_path: Path) -> None:
    """A folder that this generator wrote is written again."""
    write_sample(tmp_path / "a", rows_per_subject=LEAST_ROWS)

    protocol = write_sample(tmp_path / "a", rows_per_subject=LEAST_ROWS + 100)

    assert len((protocol / "subject101.dat").read_text().splitlines()) == LEAST_ROWS + 100


def test_a_folder_of_other_data_is_not_touched(tmp_path: Path) -> None:
    """A folder that may hold real data is refused, and a file too."""
    (tmp_path / "Protocol").mkdir()
    (tmp_path / "Protocol" / "subject101.dat").write_text("real")

    with pytest.raises(OptionError, match="may hold real data"):
        write_sample(tmp_path)
    with pytest.raises(OptionError, match="is a file"):
        write_sample(tmp_path / "Protocol" / "subject101.dat")

    assert (tmp_path / "Protocol" / "subject101.dat").read_text() == "real"


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    """The message gives the value, the bound and the reason."""
    with pytest.raises(OptionError, match=r"--rows-per-subject is 10; allowed: 6000 or more"):
        write_sample(tmp_path, rows_per_subject=10)
