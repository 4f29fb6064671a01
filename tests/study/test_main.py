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
