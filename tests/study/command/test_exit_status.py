"""What a command ends with, whatever ends it."""

import sys

import pytest

from study.command.exit_status import exit_status
from study.errors import OptionError


def ended_by(error: BaseException | None) -> int:
    """A command that something ends, or nothing does."""
    if error is not None:
        raise error
    return 1


@pytest.mark.parametrize(
    ("error", "has_said", "status", "said"),
    [
        (None, False, 1, ""),
        (OptionError("--lr is 0."), False, 2, "study.x: --lr is 0.\n"),
        (KeyboardInterrupt(), False, 130, "study.x: interrupted before the first trial\n"),
        (KeyboardInterrupt(), True, 130, ""),
    ],
)
def test_what_ends_a_command_is_said_once_and_has_its_status(
    error: BaseException | None,
    *,
    has_said: bool,
    status: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its own status, 2 for what a user can mend, 130 for an interruption."""
    found = exit_status("study.x", lambda: ended_by(error), on_interrupt=lambda: has_said)

    assert (found, capsys.readouterr().err) == (status, said)


def test_an_error_begins_with_the_command_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who has typed `power-of-training regime` knows no `study.regime`."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "regime"])

    exit_status("study.regime", lambda: ended_by(OptionError("--lr is 0.")))

    assert capsys.readouterr().err == "power-of-training regime: --lr is 0.\n"
