"""`power-of-training` and `python -m study`, which run all commands under one name."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from study.__main__ import COMMANDS, main

ROOT = Path(__file__).parent.parent.parent


def test_without_a_command_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The list has every command, and the exit status is 0."""
    status = main([])

    printed = capsys.readouterr().out
    assert status == 0
    assert all(f"{word} " in printed for word in COMMANDS)
    assert printed.startswith("usage: power-of-training COMMAND [options] ")


def test_a_command_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists those that exist, and the exit status is that of a wrong option."""
    status = main(["regim"])

    assert status == 2
    assert "there is no command 'regim'; allowed: regime, pre" in capsys.readouterr().err


@pytest.mark.parametrize("word", COMMANDS)
def test_each_command_can_be_run(word: str) -> None:
    """Each command belongs to a module that `python -m` can run."""
    module, *_ = COMMANDS[word][0].split()
    spec = importlib.util.find_spec(module)

    assert spec is not None
    is_package = spec.submodule_search_locations is not None
    assert not is_package or importlib.util.find_spec(f"{module}.__main__") is not None


ON_WINDOWS = """
import runpy, sys
sys.platform = "win32"
sys.modules.update(fcntl=None, resource=None)
sys.argv = [sys.argv[1], "--help"]
sys.orig_argv = ["python", "-m", *sys.argv]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Code of a process that appears to run on Windows, without the modules that Python lacks there."""


@pytest.mark.parametrize(
    "module", dict.fromkeys(["study", *(each.split()[0] for each, _ in COMMANDS.values())])
)
def test_commands_on_windows_say_what_to_do(module: str) -> None:
    """The message appears before a module that Windows lacks is imported, which would fail with a traceback."""
    done = subprocess.run(
        [sys.executable, "-c", ON_WINDOWS, module],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("power-of-training runs on Linux and macOS, and this is Windows.")
    assert "Install it in WSL 2" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("statement", ["from study import run_study", "import analysis"])
def test_imports_on_windows_say_what_to_do(statement: str) -> None:
    """A program gets the message of the commands, instead of the name of a module that Python lacks there."""
    program = ON_WINDOWS.partition("sys.argv")[0] + statement

    done = run_in(ROOT, "-c", program)

    assert done.stderr.splitlines()[-1].startswith(
        "ImportError: power-of-training runs on Linux and macOS, and this is Windows."
    )


@pytest.fixture
def users_folder(tmp_path: Path) -> Path:
    """A folder with packages named like ours, and the console command as pip writes it."""
    for name in ("study", "models", "analysis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "power-of-training").write_text(
        "import sys\nfrom study.__main__ import main\nsys.exit(main())\n"
    )
    return tmp_path


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, with our packages importable as if they were installed."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_users_own_folders_do_not_hide_ours(users_folder: Path) -> None:
    """With `-P`, `study` is our package and not the one in the working folder."""
    done = run_in(users_folder, "-P", "-m", "study", "regime", "--help")

    assert done.returncode == 0, done.stderr
    assert "--batch-sizes" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("program", [["-P", "-m", "study"], ["bin/power-of-training"]])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_program_as_it_was_started(
    users_folder: Path, program: list[str], command: str
) -> None:
    """Help never says `python -m study.regime`, which would run a `study` in the user's own folder."""
    done = run_in(users_folder, *program, command, "--help")

    shown = " ".join(program).replace("-P", "python").removeprefix("bin/")
    assert done.stdout.startswith(f"usage: {shown} {command} "), done.stderr
    module, _ = COMMANDS[command]
    assert f"python -m {module} " not in done.stdout
    assert "python -m analysis" not in done.stdout


@pytest.mark.slow
def test_run_measures_a_command(users_folder: Path) -> None:
    """`power-of-training run` measures a command, records it and exits with its status."""
    options = ("--quiet", "--tracker", "estimate", "--cpu-watts", "10", "--json", "run.json")
    command = (sys.executable, "-c", "raise SystemExit(3)")

    done = run_in(users_folder, "bin/power-of-training", "run", *options, "--", *command)

    assert done.returncode == 3, done.stderr
    assert json.loads((users_folder / "run.json").read_text())["command"] == [*command]
