"""`python -m study.search`: subcommands, help, and errors before anything starts."""

import pytest
import ray

from study.search.__main__ import main


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--goal", "energy-to-target"), "--target is missing"),
        (("--repeats", "2"), "--repeats is 2"),
        (("--energy-budget-wh", "0"), "--energy-budget-wh is 0"),
        (("--trials", "0"), "--trials is 0"),
        (("--space", "nowhere.yaml"), "--space nowhere.yaml cannot be read"),
        (("--confirm", "-1"), "--confirm is -1"),
        (("run", "--confirm", "-1"), "--confirm is -1"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(
    options: tuple[str, ...], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status is 2, and the message says what is allowed; `run` is the default subcommand."""
    status = main(options)

    err = capsys.readouterr().err
    assert status == 2
    assert named in err
    assert "Traceback" not in err
    assert not ray.is_initialized()


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (("--replay", "a.csv"), "python -m study.search replay TABLE"),
        (("--replay=a.csv",), "python -m study.search replay TABLE"),
        (("--compare", "--replay", "a.csv"), "python -m benchmarks.search --compare TABLE"),
    ],
)
def test_an_old_option_is_answered_with_its_command(
    options: tuple[str, ...], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command line of version 0.1 is refused with the command to use now."""
    status = main(options)

    assert status == 2
    assert command in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((), "run (which may be left out) trains, replay searches on recorded trainings"),
        ((), "--target VALUE Value of the objective, for example a validation accuracy of 0.9."),
        ((), "--goal energy-to-target needs it."),
        ((), "--repeats 1 1: a search trains a setup once."),
        (("replay",), "--target VALUE Value of the objective, for example a validation accuracy"),
        (("recurring",), "--target VALUE Value of the objective that each run is trained until"),
        (("recurring",), "--start NAME=VALUE,... The setup that the first run takes"),
    ],
)
def test_help_is_specific_to_the_command(
    capsys: pytest.CaptureFixture[str], args: tuple[str, ...], text: str
) -> None:
    """It lists the subcommands, and explains options that have another meaning than in other studies."""
    with pytest.raises(SystemExit):
        main([*args, "--help"])

    lines = (line.strip("│╭╰╮╯─ ") for line in capsys.readouterr().out.splitlines())
    assert text in " ".join(" ".join(lines).split())
