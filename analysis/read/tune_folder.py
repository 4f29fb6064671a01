"""Import of a Ray Tune run's folder, so that it can be read as a study.

Ray Tune leaves a folder for each trial with a `params.json`, a `result.json` with one report per line,
and an `error.txt` if an attempt failed. Energies are missing unless the trainable was `measured`.
"""

import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import AnalysisError
from analysis.read.counted import counted_epochs
from analysis.read.recover import COMPONENTS, trials_from_epochs
from analysis.read.typed import typed_frame
from study.record.files import EPOCHS_FILE, J_PER_WH, MANIFEST_FILE, RUN_STATES, TRIALS_FILE
from study.record.manifest import Manifest
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord, error_line
from study.record.tune_restarts import EarlierTrial, restarts
from study.record.tune_rows import (
    SetupNumbers,
    energy_in,
    epoch_record,
    ranking_scope,
    run_manifest,
)
from study.record.vocabulary import StopReason, TrialStatus

_RESULTS, _ERRORS, _CONFIG = "result.json", "error.txt", "params.json"
_FAILURE = re.compile(r"^Failure # \d+ ", re.MULTILINE)
"""First line of each failure in `error.txt`."""


def import_run(folder: Path, objective: Objective, *, seed_key: str) -> Path:
    """Write `study.json`, `epochs.parquet` and `trials.parquet` into a Tune run's folder.

    Args:
        folder: Folder of the run: the one with a folder for each trial.
        objective: Reported metric that decides which setup is better.
        seed_key: Key of the trials' configuration that differs between repeats of a setup.

    Returns:
        Path of the manifest.

    Raises:
        AnalysisError: The folder is a study already, is not a run of Tune, has no result with that
            metric, or cannot be written to.
    """
    manifest_file = folder / MANIFEST_FILE
    if manifest_file.exists():
        message = f"{folder} is a study already: `python -m analysis {shlex.quote(str(folder))}` reads it."
        raise AnalysisError(message)
    book = SetupNumbers(seed_key=seed_key)
    states = _states(folder)
    paths = sorted(folder.glob(f"*/{_RESULTS}"))
    trials = [found for path in paths if (found := _read(path, states))]
    for trial in trials:
        book.choice(trial.config)  # setups are numbered in the order of the folders
    lost = _lost_attempts(trials, states.listed, book)
    are_lost = {each.trial_id for several in lost.values() for each in several}
    trainings = [
        (*lost.get(each.trial_id, ()), each) for each in trials if each.trial_id not in are_lost
    ]
    rows = [row for each in trainings for row in _epochs(each, folder.name, objective, book)]
    if not rows:
        message = (
            f"{folder} has no results of Ray Tune. Name the folder of a run, the one with a folder "
            f"for each trial, in which a {_RESULTS} lies."
        )
        if trials:
            message = f"{folder} has no results: all trials failed before. {trials[0].error}"
        raise AnalysisError(message)
    if all(row.val_score is None for row in rows):
        metrics = sorted({name for row in rows for name in json.loads(row.val_metrics or "{}")})
        message = (
            f"--objective is {objective.name}; the results of {folder} have "
            f"{', '.join(metrics) or 'no number'}."
        )
        raise AnalysisError(message)
    first = min(paths, key=lambda path: path.stat().st_mtime)
    manifest = run_manifest(
        folder.name,
        rows[0].scenario,
        book,
        objective,
        started_at=datetime.fromtimestamp(first.stat().st_mtime, UTC).isoformat(timespec="seconds"),
    )
    epochs = typed_frame([row.to_row() for row in rows], EpochRecord)
    measured = [each.partition("_")[0] for each in COMPONENTS if any(epochs[each] >= 0)]
    manifest = replace(manifest, status="finished", energy_of=ranking_scope(measured))
    records: dict[str, dict[Any, Any]] = {
        each["trial_id"]: each for each in trials_from_epochs(epochs, objective).to_dict("records")
    }
    kept_j = counted_epochs(epochs).groupby("trial_id")["epoch_energy_j"].sum().to_dict()
    for training in trainings:
        last = training[-1]
        record = records.setdefault(last.trial_id, _without_epoch(last, manifest, book))
        record |= _outcome(training, record, kept_j.get(last.trial_id, 0.0))
    try:
        _write(epochs, folder / EPOCHS_FILE)
        _write(typed_frame(list(records.values()), TrialRecord), folder / TRIALS_FILE)
        manifest_file.write_text(manifest.to_json(), encoding="utf-8")
    except OSError as error:
        message = f"{folder} cannot be written into: {error.strerror or error}."
        raise AnalysisError(message) from error
    return manifest_file


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A trial as Tune left it.

    Attributes:
        path: Path of its `result.json`.
        trial_id: Tune's identifier of the trial.
        config: Configuration of the trial.
        results: Its reports by epoch; the later one if an epoch was reported twice.
        failures: Number of its attempts that failed.
        error: Error that it ended with; None if it ended without one.
        has_ended: Whether it had ended, rather than was pending or running, when the run stopped.
    """

    path: Path
    trial_id: str
    config: Mapping[str, Any]
    results: Mapping[int, Mapping[str, Any]]
    failures: int
    error: str | None
    has_ended: bool

    @property
    def attempts(self) -> int:
        """Number of times that Tune started the trial."""
        told = [int(energy_in(result).get("attempt", 1)) for result in self.results.values()]
        return max([self.failures + (self.error is None), *told])

    @property
    def used_j(self) -> float:
        """Known energy of all its attempts up to its last result, lost attempts included; 0 without any."""
        told = [result for result in self.results.values() if energy_in(result)]
        return float(told[-1].get("energy_wh", 0.0)) * J_PER_WH if told else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _States:
    """The trials listed in Tune's experiment state files.

    Attributes:
        ids: Identifiers of the trials, by the names of their folders.
        listed: Status of each trial in the latest file, by identifier; None if there is no file or
            the latest cannot be read.
    """

    ids: Mapping[str, str]
    listed: Mapping[str, str | None] | None


def _states(folder: Path) -> _States:
    ids: dict[str, str] = {}
    listed: dict[str, str | None] | None = None
    for path in sorted(folder.glob(RUN_STATES)):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))["trial_data"]
            trials = [json.loads(state) for state, _ in data]
            listed = {each["trial_id"]: each.get("status") for each in trials}
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            listed = None
        else:
            ids |= {each.get("relative_logdir", ""): each["trial_id"] for each in trials}
    return _States(ids=ids, listed=listed)


def _read(path: Path, states: _States) -> _Trial | None:
    """Read the trial of a `result.json`; None if it has no result and did not end with an error."""
    results = {line["training_iteration"]: line for line in _lines(path)}
    errors = _text(path.parent / _ERRORS)
    name = path.parent.name
    trial_id = next(
        (str(each["trial_id"]) for each in results.values()), states.ids.get(name, name)
    )
    status = (states.listed or {}).get(trial_id)
    # error.txt also keeps the errors of attempts that Tune retried, so its presence alone proves nothing.
    has_failed = errors is not None and status in (None, "ERROR")
    if not results and not has_failed:
        return None
    config = next((each.get("config") for each in results.values()), _config(path.parent))
    return _Trial(
        path=path,
        trial_id=trial_id,
        config=config or {},
        results=results,
        failures=0 if errors is None else max(1, len(_FAILURE.findall(errors))),
        error=error_line(errors or "") if has_failed else None,
        has_ended=status in (None, "ERROR", "TERMINATED"),
    )


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None


def _config(folder: Path) -> Mapping[str, Any] | None:
    """Read the configuration in a trial's folder; None if it cannot be read."""
    try:
        config = json.loads(_text(folder / _CONFIG) or "null")
    except ValueError:
        return None
    return config if isinstance(config, dict) else None


