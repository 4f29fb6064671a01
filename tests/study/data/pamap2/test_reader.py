"""Reading of PAMAP2 files: columns, accepted variants, and faults with their lines."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from study.data.pamap2 import format as form
from study.data.pamap2.reader import MalformedFileError, content_faults, read_subject
from study.errors import DataError
from tests.study.data.pamap2.pamap2_files import (
    lines_of,
    subject_table,
    write_folder,
    write_lines,
    write_subject,
)

# Counted from 1 as in the data set's own description: 16 g acceleration, gyroscope, magnetometer.
EXPECTED_COLUMNS = [
    *(5, 6, 7, 11, 12, 13, 14, 15, 16),
    *(22, 23, 24, 28, 29, 30, 31, 32, 33),
    *(39, 40, 41, 45, 46, 47, 48, 49, 50),
]


def test_the_27_intended_columns_are_read(tmp_path: Path) -> None:
    """They are 16 g acceleration, gyroscope and magnetometer of hand, chest and ankle."""
    path = write_subject(tmp_path / "subject101.dat", subject_table(3))

    recording = read_subject(path)

    expected = np.array(EXPECTED_COLUMNS)[:, np.newaxis] + np.arange(3) / 1000
    np.testing.assert_allclose(recording.signals, expected, rtol=1e-6)
    np.testing.assert_allclose(recording.time_s, [8.38, 8.39, 8.40])
    assert recording.activity.tolist() == [4, 4, 4]
    assert np.float32 == recording.signals.dtype


@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", " \r\n"])
def test_line_ends_do_not_matter(tmp_path: Path, end: str) -> None:
    """LF, CRLF and a space before either give the same numbers."""
    table = subject_table(5)
    table[2, 4] = np.nan
    usual = read_subject(write_subject(tmp_path / "a.dat", table))

    other = read_subject(write_lines(tmp_path / "b.dat", lines_of(table), end=end))

    np.testing.assert_array_equal(usual.signals, other.signals)
    assert np.isnan(other.signals[0, 2])


def test_a_last_line_without_end_is_read(tmp_path: Path) -> None:
    """The last row counts even if no line end follows."""
    path = tmp_path / "a.dat"
    path.write_text("\n".join(lines_of(subject_table(3))))

    recording = read_subject(path)

    assert len(recording.time_s) == 3


def _with_line(number: int, line: str) -> list[str]:
    lines = lines_of(subject_table(20))
    lines[number - 1] = line
    return lines


GOOD = lines_of(subject_table(1))[0].split(" ")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (" ".join(GOOD[:53]), "53 columns instead of 54"),
        (" ".join([*GOOD, "1"]), "55 columns instead of 54"),
        ("", "1 columns instead of 54"),
        (" ".join([*GOOD[:4], "abc", *GOOD[5:]]), "column 5 (hand_acc16_x) is 'abc'"),
        (" ".join([*GOOD[:4], "", *GOOD[5:]]), "column 5 (hand_acc16_x) is ''"),
        (" ".join([GOOD[0], "NaN", *GOOD[2:]]), "activity NaN; known are 0, 1, 2"),
        (" ".join([GOOD[0], "300", *GOOD[2:]]), "activity 300; known are 0, 1, 2"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, found: str) -> None:
    """The message has path, line, what was found, and what to do."""
    path = write_lines(tmp_path / "subject101.dat", _with_line(7, line))

    with pytest.raises(DataError) as caught:
        read_subject(path)

    assert str(caught.value).startswith(f"{path}, line 7: {found}")
    assert str(caught.value).endswith(("fetches it", "replace the file"))


def test_a_file_that_was_cut_off_says_so(tmp_path: Path) -> None:
    """A last row without all its columns and without a line end shows an incomplete copy."""
    path = tmp_path / "subject101.dat"
    path.write_text("\n".join(lines_of(subject_table(4)))[:-200])

    with pytest.raises(DataError, match=r"line 4: .*the file ends within this line"):
        read_subject(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """A file without a row has no first line to name."""
    path = write_lines(tmp_path / "subject101.dat", [])

    with pytest.raises(DataError, match=r"subject101\.dat: the file is empty"):
        read_subject(path)


def test_faults_are_found_up_to_a_limit(tmp_path: Path) -> None:
    """Several malformed lines are found, in order, up to `most_faults`."""
    lines = lines_of(subject_table(20))
    for number in (3, 9, 15):
        lines[number - 1] = "1 2 3"
    path = write_lines(tmp_path / "subject101.dat", lines)

    with pytest.raises(MalformedFileError) as caught:
        read_subject(path, most_faults=2)

    assert [fault.line for fault in caught.value.faults] == [3, 9]


def test_time_must_increase(tmp_path: Path) -> None:
    """A time stamp that does not come after the one before is named with its line."""
    table = subject_table(10)
    table[6, 0] = table[5, 0]
    path = write_subject(tmp_path / "subject101.dat", table)

    faults = content_faults(path, read_subject(path))

    assert [fault.line for fault in faults] == [7]
    assert "time must increase" in str(faults[0])


def test_an_unknown_activity_is_named(tmp_path: Path) -> None:
    """An activity that PAMAP2 does not know is named with the first line that has it."""
    table = subject_table(10)
    table[4:, 1] = 99
    path = write_subject(tmp_path / "subject101.dat", table)

    faults = content_faults(path, read_subject(path))

    assert [(fault.line, fault.found[:11]) for fault in faults] == [(5, "activity 99")]


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_files_written_again_are_read(tmp_path: Path, separator: str) -> None:
    """Pandas and editors leave other separators, activities as 4.0 and byte order marks."""
    lines = lines_of(subject_table(5))
    usual = read_subject(write_lines(tmp_path / "a.dat", lines))
    again = [line.replace(" 4 ", " 4.0 ", 1).replace(" ", separator) for line in lines]

    other = read_subject(write_lines(tmp_path / "b.dat", ["\ufeff" + again[0], *again[1:]]))

    np.testing.assert_array_equal(usual.signals, other.signals)
    assert other.activity.tolist() == [4] * 5


@pytest.mark.parametrize("activity", ["4.5", "NaN", "200.0"])
def test_an_activity_that_is_no_whole_number_is_named(tmp_path: Path, activity: str) -> None:
    """A label that interpolation has made is not rounded down, and is named as it stands."""
    lines = lines_of(subject_table(5))
    lines[2] = lines[2].replace(" 4 ", f" {activity} ", 1)

    with pytest.raises(MalformedFileError, match=f"line 3: activity {activity}; known are 0, 1, 2"):
        read_subject(write_lines(tmp_path / "a.dat", lines))


@pytest.mark.parametrize(
    ("changed", "seems"),
    [
        (
            lambda line: line.replace(" ", "  "),
            "as many numbers, but not each two between one space",
        ),
        (lambda line: "17 " + line, "55 columns instead of 54; is the first one a row number"),
        (lambda _: " ".join(form.COLUMN_NAMES), "have no header: remove this line"),
    ],
)
def test_a_near_miss_is_told_by_what_it_seems_to_be(
    tmp_path: Path, changed: Callable[[str], str], seems: str
) -> None:
    """The message says whether it looks like several spaces, a column of row numbers, or a header."""
    first, *others = lines_of(subject_table(3))

    with pytest.raises(MalformedFileError, match=f"line 1: .*{seems}"):
        read_subject(write_lines(tmp_path / "a.dat", [changed(first), *others]))


@pytest.mark.parametrize("rate_hz", [25, 50, 200])
def test_another_sampling_rate_is_a_fault(tmp_path: Path, rate_hz: int) -> None:
    """Resampled recordings are not taken for 100 Hz, at which 200 rows are two seconds."""
    table = subject_table(10)
    table[:, 0] = 8 + np.arange(10) / rate_hz
    path = write_lines(
        tmp_path / "a.dat",
        [
            f"{t:.3f} {line.partition(' ')[2]}"
            for t, line in zip(table[:, 0], lines_of(table), strict=True)
        ],
    )

    faults = content_faults(path, read_subject(path))

    assert [fault.found.partition(", though")[0] for fault in faults] == [
        f"a row every {1 / rate_hz:g} s ({rate_hz} Hz)"
    ]


def test_the_folder_of_other_recordings_is_not_taken_for_the_protocol(tmp_path: Path) -> None:
    """`Optional` has files of the same names; the message points to the folder above."""
    write_subject(tmp_path / "Optional/subject101.dat", subject_table(3))

    with pytest.raises(DataError, match=f"no part of the Protocol. Give .*{tmp_path}\\."):
        form.find_protocol(tmp_path / "Optional")


def test_a_file_without_protocol_activity_is_a_fault(tmp_path: Path) -> None:
    """A file with only transient rows and other activities gives no training data."""
    table = subject_table(10, activity=0)
    table[5:, 1] = 9
    path = write_subject(tmp_path / "subject101.dat", table)

    faults = content_faults(path, read_subject(path))

    assert [f.found[:43] for f in faults] == ["no row has one of the protocol's activities"]


@pytest.mark.parametrize("given", [".", "Protocol", ".."])
def test_the_protocol_folder_is_found(tmp_path: Path, given: str) -> None:
    """The user may give the folder above, the data set's folder or the Protocol folder itself."""
    write_folder(tmp_path / "PAMAP2_Dataset")

    found = form.find_protocol((tmp_path / "PAMAP2_Dataset" / given).resolve())

    assert (tmp_path / "PAMAP2_Dataset" / "Protocol").resolve() == found


def test_a_folder_without_protocol_says_how_to_get_one(tmp_path: Path) -> None:
    """The message names the folder and both ways to data."""
    with pytest.raises(DataError, match=r"study\.data get pamap2 .* study\.data sample pamap2"):
        form.find_protocol(tmp_path)
