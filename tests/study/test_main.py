"""`power-of-training` and `python -m study`: all commands under one name."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from study.__main__ import COMMANDS, main

ROOT = Path(__file__).parent.parent.parent


def test_without_a_command_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with what it answers and its module."""
    status = main([])

    printed = capsys.readouterr().out
    assert status == 0
    assert all(f"{word} " in printed for word in COMMANDS)
    assert printed.startswith("usage: power-of-training COMMAND [options] ")


def test_a_command_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With those that do, and the status of a wrong option."""
    status = main(["regim"])

    assert status == 2
    assert "there is no command 'regim'; allowed: regime, pre" in capsys.readouterr().err


@pytest.mark.parametrize("word", COMMANDS)
def test_each_command_can_be_run(word: str) -> None:
    """Behind each word is a module that `python -m` runs."""
    module, *_ = COMMANDS[word][0].split()
    spec = importlib.util.find_spec(module)

    assert spec is not None
    is_package = spec.submodule_search_locations is not None
    assert not is_package or importlib.util.find_spec(f"{module}.__main__") is not None


LACKING = """
import runpy, sys
sys.platform = "win32"
sys.modules.update(fcntl=None, resource=None)
sys.argv = [sys.argv[1], "--help"]
sys.orig_argv = ["python", "-m", *sys.argv]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""A process that takes itself for one of Windows, and lacks what Python lacks there."""


@pytest.mark.parametrize(
    "module", dict.fromkeys(["study", *(each.split()[0] for each, _ in COMMANDS.values())])
)
def test_windows_is_answered_with_what_to_do(module: str) -> None:
    """Before anything is imported there that Windows lacks, which would fail in other words."""
    done = subprocess.run(
        [sys.executable, "-c", LACKING, module],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("power-of-training runs on Linux and macOS, and this is Windows.")
    assert "Install it in WSL 2" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("loaded", ["from study import run_study", "import analysis"])
def test_a_program_on_windows_is_answered_too(loaded: str) -> None:
    """In the words of a command, and not by the name of a module that Python lacks there."""
    program = LACKING.partition("sys.argv")[0] + loaded

    done = run_in(ROOT, "-c", program)

    assert done.stderr.splitlines()[-1].startswith(
        "ImportError: power-of-training runs on Linux and macOS, and this is Windows."
    )


@pytest.fixture
def users_folder(tmp_path: Path) -> Path:
    """A folder with packages of the same names as ours, and the console command as pip writes it."""
    for name in ("study", "models", "analysis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "power-of-training").write_text(
        "import sys\nfrom study.__main__ import main\nsys.exit(main())\n"
    )
    return tmp_path


def run_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these words in a folder; ours are installed."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_users_own_folders_do_not_hide_ours(users_folder: Path) -> None:
    """The working folder is not searched first, so that `study` there is not taken for ours."""
    done = run_in(users_folder, "-P", "-m", "study", "regime", "--help")

    assert done.returncode == 0, done.stderr
    assert "--batch-sizes" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("words", [["-P", "-m", "study"], ["bin/power-of-training"]])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_program_as_it_was_started(
    users_folder: Path, words: list[str], command: str
) -> None:
    """In a folder with a `study` of the user's own, `python -m study.regime` would run theirs."""
    done = run_in(users_folder, *words, command, "--help")

    started = " ".join(words).replace("-P", "python").removeprefix("bin/")
    assert done.stdout.startswith(f"usage: {started} {command} "), done.stderr
    module, _ = COMMANDS[command]
    assert f"python -m {module} " not in done.stdout
    assert "python -m analysis" not in done.stdout


@pytest.mark.slow
def test_a_command_is_measured_by_run(users_folder: Path) -> None:
    """`power-of-training run` is `power-of-training trackers run`."""
    measured = ("--quiet", "--tracker", "estimate", "--cpu-watts", "10", "--json", "run.json")
    ends = (sys.executable, "-c", "raise SystemExit(3)")

    done = run_in(users_folder, "bin/power-of-training", "run", *measured, "--", *ends)

    assert done.returncode == 3, done.stderr
    assert json.loads((users_folder / "run.json").read_text())["command"] == [*ends]