def _without_epoch(trial: _Trial, manifest: Manifest, book: SetupNumbers) -> dict[str, Any]:
    """Return the row of a trial that failed before its first result; columns not named are missing."""
    plan = book.plan(trial.trial_id, trial.config)
    return {
        "study": manifest.study,
        "trial_id": trial.trial_id,
        "status": TrialStatus.FAILED.value,
        "paradigm": manifest.paradigm.value,
        "scenario": manifest.scenario,
        "setup": plan.setup.setup,
        "batch_size": plan.setup.batch_size,
        "learning_rate": plan.setup.learning_rate,
        "seed": plan.seed,
        "parameters": plan.parameters,
        "time_s": 0.0,
        "wasted_energy_j": 0.0,
        **dict.fromkeys(("epochs", "missing_epochs", "degraded_epochs"), 0),
    }


def _outcome(
    training: Sequence[_Trial], record: Mapping[str, Any], kept_j: float
) -> Mapping[str, Any]:
    """Return the columns of a training's row that cannot be derived from its epochs.

    Args:
        training: All attempts at the training, in order of time.
        record: Row derived from the epochs.
        kept_j: Energy of the epochs that count.
    """
    error, attempts = training[-1].error, sum(each.attempts for each in training)
    found: dict[str, Any] = {"attempts": attempts}
    if error is not None:
        found |= {"status": TrialStatus.FAILED.value, "error": error}
    if attempts > 1:
        # Rounded, since the same epochs summed in another order differ in the last digits.
        beside_j = round(sum(each.used_j for each in training) - kept_j, 6)
        known_j = (each for each in (record["wasted_energy_j"], beside_j) if each > 0)
        found["wasted_energy_j"] = max(known_j, default=None)
    return found


