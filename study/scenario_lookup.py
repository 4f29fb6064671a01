"""Lookup of the scenario that `--scenario` names: built in, in a file, or in an importable module.

    pamap2                    one of `BUILT_IN`
    path/to/mine.py:Mine      a file, which need not be importable; folders beside it may have any name
    package.module:Mine       importable from the folder in which the command is started

A scenario from a file is sent to the trials by value (`study.execution.shipping`), so no worker needs
access to the file.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from study.errors import OptionError, ScenarioError, raised_text
from study.record.migration import MOVED_SCENARIOS
from study.scenario import Configurable, Scenario

BUILT_IN = {
    "celeba": "study.data.celeba.scenario:Celeba",
    "pamap2": "study.data.pamap2.scenario:Pamap2",
    "watch": "study.data.watch.scenario:Watch",
}
"""Built-in scenarios; a new one needs a file and a line here."""

OPTIONS: dict[str, str | None] = {
    "celeba": "study.data.celeba.options:CelebaOptions",
    "pamap2": None,
    "watch": None,
}
"""Options of the built-in scenarios, listed here so that `--help` does not load torch; None for none."""

OURS = ("analysis", "models", "study", "trackers")
"""Packages of this project; a user's own folders may have the same names."""

ROOT = Path(__file__).resolve().parent.parent
"""Folder that contains the packages of this project."""

MEMBERS = ("name", "load", "network", "loss", "metrics")
FILE_MODULE = "scenario_file_"
"""Prefix of the names of modules that were loaded from a scenario file."""


def load_scenario(name: str, options: object = None) -> Scenario:
    """Load the scenario that `--scenario` names, configured with its options.

    Args:
        name: The value of `--scenario`.
        options: An instance of the scenario's `options`; None for their defaults.

    Raises:
        ScenarioError: There is no such file, module or name, it cannot be imported, or it is not a
            scenario.
        OptionError: The scenario does not take these options, or a value is not allowed.

    Examples:
        >>> load_scenario("watch").name
        'watch'
    """
    return configured(name, _found(name), options)


def configured(name: str, found: object, options: object = None) -> Scenario:
    """Return a scenario configured with its options.

    Args:
        name: Name of the scenario in messages.
        found: The scenario, or its class, which must take no arguments.
        options: An instance of its `options`; None for their defaults.

    Raises:
        ScenarioError: It is not a scenario, or its class cannot be instantiated.
        OptionError: It does not take these options, or a value is not allowed.
    """
    scenario = _made(name, found)
    if not isinstance(scenario, Configurable):
        if options is not None:
            message = (
                f"scenario_options are given, and scenario {scenario.name} has none. Leave them "
                "out, or give the scenario a frozen dataclass `options` and a method `configured`."
            )
            raise OptionError(message)
        return scenario
    kind = _options_kind(name, scenario)
    if options is not None and not isinstance(options, kind):
        message = (
            f"scenario_options are a {type(options).__name__}; scenario {scenario.name} takes "
            f"{kind.__module__}.{kind.__name__}."
        )
        raise OptionError(message)
    return scenario.configured(kind() if options is None else options)


def options_of(name: str) -> type | None:
    """Return the dataclass of a scenario's own options; None where it has none.

    Raises:
        ScenarioError: The scenario cannot be found or imported, see `load_scenario`.
    """
    if name in OPTIONS:
        place = OPTIONS[name]
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        built_in: type = getattr(importlib.import_module(module), attribute)
        return built_in
    return options_of_object(_found(name), name=name)


def options_of_object(found: object, *, name: str = "of this object") -> type | None:
    """Return the options dataclass of a scenario, given it or its class; None where it has none.

    Raises:
        ScenarioError: Its `options` is not a dataclass.
    """
    return _options_kind(name, found) if hasattr(found, "options") else None


def loaded_from_files() -> tuple[ModuleType, ...]:
    """Return the modules of scenarios that were loaded from files, with the user's modules beside them."""
    files = [each for key, each in sys.modules.items() if key.startswith(FILE_MODULE)]
    folders = {Path(each.__file__).parent for each in files if each.__file__}
    return tuple(
        each
        for each in list(sys.modules.values())
        if any(_lies_in(each, folder) for folder in folders)
    )


def _lies_in(module: ModuleType, folder: Path) -> bool:
    """Return whether a module is the user's own and lies in this folder or below it."""
    file = getattr(module, "__file__", None)
    name = getattr(module, "__name__", "__main__")
    if not file or name == "__main__" or name.partition(".")[0] in {*OURS, "tests"}:
        return False
    path = Path(file)
    return path.is_relative_to(folder) and "site-packages" not in path.parts


