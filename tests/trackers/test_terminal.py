"""Output that ends no command, `~` in arguments, and names of other commands in messages."""

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
    """A stream as a program gets it on a terminal that has only ASCII."""
    return io.TextIOWrapper(io.FileIO(descriptor, "w"), encoding="ascii", write_through=True)


def test_characters_that_a_terminal_lacks_are_replaced() -> None:
    """With an old locale a question mark is written instead of an error."""
    read, write = os.pipe()
    with opened(write) as stream, os.fdopen(read) as reader:
        forgiving(stream).write("12 \u00b5s\n")
        stream.close()

        assert reader.read() == "12 ?s\n"


def test_output_that_cannot_be_written_is_dropped() -> None:
    """A closed pipe, as of `| head -1`, does not end a program that has files to write."""
    read, write = os.pipe()
    os.close(read)
    with opened(write) as stream:
        output = forgiving(stream)

        print("nobody reads this", file=output, flush=True)
        print("nor this", file=output, flush=True)

        assert output.fileno() == write


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_full_disk_behind_the_output_is_no_error() -> None:
    """`> file` on a full disk loses output, but does not end the command."""
    with opened(os.open("/dev/full", os.O_WRONLY)) as stream:
        print("lost", file=forgiving(stream), flush=True)


def test_a_stream_that_is_no_file_is_left_alone() -> None:
    """A stream of a notebook or a test stays as it is."""
    stream = io.StringIO()

    assert forgiving(stream) is stream


def test_home_is_meant_by_a_tilde_after_an_equals_sign_too() -> None:
    """A shell replaces `~/a` but not `--data-dir=~/a`; nothing else is changed."""
    home = Path.home()

    words = with_home(["--data-dir=~/a", "~/b", "--name=a~", "x~y", "--scenario=mine.py:~"])

    assert words == [
        f"--data-dir={home}/a",
        f"{home}/b",
        "--name=a~",
        "x~y",
        "--scenario=mine.py:~",
    ]


def test_arguments_after_two_dashes_are_not_changed() -> None:
    """`trackers run -- train --out=~/x` runs the command as it was typed."""
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


def test_output_to_closed_streams_ends_up_in_no_file(tmp_path: Path) -> None:
    """A file that is opened first does not get the number of a closed stream."""
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


def test_a_missing_working_folder_is_reported(tmp_path: Path) -> None:
    """A command that needs it ends with a message; any other command runs."""
    ends = []
    for more in ([], ["needs it"]):
        (tmp_path / "gone").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", GONE, str(tmp_path / "gone"), *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        ends.append((done.returncode, done.stderr.strip()))

    assert ends == [(0, ""), (2, terminal.GONE)]


NAMELESS = """
import getpass, os, pwd, sys
from pathlib import Path
from trackers.terminal import run
for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "XDG_STATE_HOME"):
    os.environ.pop(name, None)
os.setuid(54321)
sys.exit(run(lambda words: print(Path.home(), getpass.getuser())))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.slow
def test_a_user_who_is_in_no_list_has_a_home_and_a_name() -> None:
    """Under Kubernetes or `docker run --user` a user may have no account; Ray and torch ask for both."""
    done = subprocess.run(
        [sys.executable, "-c", NAMELESS], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stdout == "/nonexistent uid54321\n", done.stderr


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["python", "-m", "study.regime"], "python -m analysis A"),
        (["python", "-m", "pytest", "power-of-training"], "python -m analysis A"),
        (["python"], "python -m analysis A"),
        (["python", "-m", "study", "regime"], "python -m study analysis A"),
        (["python", "-P", "/env/bin/power-of-training", "regime"], "power-of-training analysis A"),
    ],
)
def test_other_commands_are_named_as_this_one_was_started(typed: list[str], expected: str) -> None:
    """Where `python -m study` would be a user's own package, messages name the console command."""
    assert as_started("python -m analysis A", typed) == expected


@pytest.mark.parametrize(
    ("module", "subcommand"),
    [
        ("study.data get pamap2", "data get pamap2"),
        ("study.search replay TABLE", "search replay TABLE"),
        ("trackers", "trackers"),
        ("trackers calibrate", "trackers calibrate"),
        ("trackers run -- make", "run -- make"),
    ],
)
def test_each_module_has_a_subcommand_of_the_console_command(module: str, subcommand: str) -> None:
    """A message that names a module is changed to name the subcommand."""
    typed = ["python", "power-of-training", "regime"]

    message = as_started(f"do `python -m {module}` next, not python -m benchmarks.search", typed)

    assert message == f"do `power-of-training {subcommand}` next, not python -m benchmarks.search"
