"""The smallest form of each command that documents name, for tests to run."""

import logging
import os
import runpy
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import takewhile
from pathlib import Path

import pytest

from benchmarks.tracking.rivals import environment
from study.data.celeba.sample import write_sample
from study.execution import launch
from tests.fake_nvml import Boards

ROOT = Path(__file__).parent.parent


class BegunError(Exception):
    """Raised instead of starting a study, when its command line has been accepted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """Smallest form of the commands with a given beginning.

    Attributes:
        begins: Regular expression that matches at the start of the commands.
        run: Runs the form, given the command's words.
        marks: Marks of its test.
    """

    begins: str
    run: Callable[[Sequence[str]], None]
    marks: tuple[pytest.MarkDecorator, ...] = ()


def here(module: str, *args: str) -> None:
    """Run a module in this process as `python -m` does, and assert that it succeeds."""
    before, sys.argv = sys.argv, [module, *args]
    disabled = logging.root.manager.disable
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # raised if it was imported before
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            message = f"{module} ended with status {end.code}"
            raise AssertionError(message) from end
    finally:
        sys.argv = before
        logging.disable(disabled)  # a benchmark may disable logging, which later tests need


def with_boards(module: str, *args: str) -> None:
    """Run a module in a process that sees emulated boards."""
    command = [sys.executable, "-m", module, *args]
    subprocess.run(command, env=environment(Boards()), cwd=ROOT, check=True)


def as_it_is(*more: str) -> Callable[[Sequence[str]], None]:
    """Form: the command itself, with more arguments."""
    return lambda words: here(words[0], *words[1:], *more)


def helped(words: Sequence[str]) -> None:
    """Form: the command's `--help`, which has to name each option given."""
    verbs = 2 if words[0] == "study.data" else 1
    output = StringIO()
    with redirect_stdout(output):
        here(words[0], *takewhile(lambda each: each[0] != "-", words[1 : 1 + verbs]), "--help")
    unknown = [each for each in words if each.startswith("--") and each not in output.getvalue()]
    assert not unknown, output.getvalue()


