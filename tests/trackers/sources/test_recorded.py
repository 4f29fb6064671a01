"""Recordings: played back as they were, refused with the line that is wrong."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.clock import ManualClock
from trackers.errors import SourceUnavailableError, UnknownDeviceError
from trackers.sources.recorded import RecordedSource


def csv_file(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    """A recording of some text."""
    path = folder / "run.csv"
    path.write_text(text, encoding=encoding)
    return path


def power_w(source: RecordedSource) -> float | None:
    """Power now."""
    return source.observe(source.devices()[0].uuid, counter=True).power_w


@given(
    start_s=st.floats(min_value=0, max_value=1e6), passed_s=st.floats(min_value=0, max_value=1e4)
)
def test_a_function_is_of_the_seconds_since_it_began(start_s: float, passed_s: float) -> None:
    """The machine's uptime plays no part."""
    clock = ManualClock(start_s)
    source = RecordedSource(lambda time_s: 3 * time_s, clock=clock)

    clock.advance(passed_s)

    assert power_w(source) == pytest.approx(3 * passed_s, abs=1e-6)


def test_each_line_holds_until_the_next_and_the_end_is_the_start(tmp_path: Path) -> None:
    """The last line says when the recording ends; then it begins again, without end."""
    path = csv_file(tmp_path, "time_s,power_w,epoch\n10,100,1\n11,200,1\n13,300,2\n")
    clock = ManualClock(500.0)
    source = RecordedSource.from_csv(path, clock=clock)

    played = []
    for _ in range(8):
        played.append(power_w(source))
        clock.advance(0.75)

    assert played == [100, 100, 200, 200, 100, 100, 200, 200]


def test_one_line_is_a_constant(tmp_path: Path) -> None:
    """A recording of one power plays that power."""
    clock = ManualClock()
    source = RecordedSource.from_csv(csv_file(tmp_path, "time_s,power_w\n5,42\n"), clock=clock)

    clock.advance(1e6)

    assert power_w(source) == 42


def test_a_file_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    """The mark that spreadsheets put before the first column is no part of its name."""
    path = csv_file(tmp_path, "time_s,power_w\r\n0,1\r\n1,1\r\n", encoding="utf-8-sig")

    assert power_w(RecordedSource.from_csv(path, clock=ManualClock())) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no rows"),
        ("time_s,power_w\n", "no rows"),
        ("seconds,watts\n0,1\n", "got seconds, watts; needed are the columns time_s and power_w"),
        ("time_s\n0,1,2\n", "needed are the columns"),
        ("time_s,power_w\n0,1\n1,\n", "line 3"),
        ("time_s,power_w\n0,1\n1\n", "line 3"),
        ("time_s,power_w\n0,1\n1,two\n", "line 3"),
        ("time_s,power_w\n0,nan\n", "line 2"),
        ("time_s,power_w\n0,1\n1,-5\n", r"line 3: 1\.0 s, -5\.0 W is not a power"),
        ("time_s,power_w\ninf,1\n", "line 2"),
        ("time_s,power_w\n0,1\n2,1\n2,1\n", r"line 4: time 2\.0 s is not after 2\.0 s"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    """The message names the file, and the line or the columns."""
    path = csv_file(tmp_path, text)

    with pytest.raises(SourceUnavailableError, match=complaint) as refusal:
        RecordedSource.from_csv(path)

    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"time_s,power_w\n" + b"1" * 200_000])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """No file, no text, or a field without end: refused as a source, not as a crash."""
    path = tmp_path / "run.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SourceUnavailableError, match=r"run\.csv"):
        RecordedSource.from_csv(path)


def test_a_recording_belongs_to_whoever_asks(tmp_path: Path) -> None:
    """It is one device, named after its file; others are not known."""
    source = RecordedSource.from_csv(csv_file(tmp_path, "time_s,power_w\n0,1\n"))

    (device,) = source.devices()

    assert (device.uuid, device.is_recording) == ("recorded:run.csv", True)
    with pytest.raises(UnknownDeviceError, match=r"'GPU-1'; this recording is 'recorded:run\.csv'"):
        source.observe("GPU-1", counter=False)


@pytest.mark.parametrize("wrong", [math.nan, -1.0, math.inf])
def test_a_function_that_gives_no_power_is_refused(wrong: float) -> None:
    """What is not a power does not leave the source."""
    source = RecordedSource(lambda _: wrong, clock=ManualClock())

    with pytest.raises(ValueError, match="power_w is"):
        power_w(source)
