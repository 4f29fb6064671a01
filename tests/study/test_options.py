"""The options of every study command: what they refuse, and how they read."""

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from study.command.parsing import GROUPS, command_line, parse
from study.data.celeba.options import CelebaOptions
from study.errors import OptionError
from study.options import HIGHEST_SEED, StudyOptions


def parsed(*args: str) -> StudyOptions:
    """The options from a command line."""
    return parse(StudyOptions, program="study.regime", description="Train.", args=args)


def said_by_help(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """What `--help` prints, as one line of words."""
    with pytest.raises(SystemExit) as ended:
        parsed(*args, "--help")
    assert ended.value.code == 0
    return in_one_line(capsys.readouterr().out)


def in_one_line(printed: str) -> str:
    """What was printed, whatever the width of the terminal, without the frame."""
    lines = (line.strip("│╭╰╮╯─ ") for line in printed.splitlines())
    return " ".join(" ".join(lines).split())


OPTIONS = [field.name for field in fields(StudyOptions) if field.name != "scenario_options"]

REFUSED = [
    ("batch_sizes", (64, 0), "--batch-sizes is 0; allowed: whole numbers from 1."),
    ("batch_sizes", (), "--batch-sizes is nothing; allowed: one value or more, each once."),
    ("batch_sizes", (64, 64), "--batch-sizes is 64 64; allowed: one value or more, each once."),
    ("learning_rates", (0.1, -0.1), "--learning-rates is -0.1; allowed: numbers above 0."),
    ("learning_rates", (float("nan"),), "--learning-rates is nan; allowed: numbers above 0."),
    ("learning_rates", (float("inf"),), "--learning-rates is inf; allowed: numbers above 0."),
    ("learning_rates", (), "--learning-rates is nothing; allowed: one value or more"),
    ("repeats", 0, "--repeats is 0; allowed: 1 or more."),
    ("seed", -1, "--seed is -1; allowed: 0 or more, below 2147483648."),
    ("seed", HIGHEST_SEED, "--seed is 2147483648; allowed: 0 or more, below 2147483648."),
    ("max_epochs", 0, "--max-epochs is 0; allowed: 1 or more."),
    ("patience", 0, "--patience is 0; allowed: 1 or more."),
    ("sampling_hz", 0.0, "--sampling-hz is 0.0; allowed: a number above 0."),
    ("cpu_idle_watts", 0.0, "--cpu-idle-watts is 0.0; allowed: a number above 0."),
    ("cpu_watts", -5.0, "--cpu-watts is -5.0; allowed: a number above 0."),
    ("cpus_per_trial", 0, "--cpus-per-trial is 0; allowed: a number above 0."),
    (
        "gpus_per_trial",
        -1,
        "--gpus-per-trial is -1; allowed: 0, a share of a GPU, or a whole number of GPUs.",
    ),
    ("gpus_per_trial", 1.5, "--gpus-per-trial is 1.5; allowed: 0, a share of a GPU, or a whole"),
    ("workers_per_trial", 0, "--workers-per-trial is 0; allowed: 1 or more."),
    ("gpus_per_trial", float("nan"), "--gpus-per-trial is nan; allowed: 0, a share"),
    ("gpus_per_trial", float("inf"), "--gpus-per-trial is inf; allowed: 0, a share"),
    ("target", float("nan"), "--target is nan; allowed: a number."),
    ("name", "a/b", "--name is a/b; allowed: letters, digits, dots, dashes and underscores"),
    ("name", "..", "--name is ..; allowed: letters, digits, dots"),
    ("name", "", "--name is ; allowed: letters, digits, dots"),
    ("name", "a" * 101, "underscores, up to 100."),
    (
        "tracker",
        ("rapl", "oracle"),
        "--tracker is oracle; allowed: auto, nvml, ",
    ),
    ("resume", True, "--resume is given without --name; allowed: only the --name of the study"),
]


@pytest.mark.parametrize(("option", "value", "said"), REFUSED)
def test_a_refusal_names_option_value_and_what_is_allowed(
    option: str,
    value: Any,  # noqa: ANN401 - any option's
    said: str,
) -> None:
    """Whatever cannot be run is refused before anything starts."""
    with pytest.raises(OptionError, match=re.escape(said)):
        StudyOptions(**{option: value})


def test_each_worker_has_a_gpu_of_its_own() -> None:
    """Two would wait for each other on one, and one cannot train on two."""
    with pytest.raises(OptionError, match="is 2 with --gpus-per-trial 1; allowed: one for each"):
        StudyOptions(gpus_per_trial=1, workers_per_trial=2)


def test_a_limit_is_found_on_one_board() -> None:
    """Boards that wait for each other cannot each have their own."""
    with pytest.raises(OptionError, match="given for 2 workers in a trial; allowed: one GPU"):
        StudyOptions(gpus_per_trial=2, power_limits=("auto",))


@pytest.mark.parametrize(
    ("gpus", "workers", "trained_by"),
    [
        (None, None, 1),
        (0.5, None, 1),
        (2, None, 2),
        (2, 2, 2),
        (None, 3, 3),
        (0, 3, 3),
        (0.5, 1, 1),
    ],
)
def test_a_trial_has_a_worker_for_each_gpu(
    gpus: float | None, workers: int | None, trained_by: int
) -> None:
    """Unless the option says otherwise."""
    assert StudyOptions(gpus_per_trial=gpus, workers_per_trial=workers).workers == trained_by


ALLOWED = [
    ("gpus_per_trial", 0),
    ("gpus_per_trial", 2),
    ("workers_per_trial", 2),
    ("gpus_per_trial", 0.25),
    ("cpus_per_trial", 0.5),
    ("target", 1.0),
    ("name", "a.b-c_D9"),
    ("tracker", ("made/of/watts.csv",)),
    ("tracker", ("nvml", "rapl")),
    ("seed", HIGHEST_SEED - 1),
]


@pytest.mark.parametrize(("option", "value"), ALLOWED)
def test_what_can_be_run_is_taken(option: str, value: Any) -> None:  # noqa: ANN401 - any option's
    """The edges of what is allowed are allowed."""
    options = StudyOptions(**{option: value})

    assert value == getattr(options, option)


def test_a_command_line_becomes_options() -> None:
    """Each option has the words of its field, and what is not given keeps its default."""
    options = parsed(
        *("--batch-sizes", "8", "16", "--learning-rates", "0.5", "--data-dir", "some/where"),
        *("--gpus-per-trial", "0.5", "--optimizer", "sgd", "--name", "a", "--resume"),
    )

    expected = StudyOptions(
        batch_sizes=(8, 16),
        learning_rates=(0.5,),
        data_dir=Path("some/where"),
        gpus_per_trial=0.5,
        optimizer="sgd",
        name="a",
        resume=True,
    )
    assert expected == options


def test_no_options_are_the_defaults() -> None:
    """The command without options is the study of the paper."""
    assert StudyOptions() == parsed()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--colour", "red"], "--colour"),
        (["--repeats", "two"], "--repeats"),
        (["--optimizer", "lbfgs"], "'adam', 'adamw', 'sgd'"),
        (["--no-smoke"], "--no-smoke"),
        (["study"], "study"),
    ],
)
def test_what_is_not_understood_ends_with_status_2(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names what was not understood, and where to read more."""
    with pytest.raises(SystemExit) as ended:
        parsed(*args)

    printed = in_one_line(capsys.readouterr().err)
    assert ended.value.code == 2
    assert said in printed
    assert "python -m study.regime --help" in printed


def test_values_from_the_command_line_are_checked() -> None:
    """An option that can be read but not run is refused with our message."""
    with pytest.raises(OptionError, match="--repeats is 0; allowed: 1 or more"):
        parsed("--repeats", "0")


@pytest.mark.parametrize("field", OPTIONS)
def test_help_explains_every_option(field: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each option stands in `--help` with the text of its docstring."""
    explained = dict(
        re.findall(r"^        (\w+): (\S+ \S+)", str(StudyOptions.__doc__), flags=re.MULTILINE)
    )

    printed = said_by_help(capsys)

    option = re.escape(f"--{field.replace('_', '-')}")
    assert re.search(rf"{option} [^a-z]*?({{.*?}} )?{re.escape(explained[field])}", printed)


def test_help_shows_no_python(capsys: pytest.CaptureFixture[str]) -> None:
    """A newcomer reads words: no None, no False, no types."""
    printed = said_by_help(capsys)

    assert not re.search(r"None|True|False|INT|FLOAT|STR\b|\[N", printed)


def test_seeds_count_up_from_the_first() -> None:
    """Each repeat has a seed of its own."""
    assert StudyOptions(seed=5, repeats=3).seeds == (5, 6, 7)


def test_the_command_can_be_typed_again() -> None:
    """The manifest shows the command without the path of this machine's Python."""
    command = command_line("study.regime", ["--smoke"])

    assert command == (Path(sys.executable).name, "-m", "study.regime", "--smoke")


def test_the_console_command_can_be_typed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest shows what was typed: the module may be another in that folder."""
    monkeypatch.setattr(sys, "orig_argv", ["python", "bin/power-of-training", "search", "replay"])

    command = command_line("study.search", ["replay"])

    assert command == ("power-of-training", "search", "replay")


def test_options_stand_in_groups_and_those_of_the_scenario_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A newcomer finds first what is trained, and last what only this scenario has."""
    printed = said_by_help(capsys, "--scenario", "celeba")

    places = [printed.index(f"{title} options") for title in [*GROUPS, "scenario"]]
    assert places == sorted(places)
    assert printed.index("--image-size") > places[-1]


def test_every_option_stands_in_one_group() -> None:
    """No option of all commands is left to a group without a name."""
    grouped = [name for names in GROUPS.values() for name in names]

    assert len(grouped) == len(set(grouped))
    assert set(OPTIONS) <= set(grouped)


def test_options_of_the_scenario_are_taken_with_it_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """They become an instance of the scenario's own class; another scenario does not know them."""
    given = ("--encoder", "resnet34", "--flip", "--image-size", "96")

    faces = parsed("--scenario=celeba", *given)
    with pytest.raises(SystemExit):
        parsed(*given)

    assert faces.scenario_options == CelebaOptions(encoder="resnet34", flip=True, image_size=96)
    assert parsed().scenario_options is None
    assert "--encoder" in capsys.readouterr().err


def test_an_option_of_version_0_1_is_answered_with_its_present_name() -> None:
    """The message says what to give instead."""
    with pytest.raises(OptionError, match="Give --target instead"):
        parsed("--target-accuracy", "0.9")


def test_an_old_name_is_answered_only_where_the_new_one_is_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`--objective` is `--goal` of a search; a grid has neither."""
    with pytest.raises(SystemExit):
        parsed("--objective", "accuracy")

    printed = capsys.readouterr().err
    assert "--objective" in printed
    assert "--goal" not in printed


def test_a_removed_working_folder_is_told_before_torch_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its libraries end the program there, by words of their own."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(OptionError, match="The folder in which this was started has been removed"):
        parse(StudyOptions, program="study.regime", description="", args=[])
