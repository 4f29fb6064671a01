"""Imports a folder that somebody's Ray Tune run left, so that it is read as a study.

Ray Tune leaves a folder for each trial with its `params.json` and a `result.json`, a report a line.
Energies are missing, unless the trainable was `measured`.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import AnalysisError
from analysis.read.recover import trials_from_epochs
from analysis.read.typed import typed_frame
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, RUN_STATES, TRIALS_FILE
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord, error_line
from study.record.tune_restarts import EarlierTrial, restarts
from study.record.tune_rows import SetupNumbers, epoch_record, run_manifest
from study.record.vocabulary import StopReason, TrialStatus

_RESULTS, _ERROR = "result.json", "error.txt"


def import_run(folder: Path, objective: Objective, *, seed_key: str) -> Path:
    """Write `study.json`, `epochs.parquet` and `trials.parquet` into a Tune run's folder.

    Args:
        folder: The run's: the one with a folder for each trial.
        objective: Metric of its results that decides.
        seed_key: Key of the configuration in which repeats of a setup differ.

    Returns:
        The manifest's path.

    Raises:
        AnalysisError: It is a study already, no run of Tune, or has no such metric.
    """
    manifest_file = folder / MANIFEST_FILE
    if manifest_file.exists():
        message = f"{folder} is a study already: `python -m analysis {shlex.quote(str(folder))}` reads it."
        raise AnalysisError(message)
    book = SetupNumbers(seed_key=seed_key)
    trials = [found for path in sorted(folder.glob(f"*/{_RESULTS}")) if (found := _read(path))]
    for trial in trials:
        book.choice(trial.config)  # setups are numbered in the order of the folders
    lost = _lost_attempts(trials, _listed(folder), book)
    are_lost = {each.trial_id for several in lost.values() for each in several}
    rows: list[EpochRecord] = []
    for trial in trials:
        if trial.trial_id not in are_lost:
            attempts = (*lost.get(trial.trial_id, ()), trial)
            rows += _epochs(attempts, folder.name, objective, book)
    if not rows:
        message = (
            f"{folder} has no results of Ray Tune. Name the folder of a run, the one with a folder "
            f"for each trial, in which a {_RESULTS} lies."
        )
        raise AnalysisError(message)
    if all(row.val_score is None for row in rows):
        metrics = sorted({name for row in rows for name in json.loads(row.val_metrics or "{}")})
        message = (
            f"--objective is {objective.name}; the results of {folder} have "
            f"{', '.join(metrics) or 'no number'}."
        )
        raise AnalysisError(message)
    first = min(folder.glob(f"*/{_RESULTS}"), key=lambda path: path.stat().st_mtime)
    manifest = run_manifest(
        folder.name,
        rows[0].scenario,
        book,
        objective,
        started_at=datetime.fromtimestamp(first.stat().st_mtime, UTC).isoformat(timespec="seconds"),
    )
    manifest = replace(manifest, status="finished")
    epochs = typed_frame([row.to_row() for row in rows], EpochRecord)
    errors = {each.trial_id: each.error for each in trials if each.error is not None}
    try:
        _write(epochs, folder / EPOCHS_FILE)
        _write(_with_errors(trials_from_epochs(epochs, objective), errors), folder / TRIALS_FILE)
        manifest_file.write_text(manifest.to_json(), encoding="utf-8")
    except OSError as error:
        message = f"{folder} cannot be written into: {error.strerror or error}."
        raise AnalysisError(message) from error
    return manifest_file


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A trial as Tune left it.

    Attributes:
        path: Of its results.
        trial_id: Tune's identifier.
        config: Its configuration.
        results: Its reports by epoch; of an epoch that was reported twice the later one.
        error: The error that it ended with; None of one that ended without.
    """

    path: Path
    trial_id: str
    config: Mapping[str, Any]
    results: Mapping[int, Mapping[str, Any]]
    error: str | None


def _read(path: Path) -> _Trial | None:
    """Return the trial of a file of results; None of one without a result."""
    results = {line["training_iteration"]: line for line in _lines(path)}
    if not results:
        return None
    first = next(iter(results.values()))
    return _Trial(
        path=path,
        trial_id=str(first["trial_id"]),
        config=first.get("config") or {},
        results=results,
        error=_error(path.parent / _ERROR),
    )


def _error(path: Path) -> str | None:
    """Last line of an error; None where there is none."""
    if not path.exists():
        return None
    return error_line(path.read_text(encoding="utf-8", errors="replace"))


def _with_errors(trials: pd.DataFrame, errors: Mapping[str, str]) -> pd.DataFrame:
    """The trials, of which those with an error have failed."""
    found = trials["trial_id"].map(errors)
    status = trials["status"].mask(found.notna(), TrialStatus.FAILED.value)
    return typed_frame(trials.assign(status=status, error=found), TrialRecord)


def _write(frame: pd.DataFrame, path: Path) -> None:
    with path.open("wb") as file:  # Arrow takes no path that is no UTF-8
        frame.to_parquet(file, index=False)


def _listed(folder: Path) -> frozenset[str] | None:
    """Identifiers of the trials that Tune listed at last; None where it left no list that can be read."""
    try:
        newest = max(folder.glob(RUN_STATES))
        trials = json.loads(newest.read_text(encoding="utf-8"))["trial_data"]
        return frozenset(json.loads(state)["trial_id"] for state, _ in trials)
    except (ValueError, KeyError, TypeError, OSError):
        return None


def _lost_attempts(
    trials: Sequence[_Trial], listed: frozenset[str] | None, book: SetupNumbers
) -> Mapping[str, Sequence[_Trial]]:
    """Return the failed trials that Tune began anew, by what they are called since then, in their order."""
    if listed is None:
        return {}
    present = {each.trial_id: each.config for each in trials if each.trial_id in listed}
    left = [each for each in trials if each.error is not None and each.trial_id not in listed]
    found: dict[str, list[_Trial]] = {}
    while left:  # each time of those that were begun anew several times one
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
    """The rows of a training with those of the attempts at it that were lost, in their order."""
    last_one = attempts[-1]
    plan = book.plan(last_one.trial_id, last_one.config)
    before = 0
    for trial in attempts:
        # An error comes between two results: it cuts none of these off, so it stands on no row.
        reason = None if trial.error is not None else StopReason.MAX_EPOCHS
        last = max(trial.results)
        energy_j: float | None = 0.0
        attempt = before
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
            attempt = before + row.attempt
            yield replace(row, attempt=attempt)
        before = attempt


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Reports of a trial; the last line is cut off where a process was killed."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            result = json.loads(line)
        except ValueError:
            continue
        if isinstance(result, dict) and "trial_id" in result and _is_count(result):
            yield result


def _is_count(result: dict[str, Any]) -> bool:
    """Return whether a result has a number of its epoch, from 1."""
    epoch = result.get("training_iteration")
    return isinstance(epoch, int) and epoch >= 1
