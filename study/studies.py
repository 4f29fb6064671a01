"""Studies from Python and notebooks: `run_study` takes the options of a command, and returns its results.

It works in a running event loop, and in a thread that is not the main one, where signals are left alone.
In the main thread Ctrl-C, or a notebook's interrupt, ends the trials, and what is known is returned;
once more, it ends the call.
"""

import dataclasses
import difflib
import html
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from study.design import Design
from study.errors import OptionError
from study.exports.study_exports import exports_of
from study.multitask import DESIGN as MULTITASK
from study.multitask import MultitaskOptions
from study.options import StudyOptions
from study.pretraining import DESIGN as PRETRAINING
from study.pretraining import PretrainingOptions
from study.record.files import EPOCHS_FILE, TRIALS_FILE
from study.regime import DESIGN as REGIME
from study.repeats.options import ComparisonOptions
from study.scenario import Scenario
from study.scenario_lookup import configured, load_scenario, options_of, options_of_object
from study.store.folder import StudyFolder
from study.training.loading import quickly_loading

if TYPE_CHECKING:
    import pandas as pd

    from study.execution.trial_source import TrialSource

GRIDS: dict[str, tuple[Design, type[StudyOptions]]] = {
    "regime": (REGIME, ComparisonOptions),
    "pretraining": (PRETRAINING, PretrainingOptions),
    "multitask": (MULTITASK, MultitaskOptions),
}
"""Studies of a grid by name, with what they train and the options that they take."""

SEARCH = "search"

ANSWER = """
import json, sys
import analysis
from study.inference.choice import Preference
folder, tolerance, prefer = sys.argv[1:]
findings = analysis.analyse(
    analysis.load(folder), tolerance=float(tolerance), prefer=Preference(prefer)
)
page = analysis.write_report(findings)
said = findings.recommendation
print(json.dumps({"text": said.text, "caveats": said.caveats, "page": str(page)}))
"""
"""What a process of its own is given, so that a study does not depend on who reads it."""


SHOWN = (
    *("setup", "batch_size", "learning_rate", "seed"),
    *("status", "epochs", "best_val_score", "energy_j", "energy_method"),
)
"""Columns of the trials that a notebook shows."""


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """A study that was run, and what it says.

    Attributes:
        folder: Where its results lie.
        failed: Trials that failed, by identifier, with the last line of what went wrong.
        unfinished: Number of trials that have not ended.
        recommendation: Which setup to use, in a paragraph; None where no report was made.
        caveats: What limits that advice, a sentence each.
        report: The report's page; None where no report was made.
    """

    folder: str
    failed: Mapping[str, str | None]
    unfinished: int
    recommendation: str | None = None
    caveats: tuple[str, ...] = ()
    report: Path | None = None

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """A row for each trial; columns as `study.record.records.TrialRecord` explains them."""
        return self._table(TRIALS_FILE)

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """A row for each epoch; columns as `study.record.records.EpochRecord` explains them."""
        return self._table(EPOCHS_FILE)

    def _table(self, name: str) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - takes longer to load than a command line to be refused

        parent, _, study = self.folder.rpartition("/")
        return pd.DataFrame(StudyFolder(parent, study).read_rows(name))

    def _repr_html_(self) -> str:
        """Return the answer for a notebook: advice, caveats, and the trials."""
        trials = self.trials.reindex(columns=SHOWN)
        parts = [
            f"<h4>Study {html.escape(self.folder.rpartition('/')[2])}</h4>",
            f"<p>{html.escape(self.recommendation or 'No report was made.')}</p>",
            "".join(f"<p>! {html.escape(each)}</p>" for each in self.caveats),
            trials.to_html(index=False, float_format="{:.4g}".format),
        ]
        return "\n".join(parts)


def run_study(
    paradigm: str,
    *,
    scenario: str | Scenario | type = "",
    report: bool = True,
    console: Console | None = None,
    **options: Any,  # noqa: ANN401 - any option of the command
) -> StudyResult:
    """Run a study, or go on with one.

    Args:
        paradigm: `regime`, `pretraining`, `multitask` or `search`.
        scenario: The value of `--scenario`, or a scenario: an object or a class without arguments;
            left out, the command's own default.
        report: Whether the report is made, and its recommendation returned.
        console: Where progress is shown; the terminal or the notebook by default.
        options: Options of `python -m study.PARADIGM` by their names with underscores, and the
            scenario's own.

    Returns:
        What became of the trials, as tables, and the advice.

    Raises:
        StudyError: Something the user can mend; no trial was started.

    Examples:
        A study of two batch sizes::

            result = run_study("regime", scenario="watch", batch_sizes=(64, 256), repeats=3)
            result.trials[["setup", "energy_j"]]

        >>> run_study("regimes")
        Traceback (most recent call last):
        study.errors.OptionError: paradigm is 'regimes'; allowed is regime, pretraining, multitask, search.
    """
    chosen, found = _options(_options_of(paradigm), scenario, options)
    with _without_hints(), exports_of(chosen.log) as exports:
        # Ray and torch take seconds to load; a wrong option need not wait for them.
        with quickly_loading():
            from study.execution.launch import run_study as launch  # noqa: PLC0415

        design, source = _trials_of(paradigm, chosen, found)
        outcome = launch(
            design,
            chosen,
            command=("study.run_study", paradigm),
            console=console or Console(),
            source=source,
            scenario=found,
            leave=_interrupted,
            exports=exports,
        )
        said = _answer(outcome.folder, chosen) if report and outcome.folder.is_local else {}
        exports.keep(outcome.folder)
    return StudyResult(
        folder=outcome.folder.path,
        failed={each.trial_id: each.error for each in outcome.failed},
        unfinished=outcome.unfinished,
        recommendation=said.get("text"),
        caveats=tuple(said.get("caveats", ())),
        report=Path(said["page"]) if "page" in said else None,
    )


