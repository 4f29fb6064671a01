"""`power-of-training` and `python -m study`: all commands under one name."""

import importlib.util
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
    assert "there is no command 'regim'; allowed are regime, pre" in capsys.readouterr().err


@pytest.mark.parametrize("word", COMMANDS)
def test_each_command_can_be_run(word: str) -> None:
    """Behind each word is a module that `python -m` runs."""
    module, _ = COMMANDS[word]
    spec = importlib.util.find_spec(module)

    assert spec is not None
    is_package = spec.submodule_search_locations is not None
    assert not is_package or importlib.util.find_spec(f"{module}.__main__") is not None


LACKING = """
import runpy, sys
sys.platform = "win32"
sys.modules.update(fcntl=None, resource=None)
sys.argv = [sys.argv[1], "--help"]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""A process that takes itself for one of Windows, and lacks what Python lacks there."""


@pytest.mark.parametrize(
    "module", dict.fromkeys(["study", *(module for module, _ in COMMANDS.values())])
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


@pytest.mark.slow
def test_a_users_own_folders_do_not_hide_ours(tmp_path: Path) -> None:
    """The working folder is not searched first, so that `study` there is not taken for ours."""
    for name in ("study", "models", "analysis"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "study", "regime", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "--batch-sizes" in done.stdout
