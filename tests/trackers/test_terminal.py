"""Output decides over nothing else, and a leading `~` is the home folder in every word."""

import io
import os
from pathlib import Path

import pytest

from trackers.terminal import forgiving, with_home


def opened(descriptor: int) -> io.TextIOWrapper:
    """A stream as a program gets it where the terminal knows no more than ASCII."""
    return io.TextIOWrapper(io.FileIO(descriptor, "w"), encoding="ascii", write_through=True)


def test_letters_that_a_terminal_lacks_are_replaced() -> None:
    """An old locale gets a question mark instead of an error."""
    read, write = os.pipe()
    with opened(write) as stream, os.fdopen(read) as reader:
        forgiving(stream).write("12 \u00b5s\n")
        stream.close()

        assert reader.read() == "12 ?s\n"


def test_what_cannot_be_written_is_dropped() -> None:
    """A pipe that is closed, as by `| head -1`, ends no program that has files to write."""
    read, write = os.pipe()
    os.close(read)
    with opened(write) as stream:
        output = forgiving(stream)

        print("nobody reads this", file=output, flush=True)
        print("nor this", file=output, flush=True)

        assert output.fileno() == write


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_behind_the_output_is_no_error() -> None:
    """`> file` on a disk that is full loses words, and no table."""
    with opened(os.open("/dev/full", os.O_WRONLY)) as stream:
        print("lost", file=forgiving(stream), flush=True)


def test_what_is_no_file_is_left_alone() -> None:
    """A notebook's or a test's stream stays what it is."""
    stream = io.StringIO()

    assert forgiving(stream) is stream


def test_home_is_meant_by_a_tilde_after_an_equals_sign_too() -> None:
    """A shell replaces `~/a` and not `--data-dir=~/a`; nothing else changes."""
    home = Path.home()

    words = with_home(["--data-dir=~/a", "~/b", "--name=a~", "x~y", "--scenario=mine.py:~"])

    assert words == [
        f"--data-dir={home}/a",
        f"{home}/b",
        "--name=a~",
        "x~y",
        "--scenario=mine.py:~",
    ]
