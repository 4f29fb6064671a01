"""Parsing of command lines: groups in `--help`, options of the scenario, options that were renamed.

The groups are generated from the options dataclass when the command line is parsed. An option is
therefore one field with one entry of the docstring, and code reads it as `options.batch_sizes`.
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
"""Options by group, in the order of `--help`; an option in none of them goes to `OWN_GROUP`."""

OWN_GROUP = "command"
SCENARIO_GROUP = "scenario"


def parse(kind: type[Options], *, program: str, description: str, args: Sequence[str]) -> Options:
    """Parse a command line into the options to run with.

    As usual, `--help` and unknown options end the program.

    Args:
        kind: Class of the command's options.
        program: Module name after `python -m`.
        description: First lines of `--help`.
        args: Arguments after the name of the program.

    Raises:
        OptionError: A value is not allowed, an option was renamed, or the working folder no longer
            exists.
        ScenarioError: `--scenario` does not name a scenario.
    """
    if working_folder_is_gone():  # libraries of torch would crash the process
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
    """Return the names of the options that a command line contains."""
    given = (word.partition("=")[0] for word in args if word.startswith("--"))
    return frozenset(option.removeprefix("--").replace("-", "_") for option in given)


def command_line(program: str, args: Sequence[str]) -> tuple[str, ...]:
    """Return the command as the user can type it again."""
    first, *words = as_started(f"python -m {program}").split()
    return (Path(sys.executable).name if first == "python" else first, *words, *args)


def _groups(kind: type[StudyOptions]) -> list[tuple[str, tuple[str, ...]]]:
    """Return the groups of `kind` as titles and option names, without the options of the scenario."""
    there = [each.name for each in dataclasses.fields(kind) if each.name != "scenario_options"]
    groups = [
        (title, tuple(name for name in names if name in there)) for title, names in GROUPS.items()
    ]
    grouped = {name for _, names in groups for name in names}
    own = tuple(name for name in there if name not in grouped)
    return [*groups, (OWN_GROUP, own)] if own else groups


def _as_dataclass(kind: type[StudyOptions], title: str, names: tuple[str, ...]) -> type:
    """Return a dataclass with the options of one group, for tyro."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return dataclasses.make_dataclass(
        title.title().replace(" ", ""),
        [(name, hints[name], dataclasses.field(default=_default(kind, name))) for name in names],
        frozen=True,
        kw_only=True,
        namespace={"__doc__": _documented(kind)},
    )


def _documented(kind: type[StudyOptions]) -> str:
    """Merge the attribute docs of a class and its bases; for an overridden option tyro takes the last."""
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
    """Return the value of `--scenario`, which determines the further options; None where not given."""
    for place, given in enumerate(args):
        option, equals, value = given.partition("=")
        if option == "--scenario":
            return value if equals else next(iter(args[place + 1 :]), None)
    return None


def refuse_old_names(args: Sequence[str], kind: type) -> None:
    """Refuse an option name of version 0.1, and say what it is called now.

    Args:
        args: The command line.
        kind: Class of the command's options; an option that was renamed to one that this command lacks
            is left to be refused as unknown.

    Raises:
        OptionError: The command line contains a renamed option.
    """
    message = renamed_option(args, {each.name for each in dataclasses.fields(kind)})
    if message is not None:
        raise OptionError(message)
