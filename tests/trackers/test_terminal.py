"""Output decides over nothing else, and a leading `~` is the home folder in every word."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trackers import terminal
from trackers.terminal import as_started, forgiving, with_home

ROOT = Path(__file__).parents[2]


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


def test_what_follows_two_dashes_is_another_commands() -> None:
    """`trackers run -- train --out=~/x` runs what was typed."""
    words = ["--csv=~/a", "--", "train", "--out=~/x", "~"]

    assert with_home(words) == [f"--csv={Path.home()}/a", *words[1:]]


CLOSED = """
import os, sys
for descriptor in (0, 1, 2):
    os.close(descriptor)
sys.stdout = sys.stderr = None
from trackers.terminal import run
def main(words):
    file = os.open(words[0], os.O_RDWR | os.O_CREAT)
    os.write(1, b"printed by a library")
    print("printed by us")
    sys.stderr.write("complained")
    return file
sys.exit(run(main))
"""


def test_streams_that_were_closed_take_no_files_number(tmp_path: Path) -> None:
    """What is printed does not go into the file that was opened first."""
    path = tmp_path / "table"

    done = subprocess.run([sys.executable, "-c", CLOSED, str(path)], cwd=ROOT, check=False)

    assert done.returncode > 2
    assert path.read_bytes() == b""


GONE = """
import os, shutil, sys
from trackers.terminal import run
os.chdir(sys.argv[1])
os.rmdir(sys.argv[1])
sys.exit(run(lambda words: len(os.getcwd()) if words[1:] else 0))
"""


def test_a_working_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    """In a sentence, where it is needed: instead of an error in whatever asks for it first."""
    said = []
    for more in ([], ["needs it"]):
        (tmp_path / "gone").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", GONE, str(tmp_path / "gone"), *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        said.append((done.returncode, done.stderr.strip()))

    assert said == [(0, ""), (2, terminal.GONE)]


NAMELESS = """
import getpass, os, pwd, sys
from pathlib import Path
from trackers.terminal import run
for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "XDG_STATE_HOME"):
    os.environ.pop(name, None)
os.setuid(54321)
sys.exit(run(lambda words: print(Path.home(), getpass.getuser())))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
@pytest.mark.slow
def test_a_user_who_is_in_no_list_has_a_home_and_a_name() -> None:
    """As under Kubernetes or `docker run --user`: Ray and torch ask for both."""
    done = subprocess.run(
        [sys.executable, "-c", NAMELESS], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stdout == "/nonexistent uid54321\n", done.stderr


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["python", "-m", "study.regime"], "python -m analysis A"),
        (["python", "-m", "pytest", "power-of-training"], "python -m analysis A"),
        (["python"], "python -m analysis A"),
        (["python", "-m", "study", "regime"], "python -m study analysis A"),
        (["python", "-P", "/env/bin/power-of-training", "regime"], "power-of-training analysis A"),
    ],
)
def test_other_commands_are_named_as_this_one_was_started(typed: list[str], told: str) -> None:
    """Whoever needs the console command, because `study` is a folder of theirs, is told that."""
    assert as_started("python -m analysis A", typed) == told


@pytest.mark.parametrize(
    ("module", "word"),
    [
        ("study.data get pamap2", "data get pamap2"),
        ("study.search replay TABLE", "search replay TABLE"),
        ("trackers", "trackers"),
        ("trackers calibrate", "trackers calibrate"),
        ("trackers run -- make", "run -- make"),
    ],
)
def test_each_module_has_a_word_of_the_console_command(module: str, word: str) -> None:
    """The name of a study's module, or of the package."""
    typed = ["python", "power-of-training", "regime"]

    told = as_started(f"do `python -m {module}` next, not python -m benchmarks.search", typed)

    assert told == f"do `power-of-training {word}` next, not python -m benchmarks.search"