@contextmanager
def _without_hints() -> Iterator[None]:
    """Keep libraries from asking for widgets in a notebook, which shows our progress without them."""
    logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        yield


def _interrupted(_: int) -> None:
    """End the study at once, but not the program or the notebook that has started it.

    Raises:
        KeyboardInterrupt: Always.
    """
    raise KeyboardInterrupt


def _options_of(paradigm: str) -> type[StudyOptions]:
    """Options of a kind of study.

    Raises:
        OptionError: There is no such kind.
    """
    if paradigm in GRIDS:
        return GRIDS[paradigm][1]
    if paradigm != SEARCH:
        message = f"paradigm is {paradigm!r}; allowed is {', '.join((*GRIDS, SEARCH))}."
        raise OptionError(message)
    from study.search.options import SearchOptions  # noqa: PLC0415 - Optuna takes time to load

    return SearchOptions


def _trials_of(
    paradigm: str, options: StudyOptions, scenario: Scenario
) -> tuple[Design, "TrialSource"]:
    """Design of a study, and the source of its trials."""
    from study.repeats.source import source_of  # noqa: PLC0415 - Ray, as above

    if paradigm in GRIDS:
        return GRIDS[paradigm][0], source_of(options)
    from study.search.options import SearchOptions  # noqa: PLC0415 - Optuna, as above
    from study.search.searching import search_of  # noqa: PLC0415

    if not isinstance(options, SearchOptions):
        message = f"a search takes SearchOptions, not {type(options).__name__}"
        raise TypeError(message)
    return search_of(options, scenario)


def _options(
    kind: type[StudyOptions], scenario: str | Scenario | type, given: Mapping[str, Any]
) -> tuple[StudyOptions, Scenario]:
    """The options of the command, and the scenario with its own.

    Raises:
        OptionError: A name is not that of an option, or a value is not allowed.
    """
    names = {each.name for each in dataclasses.fields(kind)} - {"scenario", "scenario_options"}
    values: dict[str, Any] = {
        name: _as_options_are(each) for name, each in given.items() if name in names
    }
    rest = {name: each for name, each in given.items() if name not in names}
    name = scenario if isinstance(scenario, str) else _name_of(scenario)
    if name:
        values["scenario"] = name
    own = (
        options_of(name or kind.scenario)
        if isinstance(scenario, str)
        else options_of_object(scenario)
    )
    own_names = {each.name for each in dataclasses.fields(own)} if own is not None else set()
    for unknown in sorted(set(rest) - own_names):
        like = difflib.get_close_matches(unknown, [*names, *own_names], n=1)
        hint = f"; did you mean {like[0]}?" if like else "."
        message = f"run_study has no option {unknown!r}{hint}"
        raise OptionError(message)
    values["scenario_options"] = None if own is None else own(**rest)
    _check_kinds(kind, values)
    options = kind(**values).reduced(given)
    if isinstance(scenario, str):
        return options, load_scenario(options.scenario, options.scenario_options)
    return options, configured(name, scenario, options.scenario_options)


def _check_kinds(kind: type[StudyOptions], values: Mapping[str, Any]) -> None:
    """Refuse one value in the place of a list, and words in the place of a number.

    Raises:
        OptionError: A value is of another kind than its option's default.
    """
    for each in dataclasses.fields(kind):
        value = values.get(each.name)
        if value is None:
            continue
        if isinstance(each.default, tuple) and not isinstance(value, tuple):
            message = f"{each.name} is {value!r}; allowed is a list."
            raise OptionError(message)
        if type(each.default) in (int, float) and not isinstance(value, Real):
            message = f"{each.name} is {value!r}; allowed is a number."
            raise OptionError(message)


def _name_of(scenario: object) -> str:
    kind = scenario if isinstance(scenario, type) else type(scenario)
    return f"{kind.__module__}:{kind.__qualname__}"


def _as_options_are(value: object) -> object:
    """Lists and ranges as the tuples that options are."""
    return tuple(value) if isinstance(value, list | range) else value


def _answer(folder: StudyFolder, options: StudyOptions) -> dict[str, Any]:
    """Have the report made; what it recommends, or nothing where it cannot be made."""
    tolerance, prefer = 1.0, "balanced"
    if isinstance(options, ComparisonOptions):
        tolerance, prefer = options.tolerance, options.prefer
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-P", "-c", ANSWER, folder.path, f"{tolerance / 100}", prefer],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    if done.returncode:
        sys.stderr.write(
            f"no report of {folder.path}: {done.stderr.strip().rpartition(chr(10))[2]}\n"
        )
        return {}
    answer: dict[str, Any] = json.loads(done.stdout.strip().rpartition("\n")[2])
    return answer
