"""Exit status and last message of a command."""

import sys

import pytest

from study.command.exit_status import exit_status
from study.errors import OptionError


def run_ended_by(error: BaseException | None) -> int:
    """Run a command that raises `error`, or returns 1 without one."""
    if error is not None:
        raise error
    return 1


@pytest.mark.parametrize(
    ("error", "is_suppressed", "status", "message"),
    [
        (None, False, 1, ""),
        (OptionError("--lr is 0."), False, 2, "study.x: --lr is 0.\n"),
        (KeyboardInterrupt(), False, 130, "study.x: interrupted before the first trial\n"),
        (KeyboardInterrupt(), True, 130, ""),
    ],
)
def test_each_end_of_a_command_has_its_status_and_message(
    error: BaseException | None,
    *,
    is_suppressed: bool,
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The status is the command's own, 2 for an error that the user can fix, or 130 for an interruption."""
    found = exit_status("study.x", lambda: run_ended_by(error), on_interrupt=lambda: is_suppressed)

    assert (found, capsys.readouterr().err) == (status, message)


def test_an_error_begins_with_the_command_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A user of `power-of-training regime` need not know `study.regime`."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "regime"])

    exit_status("study.regime", lambda: run_ended_by(OptionError("--lr is 0.")))

    assert capsys.readouterr().err == "power-of-training regime: --lr is 0.\n"