def dry(words: Sequence[str]) -> None:
    """Form: a dry run of make, which has nothing to do if it takes the target for an existing file or folder."""
    done = subprocess.run(
        [*words[:2], "--dry-run"],
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Nothing to be done" not in done.stdout, done.stdout


def begins_a_study(words: Sequence[str]) -> None:
    """Form: everything until Ray would start; tests/end_to_end runs the four commands completely."""
    placeholders = {"my_package.my_module:MyScenario": "tests.end_to_end.scenarios:Tiny"}
    patched = pytest.MonkeyPatch()
    patched.setattr(launch, "run_study", raise_begun)
    try:
        with pytest.raises(BegunError):
            here(words[0], *(placeholders.get(each, each) for each in words[1:]))
    finally:
        patched.undo()


def raise_begun(*_: object, **__: object) -> None:
    """Stand in for `run_study`.

    Raises:
        BegunError: Always.
    """
    raise BegunError


def analysed(words: Sequence[str]) -> None:
    """Form: on small studies, without figures."""
    placeholders = ("RESULTS", "FOLDER", "/results/")
    arguments = ["results/NAME" if each.startswith(placeholders) else each for each in words[1:]]
    if not arguments or arguments[0].startswith("--"):
        arguments = ["results/NAME", *arguments]
    here("analysis", *arguments, *([] if "--format" in arguments else ["--no-report"]))


def watched(words: Sequence[str]) -> None:
    """Form: the first line of output, then Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    process.send_signal(2)
    _, errors = process.communicate(timeout=60)
    assert line, errors
    assert process.returncode == 0, errors


def paper(words: Sequence[str]) -> None:
    """Form: the commands that the script would run, each in its own smallest form."""
    output = subprocess.run(
        [ROOT / words[0], *words[1:]],
        env={**os.environ, "PYTHON": "echo", "RESULTS": "results"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lines = [line.removeprefix("-m ") for line in output.splitlines()]
    assert len(lines) == 5
    for line in lines[:-1]:
        begins_a_study(shlex.split(line))
    helped(["analysis"])


def tested(words: Sequence[str]) -> None:
    """Form: assert that the script would run pytest."""
    output = subprocess.run(
        [ROOT / words[0], *words[1:]],
        env={**os.environ, "PYTHON": "echo"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert output.startswith("-m pytest ")


def console(words: Sequence[str]) -> None:
    """Form: the console command begins a study like its module; the wheel's test runs it completely."""
    begins_a_study(["study", *words[1:]])


def with_few_faces(words: Sequence[str]) -> None:
    """Form: on a small data set."""
    drawn = write_sample(Path("faces"), images=40)
    here(*words, "--data-dir", str(drawn), "--repeats", "1", "--settle-s", "0.1")


def replayed(words: Sequence[str]) -> None:
    """Form: on the recorded table."""
    here(words[0], *("benchmarks/data/watch16" if each == "TABLE" else each for each in words[1:]))


def searched(words: Sequence[str]) -> None:
    """Form: one search by each strategy."""
    few = ("--seeds", "1", "--targets", "0.8")
    arguments = ["benchmarks/data/watch16" if each == "TABLE" else each for each in words[1:]]
    here(words[0], *arguments, *([] if "--compare" in arguments else ["--replayed"]), *few)


def not_ours(words: Sequence[str]) -> None:
    """Form: nothing, for programs of others; `make` and tests/cluster/ray_up.sh run those that matter."""
    assert words


SLOW, STUDIES = pytest.mark.slow, pytest.mark.benchmarks

FORMS = (
    Form(begins="make ", run=dry),
    Form(begins="scripts/paper", run=paper, marks=(SLOW,)),
    Form(begins="scripts/test", run=tested),
    Form(begins=r"study\.\w+ .*--log ", run=helped),  # exporters' packages may be missing
    Form(begins=r"study\.(regime|pretraining|multitask)", run=begins_a_study),
    Form(begins=r"study\.search replay", run=replayed),
    Form(begins=r"study\.search .*--resume", run=helped),
    Form(begins=r"study\.search", run=begins_a_study),
    Form(begins=r"study\.data", run=helped),
    Form(begins=r"study\.new", run=as_it_is()),
    Form(begins="power-of-training run", run=lambda _: helped(["trackers", "run"])),
    Form(begins="power-of-training ", run=console),
    Form(begins="trackers --watch", run=watched, marks=(SLOW,)),
    Form(begins="trackers run", run=lambda words: helped(words[:2])),
    Form(begins="trackers calibrate", run=lambda words: helped(words[:2])),
    Form(begins="trackers", run=as_it_is("--seconds", "0.1")),
    Form(begins="analysis (serve|import|export)", run=helped),
    Form(begins="analysis", run=analysed),
    Form(
        begins=r"benchmarks\.calibration",
        run=as_it_is("--studies", "2", "--seeds", "1"),
        marks=(SLOW,),
    ),
    Form(begins=r"benchmarks\.reading\.celeba", run=with_few_faces, marks=(STUDIES,)),
    Form(
        begins=r"benchmarks\.forecast",
        run=lambda _: here("benchmarks.forecast", "--studies", "1"),  # on its own table
        marks=(SLOW,),
    ),
    Form(begins=r"docs\.figures", run=helped),  # needs a browser and minutes
    Form(
        begins=r"benchmarks\.frozen_stage",
        run=as_it_is("--rounds", "1", "--epochs", "1", "--batch-sizes", "1024"),
        marks=(SLOW,),
    ),
    Form(begins=r"benchmarks\.gpu", run=helped),  # tests/benchmarks/test_gpu.py runs parts of it
    Form(begins=r"benchmarks\.interrupted", run=as_it_is("1"), marks=(STUDIES,)),
    Form(begins=r"benchmarks\.machines_away", run=helped),  # needs a partition of a minute or more
    Form(begins=r"benchmarks\.many_boards", run=helped),  # needs a minute
    Form(
        begins=r"benchmarks\.overhead study",
        run=as_it_is("--repeats", "1", "--max-epochs", "1"),
        marks=(STUDIES,),
    ),
    Form(
        begins=r"benchmarks\.overhead tracker",
        run=as_it_is("--rounds", "1", "--max-epochs", "1", "--settle-s", "0.1"),
        marks=(STUDIES,),
    ),
    Form(
        begins=r"benchmarks\.reading\.pamap2",
        run=as_it_is("--rows-per-subject", "6000", "--repeats", "1"),
        marks=(SLOW,),
    ),
    Form(
        begins=r"benchmarks\.record_table",
        run=as_it_is(
            *("--repeats", "1", "--max-epochs", "1", "--tracker", "estimate"),
            *("--results-dir", "recorded", "--table", "table", "--batch-sizes", "128"),
        ),
        marks=(STUDIES,),
    ),
    Form(
        begins=r"benchmarks\.reading\.large_data",
        run=as_it_is("--gigabytes", "0.8"),
        marks=(STUDIES,),
    ),
    Form(begins=r"benchmarks\.report_time", run=as_it_is("--small"), marks=(SLOW,)),
    Form(begins=r"benchmarks\.scaling --ray", run=as_it_is("--ray", "2"), marks=(STUDIES,)),
    Form(begins=r"benchmarks\.scaling", run=as_it_is("--trials", "16")),
    Form(begins=r"benchmarks\.search --live", run=helped),  # a single live search takes minutes
    Form(begins=r"benchmarks\.search", run=searched, marks=(SLOW,)),
    Form(
        begins=r"benchmarks\.tracker_accuracy",
        run=as_it_is("--lengths-s", "0.3", "--drawn", "4"),
        marks=(SLOW,),
    ),
    Form(begins=r"benchmarks\.tracking\.against", run=helped),  # needs two checkouts and minutes
    Form(
        begins=r"benchmarks\.tracking\.child",
        run=lambda words: with_boards(words[0], "ours", "--epochs", "0.1:2", "--settle", "0.1"),
        marks=(SLOW,),
    ),
    Form(
        begins=r"benchmarks\.tracker_comparison",
        run=lambda words: here(words[0], "--smoke"),
        marks=(STUDIES,),
    ),
    Form(
        begins=r"benchmarks\.tracking\.latency",
        run=lambda words: with_boards(*words, "--windows", "3"),
        marks=(SLOW,),
    ),
    Form(
        begins=r"benchmarks\.tune_overhead",
        run=as_it_is("--epochs", "2", "--repeats", "1", "--epoch-s", "0.1"),
        marks=(STUDIES,),
    ),
    Form(
        begins=r"benchmarks\.training_loop",
        run=as_it_is("--batch-sizes", "64", "--rounds", "2", "--samples", "64"),
    ),
    Form(
        begins=r"(ray|tensorboard|pip|venv|pytest|git|pre-commit|optuna-dashboard)\b", run=not_ours
    ),
)
"""Forms in order: a command has the first that matches."""
