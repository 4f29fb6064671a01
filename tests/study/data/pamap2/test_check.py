"""`check`, which lists all faults and says whether the files are the published ones."""

import hashlib
from pathlib import Path

from study.data.pamap2 import format as form
from study.data.pamap2.check import MOST_FAULTS_PER_FILE, check
from tests.study.data.pamap2.pamap2_files import lines_of, subject_table, write_folder, write_lines


def test_a_good_folder_has_no_fault_but_is_not_genuine(tmp_path: Path) -> None:
    """Well-formed files of another content are usable, and are not called genuine."""
    write_folder(tmp_path)

    report = check(tmp_path)

    assert report.faults == ()
    assert report.genuine == ()
    assert report.origin == "not the UCI files: 9 of 9 are missing or modified"


def test_published_files_are_genuine(tmp_path: Path) -> None:
    """Size and sha256 decide; with one changed file, the set is not genuine."""
    write_folder(tmp_path)
    published = {}
    for subject in form.SUBJECTS:
        content = (tmp_path / "Protocol" / form.file_name(subject)).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        published[subject] = form.PublishedFile(size_bytes=len(content), sha256=digest)
    whole = check(tmp_path, published=published)
    path = tmp_path / "Protocol" / "subject102.dat"
    path.write_bytes(path.read_bytes().replace(b"5.", b"6.", 1))

    changed = check(tmp_path, published=published)

    assert whole.origin.startswith("genuine UCI files")
    assert set(form.SUBJECTS) - set(changed.genuine) == {102}
    assert changed.origin == "not the UCI files: 1 of 9 are missing or modified"


def test_all_faults_of_all_files_are_listed(tmp_path: Path) -> None:
    """Missing, malformed, useless and empty files are all found at once."""
    write_folder(tmp_path)
    protocol = tmp_path / "Protocol"
    (protocol / "subject101.dat").unlink()
    lines = lines_of(subject_table(9))
    lines[3] = lines[3].replace(" ", " x ", 1)
    lines[6] = "1 2"
    write_lines(protocol / "subject102.dat", lines)
    write_lines(protocol / "subject103.dat", lines_of(subject_table(9, activity=0)))
    (protocol / "subject104.dat").write_bytes(b"")

    report = check(tmp_path)

    found = [(fault.path.name[7:10], fault.line) for fault in report.faults]
    assert found == [("101", None), ("102", 4), ("102", 7), ("103", None), ("104", None)]


def test_columns_that_are_not_used_are_checked_too(tmp_path: Path) -> None:
    """A word in a column that no network uses is still a fault of the file."""
    write_folder(tmp_path)
    lines = lines_of(subject_table(9))
    cells = lines[5].split(" ")
    lines[5] = " ".join([*cells[:53], "oops"])
    write_lines(tmp_path / "Protocol" / "subject102.dat", lines)

    (fault,) = check(tmp_path).faults

    assert fault.line == 6
    assert "column 54 (ankle_orientation_z) is 'oops'" in fault.found


def test_faults_of_a_hopeless_file_are_limited(tmp_path: Path) -> None:
    """After the limit there is only a remark that the rest is not listed."""
    write_folder(tmp_path)
    write_lines(tmp_path / "Protocol" / "subject102.dat", ["1 2 3"] * 1000)

    faults = check(tmp_path).faults

    assert len(faults) == MOST_FAULTS_PER_FILE + 1
    assert "the rest is not listed" in str(faults[-1])
