"""Parsing of a command: groups of `--help`, the scenario's own options, renamed ones.

The groups are made from the options' dataclass when the command line is read, so that an option is
one field with one paragraph of the docstring, and a program reads it as `options.batch_sizes`.
"""

import dataclasses
import inspect
import sys
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro

from study.errors import OptionError
from study.options import StudyOptions
from study.record.migration import renamed_option
from study.scenario_lookup import options_of
from trackers.terminal import GONE, as_started, working_folder_is_gone

Options = TypeVar("Options", bound=StudyOptions)

GROUPS: dict[str, tuple[str, ...]] = {
    "what to train": (
        *("scenario", "data_dir", "batch_sizes", "learning_rates", "axis", "tie", "repeats"),
        *("more_repeats", "sure", "energy_budget_wh", "tolerance", "prefer", "seed"),
        *("alpha", "task_weights", "smoke"),
    ),
    "training": (
        *("max_epochs", "patience", "optimizer", "precision", "compile", "accumulate"),
        *("clip_norm", "validate_every", "device", "power_limits", "cache_latents"),
    ),
    "cluster": (
        *("address", "gpus_per_trial", "cpus_per_trial", "workers_per_trial", "exclusive"),
        *("mixed_devices", "dashboard"),
    ),
    "measuring": (
        *(
            "tracker",
            "energy_of",
            "cpu_watts",
            "cpu_idle_watts",
            "calibration",
            "sampling_hz",
            "target",
        ),
    ),
    "results": (
        *("results_dir", "name", "resume", "retry_failed", "checkpoint_every_s", "no_report"),
        "log",
    ),
}
"""Options by their group in `--help`; those of one command alone that stand in none follow."""

OWN_GROUP = "command"
SCENARIO_GROUP = "scenario"


def parse(kind: type[Options], *, program: str, description: str, args: Sequence[str]) -> Options:
    """Options from a command line, as they are run; `--help` and unknown options end the program as usual.

    Args:
        kind: What the command takes.
        program: The module behind `python -m`.
        description: First lines of its `--help`.
        args: The command line behind the program's name.

    Raises:
        OptionError: A value is not allowed, an option has another name now, or the working folder is
            gone.
        ScenarioError: `--scenario` does not lead to a scenario.
    """
    if working_folder_is_gone():  # torch's own libraries end the program then
        raise OptionError(GONE)
    refuse_old_names(args, kind)
    own = options_of(_scenario_in(args) or _default(kind, "scenario"))
    groups = _groups(kind)
    fields = [_field_of(title, _as_dataclass(kind, title, names)) for title, names in groups]
    if own is not None:
        fields.append(_field_of(SCENARIO_GROUP, own))
    parsed: Any = tyro.cli(
        dataclasses.make_dataclass("Command", fields, frozen=True, kw_only=True),
        prog=as_started(f"python -m {program}"),
        description=as_started(description),
        args=args,
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
    )
    values = {
        name: getattr(getattr(parsed, _identifier(title)), name)
        for title, names in groups
        for name in names
    }
    if own is not None:
        values["scenario_options"] = getattr(parsed, SCENARIO_GROUP)
    return kind(**values).reduced(_given_in(args))


def _given_in(args: Sequence[str]) -> frozenset[str]:
    """Names of the options that a command line gives."""
    given = (word.partition("=")[0] for word in args if word.startswith("--"))
    return frozenset(option.removeprefix("--").replace("-", "_") for option in given)


def command_line(program: str, args: Sequence[str]) -> tuple[str, ...]:
    """The command as it can be typed again."""
    first, *words = as_started(f"python -m {program}").split()
    return (Path(sys.executable).name if first == "python" else first, *words, *args)


def _groups(kind: type[StudyOptions]) -> list[tuple[str, tuple[str, ...]]]:
    """Titles and options of `kind`, without those that its scenario has."""
    there = [each.name for each in dataclasses.fields(kind) if each.name != "scenario_options"]
    groups = [
        (title, tuple(name for name in names if name in there)) for title, names in GROUPS.items()
    ]
    grouped = {name for _, names in groups for name in names}
    own = tuple(name for name in there if name not in grouped)
    return [*groups, (OWN_GROUP, own)] if own else groups


def _as_dataclass(kind: type[StudyOptions], title: str, names: tuple[str, ...]) -> type:
    """The options of one group, as tyro reads them."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return dataclasses.make_dataclass(
        title.title().replace(" ", ""),
        [(name, hints[name], dataclasses.field(default=_default(kind, name))) for name in names],
        frozen=True,
        kw_only=True,
        namespace={"__doc__": _documented(kind)},
    )


def _documented(kind: type[StudyOptions]) -> str:
    """One docstring of a class and those that it derives from; of an option its last words count."""
    attributes = [
        inspect.cleandoc(each.__doc__).partition("Attributes:\n")[2]
        for each in reversed(kind.__mro__)
        if each.__doc__ and dataclasses.is_dataclass(each)
    ]
    return as_started("\n".join(("", "Attributes:", *attributes)))


def _field_of(title: str, kind: type) -> tuple[str, Any, Any]:
    hint = Annotated[kind, tyro.conf.arg(name=title)]  # type: ignore[valid-type]
    return (_identifier(title), hint, dataclasses.field(default_factory=kind))


def _identifier(title: str) -> str:
    return title.replace(" ", "_")


def _default(kind: type[StudyOptions], name: str) -> Any:  # noqa: ANN401 - any option's
    fields: dict[str, dataclasses.Field[Any]] = kind.__dataclass_fields__
    return fields[name].default


def _scenario_in(args: Sequence[str]) -> str | None:
    """The value of `--scenario`, which decides what else may be given."""
    for place, given in enumerate(args):
        option, equals, value = given.partition("=")
        if option == "--scenario":
            return value if equals else next(iter(args[place + 1 :]), None)
    return None


def refuse_old_names(args: Sequence[str], kind: type) -> None:
    """Answer an option of version 0.1 with its present name.

    Args:
        args: The command line.
        kind: What the command takes: an option that it never had is answered as any other.

    Raises:
        OptionError: There is one.
    """
    message = renamed_option(args, {each.name for each in dataclasses.fields(kind)})
    if message is not None:
        raise OptionError(message)
