"""Finding the scenario behind `--scenario`."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from study.errors import OptionError, ScenarioError
from study.scenario import Configurable, Scenario
from study.scenario_lookup import (
    BUILT_IN,
    OPTIONS,
    load_scenario,
    loaded_from_files,
    options_of,
)
from tests.study import tiny

MINE = """
from dataclasses import dataclass

from beside_{tag} import SIZE
from tests.study.tiny import Tiny


@dataclass(frozen=True, kw_only=True)
class Options:
    \"\"\"What can be chosen.

    Attributes:
        width: Of the network.
    \"\"\"

    width: int = SIZE


class Mine(Tiny):
    name = "mine"
    options = Options

    def __init__(self, options=None):
        super().__init__()
        self.width = (options or Options()).width

    def configured(self, options):
        return Mine(options)
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A scenario in a file that imports another; their names are unique, as modules stay loaded between tests."""
    tag = tmp_path.name.replace("-", "_")
    (tmp_path / f"mine_{tag}.py").write_text(MINE.format(tag=tag))
    (tmp_path / f"beside_{tag}.py").write_text("SIZE = 7\n")
    return f"{tmp_path}/mine_{tag}.py:Mine"


@dataclass(frozen=True)
class Strange:
    """Options that belong to no scenario."""


class Careless(tiny.Tiny):
    """A scenario whose options are not a dataclass."""

    options = dict

    def configured(self, options: object) -> Scenario:
        """Never called."""
        del options
        return self


@pytest.mark.parametrize("name", ["tests.study.tiny:Tiny", "tests.study.tiny:READY"])
def test_a_scenario_may_be_a_class_or_an_object(name: str) -> None:
    """It needs the members of the protocol and no base class of ours."""
    scenario = load_scenario(name)

    assert isinstance(scenario, Scenario)
    assert scenario.name == "tiny"


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_scenarios_have_short_names(name: str) -> None:
    """Each short name loads the scenario that has this name."""
    assert name == load_scenario(name).name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mnist",
            "--scenario is 'mnist'; allowed: celeba, pamap2, watch, path/to/file.py:Name, or package.module:Name.",
        ),
        ("", "--scenario is ''; allowed:"),
        (
            "tests.study.tiny",
            "allowed: celeba, pamap2, watch, path/to/file.py:Name, or package.module:Name.",
        ),
        (
            "tests.study.tiny:",
            "allowed: celeba, pamap2, watch, path/to/file.py:Name, or package.module:Name.",
        ),
        (
            ":Tiny",
            "allowed: celeba, pamap2, watch, path/to/file.py:Name, or package.module:Name.",
        ),
        ("no.such:Thing", "ModuleNotFoundError: No module named 'no'. The module must be import"),
        (
            "tests.study.tiny:Huge",
            "there is no Huge in tests.study.tiny; there is Tiny, Demanding, Half.",
        ),
        ("examples.watch:Watch", "It has been built in since version 0.2: give --scenario watch."),
        ("study.scenarios.celeba:Celeba", "since version 0.2: give --scenario celeba."),
        (".tiny:Tiny", "--scenario .tiny:Tiny: TypeError"),
        ("tests.study.tiny:Demanding", "missing 1 required positional argument: 'size'"),
        ("tests.study.tiny:Half", "tests.study.tiny:Half: it lacks network, loss, metrics"),
    ],
)
def test_an_invalid_scenario_is_refused(name: str, message: str) -> None:
    """The message says what was given and what is wrong with it."""
    with pytest.raises(ScenarioError, match=re.escape(message)):
        load_scenario(name)


def test_an_error_in_the_users_module_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the error, the file and the line."""
    (tmp_path / "broken_scenario.py").write_text("class Mine(:\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    with pytest.raises(ScenarioError, match=r"SyntaxError: .*broken_scenario\.py, line 1"):
        load_scenario("broken_scenario:Mine")


@pytest.mark.slow
def test_a_scenario_may_be_a_file(mine: str) -> None:
    """It finds modules beside it, and both are among the modules that are sent to trials by value."""
    scenario = load_scenario(mine)

    assert scenario.name == "mine"
    names = {Path(str(each.__file__)).stem.partition("_")[0] for each in loaded_from_files()}
    assert {"mine", "beside"} <= names
    assert not any(each.__name__.startswith(("study", "torch")) for each in loaded_from_files())


def test_a_users_scenario_may_have_options_like_a_built_in_one(mine: str) -> None:
    """The class of its options is found, and an instance of it reaches the scenario."""
    kind = options_of(mine)
    assert kind is not None

    plain, wide = load_scenario(mine), load_scenario(mine, kind(width=9))

    assert (plain.width, wide.width) == (7, 9)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BUILT_IN)
def test_options_of_built_in_scenarios_are_those_of_their_class(name: str) -> None:
    """The table `OPTIONS`, which needs no import of the scenario, agrees with the scenario itself."""
    scenario = load_scenario(name)

    kind = scenario.options if isinstance(scenario, Configurable) else None
    assert options_of(name) is kind
    assert set(OPTIONS) == set(BUILT_IN)


@pytest.mark.parametrize(
    ("scenario", "options", "message"),
    [
        ("pamap2", Strange(), "scenario_options are given, and scenario pamap2 has none."),
        ("celeba", Strange(), "scenario_options are a Strange; scenario celeba takes"),
    ],
)
def test_options_of_another_scenario_are_refused(
    scenario: str, options: object, message: str
) -> None:
    """The message says what the scenario takes."""
    with pytest.raises(OptionError, match=message):
        load_scenario(scenario, options)


def test_options_that_are_not_a_dataclass_are_refused() -> None:
    """The message says what they must be."""
    with pytest.raises(ScenarioError, match="its `options` is <class 'dict'>; allowed: a frozen"):
        options_of(f"{__name__}:Careless")


def test_a_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    """The message has its whole path."""
    with pytest.raises(ScenarioError, match=f"there is no file {tmp_path}/none.py"):
        load_scenario(f"{tmp_path}/none.py:Mine")


def test_a_users_package_hidden_by_one_of_ours_is_reported(tmp_path: Path) -> None:
    """A user's folder `models` cannot replace our package; the message names it."""
    (tmp_path / "hidden_scenario.py").write_text("from models.of_mine import Network\n")

    with pytest.raises(ScenarioError, match="`models` is a package of power-of-training"):
        load_scenario(f"{tmp_path}/hidden_scenario.py:Mine")


def test_a_missing_import_of_a_scenario_file_is_reported(tmp_path: Path) -> None:
    """The message says that the imported library is missing, not the file that was given."""
    (tmp_path / "needing.py").write_text("import no_such_library\n")

    with pytest.raises(ScenarioError) as refused:
        load_scenario(f"{tmp_path}/needing.py:Mine")

    assert "No module named 'no_such_library' (needing.py, line 1). " in str(refused.value)
    assert "needing.py needs it: install it for the Python that runs this (" in str(refused.value)
    assert "must be importable" not in str(refused.value)


def test_a_script_that_exits_when_it_is_imported_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that parses options on import would read our command line and end the program."""
    path = tmp_path / "script.py"
    path.write_text("import argparse\nargparse.ArgumentParser().parse_args(['--scenario', 'x'])\n")

    with pytest.raises(
        ScenarioError, match=r"it ends the program while it is imported \(status 2\)"
    ):
        load_scenario(f"{path}:Mine")

    assert "unrecognized arguments" in capsys.readouterr().err