def _write(frame: pd.DataFrame, path: Path) -> None:
    with path.open("wb") as file:  # Arrow rejects paths that are not UTF-8
        frame.to_parquet(file, index=False)


def _lost_attempts(
    trials: Sequence[_Trial], listed: Collection[str] | None, book: SetupNumbers
) -> Mapping[str, Sequence[_Trial]]:
    """Return the failed trials that Tune restarted under a new identifier, by that identifier.

    Args:
        trials: All trials that left a result or an error.
        listed: Identifiers in Tune's latest list; None if there is none, and no restart is recognized.
        book: Numbers of the setups.

    Returns:
        For each restarted trial its earlier ones, in order of time.
    """
    if listed is None:
        return {}
    present = {each.trial_id: each.config for each in trials if each.trial_id in listed}
    left = [each for each in trials if each.error is not None and each.trial_id not in listed]
    found: dict[str, list[_Trial]] = {}
    while left:  # one pass per restart: a trial may have been restarted several times
        new = restarts(present, [_earlier(each, book) for each in left], book)
        if not new:
            break
        for each in left:
            if each.trial_id in new:
                found.setdefault(new[each.trial_id], []).append(each)
        left = [each for each in left if each.trial_id not in new]
    return {
        trial_id: sorted(several, key=lambda each: each.path.stat().st_mtime)
        for trial_id, several in found.items()
    }


def _earlier(trial: _Trial, book: SetupNumbers) -> EarlierTrial:
    setup, seed = book.choice(trial.config)
    return EarlierTrial(
        trial_id=trial.trial_id, setup=setup.setup, seed=seed or 0, has_finished=False
    )


def _epochs(
    attempts: Sequence[_Trial], run: str, objective: Objective, book: SetupNumbers
) -> Iterator[EpochRecord]:
    """Yield the epochs of all attempts at a training, the lost ones first, in order of time."""
    last_one = attempts[-1]
    plan = book.plan(last_one.trial_id, last_one.config)
    before = 0
    for trial in attempts:
        # An error occurs after the last result, so no row has it as its stop reason.
        is_whole = trial.error is None and trial.has_ended
        reason = StopReason.MAX_EPOCHS if is_whole else None
        last = max(trial.results, default=None)
        energy_j: float | None = 0.0
        for epoch, result in sorted(trial.results.items()):
            row = epoch_record(
                result,
                plan,
                study=run,
                scenario=trial.path.parent.name.partition(f"_{trial.trial_id}")[0],
                objective=objective,
                energy_before_j=energy_j,
                stop_reason=reason if epoch == last and trial is last_one else None,
            )
            energy_j = row.energy_j
            yield replace(row, attempt=before + row.attempt)
        before += trial.attempts


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the reports of a trial; lines that are truncated or lack identifier or epoch are skipped."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            result = json.loads(line)
        except ValueError:
            continue
        if isinstance(result, dict) and "trial_id" in result and _is_count(result):
            yield result


def _is_count(result: dict[str, Any]) -> bool:
    """Return whether a result has a valid epoch number, from 1."""
    epoch = result.get("training_iteration")
    return isinstance(epoch, int) and epoch >= 1