def _options_kind(name: str, scenario: object) -> type:
    kind = getattr(scenario, "options", None)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        message = (
            f"--scenario {name}: its `options` is {kind!r}; allowed: a frozen dataclass whose "
            "fields all have defaults."
        )
        raise ScenarioError(message)
    return kind


def _found(name: str) -> Any:  # noqa: ANN401 - it is not known yet what it is
    """Return the class or object that a value of `--scenario` names.

    Raises:
        ScenarioError: It cannot be found or imported.
    """
    place, colon, attribute = BUILT_IN.get(name, name).rpartition(":")
    is_file = place.endswith(".py")
    if not (place and colon and attribute):
        what = "a file without the name of the class in it" if name.endswith(".py") else repr(name)
        message = (
            f"--scenario is {what}; allowed: {', '.join(BUILT_IN)}, path/to/file.py:Name, or "
            "package.module:Name."
        )
        raise ScenarioError(message)
    module = _imported(name, (lambda: _from_file(Path(place))) if is_file else _importer(place))
    if not hasattr(module, attribute):
        there = ", ".join(key for key, each in vars(module).items() if _could_be(each, module))
        message = f"--scenario {name}: there is no {attribute} in {place}; there is {there or 'no class'}."
        raise ScenarioError(message)
    return getattr(module, attribute)


def _could_be(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _made(name: str, found: Any) -> Scenario:  # noqa: ANN401 - it is checked here
    """Return an instance of a scenario class, or the object itself, checked for its members.

    Raises:
        ScenarioError: The class cannot be instantiated, or the object lacks a member of `Scenario`.
    """
    try:
        scenario = found() if isinstance(found, type) else found
    except Exception as error:
        # The constructor is the user's code, which may raise anything.
        message = (
            f"--scenario {name}: {raised_text(error, whole=True)}. A class must take no arguments; "
            "give it `options` for what can be chosen."
        )
        raise ScenarioError(message) from error
    lacking = [member for member in MEMBERS if not hasattr(scenario, member)]
    if lacking:
        message = (
            f"--scenario {name}: it lacks {', '.join(lacking)} (see Scenario in study.scenario)."
        )
        raise ScenarioError(message)
    made: Scenario = scenario
    return made


def _imported(name: str, load: Callable[[], ModuleType]) -> ModuleType:
    """Import a user's module, and report what it raises as an error of the scenario.

    Raises:
        ScenarioError: It cannot be imported.
    """
    try:
        return load()
    except ScenarioError:
        raise
    except SystemExit as error:
        message = (
            f"--scenario {name}: it ends the program while it is imported (status {error.code}). What a "
            'script does when it is started, its options among it, goes under `if __name__ == "__main__":`.'
        )
        raise ScenarioError(message) from error
    except Exception as error:
        message = f"--scenario {name}: {raised_text(error, whole=True)}.{_remedy(error, name)}"
        raise ScenarioError(message) from error


def _remedy(error: Exception, name: str) -> str:
    module = name.rpartition(":")[0]
    if name in MOVED_SCENARIOS and isinstance(error, ModuleNotFoundError):
        return f" It has been built in since version 0.2: give --scenario {MOVED_SCENARIOS[name]}."
    missing = error.name or "" if isinstance(error, ImportError) else ""
    top = missing.partition(".")[0]
    if top in OURS:
        return (
            f" `{top}` is a package of power-of-training, which a folder or file of yours with that "
            "name cannot replace: give yours another name."
        )
    if not missing:
        return f" It was raised while {module} was imported."
    if top != module.partition(".")[0]:
        return (
            f" {module} needs it: install it for the Python that runs this ({sys.executable}), or put it "
            "beside that file."
        )
    return (
        " The module must be importable from the folder in which the command is started, or be "
        "given as path/to/file.py:Name, and what it needs must be installed."
    )


def _importer(module: str) -> Callable[[], ModuleType]:
    def load() -> ModuleType:
        # Last in the path, so that nothing in the working folder shadows an installed package.
        if str(Path.cwd()) not in sys.path and "" not in sys.path:
            sys.path.append(str(Path.cwd()))
        return importlib.import_module(module)

    return load


def _from_file(path: Path) -> ModuleType:
    """Import a module from a file, which can import the modules beside it.

    Raises:
        ScenarioError: There is no such file.
    """
    path = path.expanduser().resolve()
    name = FILE_MODULE + path.stem
    if not path.is_file():
        message = f"--scenario: there is no file {path}. Give the path of a Python file and :Name."
        raise ScenarioError(message)
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:  # pragma: no cover - every .py file has a loader
        message = f"--scenario: {path} is no Python file."
        raise ScenarioError(message)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
