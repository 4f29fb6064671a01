"""Studies from Python and notebooks: `run_study` takes the options of a command and returns its results.

It works inside a running event loop, and in threads other than the main one, where it installs no signal
handlers. In the main thread, Ctrl-C or a notebook's interrupt ends the trials, and the results so far
are returned; a second one ends the call.
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
from study.errors import OptionError, refuse
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
from study.training.loading import gc_paused

if TYPE_CHECKING:
    import pandas as pd

    from study.execution.trial_source import TrialSource

GRIDS: dict[str, tuple[Design, type[StudyOptions]]] = {
    "regime": (REGIME, ComparisonOptions),
    "pretraining": (PRETRAINING, PretrainingOptions),
    "multitask": (MULTITASK, MultitaskOptions),
}
"""Paradigms that train a grid, by name, with their design and the class of their options."""

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
"""Script that writes the report and prints the recommendation as JSON.

It runs in a separate process because `study` must not import `analysis`."""


SHOWN = (
    *("setup", "batch_size", "learning_rate", "seed"),
    *("status", "epochs", "best_val_score", "energy_j", "energy_method"),
)
"""Columns of the trials table that a notebook shows."""


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """Results of a study that was run.

    Attributes:
        folder: Path or URI of the folder with its results.
        failed: Failed trials by identifier, each with the last line of its error; None where unknown.
        unfinished: Number of trials that have not ended.
        recommendation: Which setup to use, as a paragraph; None where no report was made.
        caveats: Limitations of that recommendation, a sentence each.
        report: Path of the report's HTML page; None where no report was made.
    """

    folder: str
    failed: Mapping[str, str | None]
    unfinished: int
    recommendation: str | None = None
    caveats: tuple[str, ...] = ()
    report: Path | None = None

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """A row for each trial; `study.record.records.TrialRecord` documents the columns."""
        return self._table(TRIALS_FILE)

    @cached_property
    def epochs(self) -> "pd.DataFrame":
        """A row for each epoch; `study.record.records.EpochRecord` documents the columns."""
        return self._table(EPOCHS_FILE)

    def _table(self, name: str) -> "pd.DataFrame":
        import pandas as pd  # noqa: PLC0415 - takes longer to load than a command line to be refused

        parent, _, study = self.folder.rpartition("/")
        return pd.DataFrame(StudyFolder(parent, study).read_rows(name))

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: recommendation, caveats, and the table of trials."""
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
    """Run a study, or resume one.

    Args:
        paradigm: `regime`, `pretraining`, `multitask` or `search`.
        scenario: A value of `--scenario`, or a scenario: an object, or a class that takes no
            arguments; if omitted, the default of the command.
        report: Whether to write the report and return its recommendation; `no_report=True`, as in
            the command, is the same as False. Studies in remote storage get no report.
        console: Where progress is shown; by default the terminal or the notebook.
        options: Options of `python -m study.PARADIGM`, with underscores in their names, and the
            scenario's own.

    Returns:
        The trials and epochs as tables, and the recommendation.

    Raises:
        StudyError: An error that the user can fix; no trial was started.
        KeyboardInterrupt: The study was interrupted a second time.

    Examples:
        A study of two batch sizes::

            result = run_study("regime", scenario="watch", batch_sizes=(64, 256), repeats=3)
            result.trials[["setup", "energy_j"]]

        >>> run_study("regimes")
        Traceback (most recent call last):
        study.errors.OptionError: paradigm is 'regimes'; allowed: regime, pretraining, multitask, search.
    """
    chosen, found = _options(_options_of(paradigm), scenario, options)
    with _without_hints(), exports_of(chosen.log) as exports:
        # Ray and torch take seconds to load, so they are imported only once the options are valid.
        with gc_paused():
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
        wanted = report and not chosen.no_report
        said = _answer(outcome.folder, chosen) if wanted and outcome.folder.is_local else {}
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
    """Silence hints of libraries to install notebook widgets, which our progress display does not need."""
    logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        yield


def _interrupted(_: int) -> None:
    """Abort the study, but not the program or the notebook that started it.

    Raises:
        KeyboardInterrupt: Always.
    """
    raise KeyboardInterrupt


def _options_of(paradigm: str) -> type[StudyOptions]:
    """Return the class of the options of a paradigm.

    Raises:
        OptionError: There is no such paradigm.
    """
    if paradigm in GRIDS:
        return GRIDS[paradigm][1]
    if paradigm != SEARCH:
        refuse(f"paradigm is {paradigm!r}", ", ".join((*GRIDS, SEARCH)))
    from study.search.options import SearchOptions  # noqa: PLC0415 - Optuna takes time to load

    return SearchOptions


def _trials_of(
    paradigm: str, options: StudyOptions, scenario: Scenario
) -> tuple[Design, "TrialSource"]:
    """Return the design of a study and the source of its trials."""
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
    """Return the study's options, and the scenario configured with its own options.

    Raises:
        OptionError: There is no option of a given name, or a value is not allowed.
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
    """Refuse a single value where a list is expected, and anything but a number where one is.

    Raises:
        OptionError: The type of a value does not match that of its option's default.
    """
    for each in dataclasses.fields(kind):
        value = values.get(each.name)
        if value is None:
            continue
        if isinstance(each.default, tuple) and not isinstance(value, tuple):
            refuse(f"{each.name} is {value!r}", "a list")
        if type(each.default) in (int, float) and not isinstance(value, Real):
            refuse(f"{each.name} is {value!r}", "a number")


def _name_of(scenario: object) -> str:
    kind = scenario if isinstance(scenario, type) else type(scenario)
    return f"{kind.__module__}:{kind.__qualname__}"


def _as_options_are(value: object) -> object:
    """Convert lists and ranges to tuples, as options store them."""
    return tuple(value) if isinstance(value, list | range) else value


def _answer(folder: StudyFolder, options: StudyOptions) -> dict[str, Any]:
    """Write the report in a separate process and return its recommendation; empty where that fails."""
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
