"""Imports a folder that somebody's Ray Tune run left, so that it is read as a study.

Ray Tune leaves a folder for each trial with its `params.json` and a `result.json`, a report a line.
Energies are missing, unless the trainable was `measured`.
"""

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.errors import AnalysisError
from analysis.read.typed import typed_frame
from study.record.files import EPOCHS_FILE, MANIFEST_FILE
from study.record.objective import Objective
from study.record.records import EpochRecord
from study.record.tune_rows import SetupNumbers, epoch_record, run_manifest
from study.record.vocabulary import StopReason

_RESULTS, _ERROR = "result.json", "error.txt"


def import_run(folder: Path, objective: Objective, *, seed_key: str) -> Path:
    """Write `study.json` and `epochs.parquet` into a Tune run's folder.

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
    rows: list[EpochRecord] = []
    for trial in sorted(folder.glob(f"*/{_RESULTS}")):
        rows += _epochs(trial, folder.name, objective, book)
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
    try:
        frame = typed_frame([row.to_row() for row in rows], EpochRecord)
        with (folder / EPOCHS_FILE).open("wb") as file:  # Arrow takes no path that is no UTF-8
            frame.to_parquet(file, index=False)
        manifest_file.write_text(manifest.to_json(), encoding="utf-8")
    except OSError as error:
        message = f"{folder} cannot be written into: {error.strerror}."
        raise AnalysisError(message) from error
    return manifest_file


def _epochs(
    path: Path, run: str, objective: Objective, book: SetupNumbers
) -> Iterator[EpochRecord]:
    """The rows of a trial: of an epoch that was reported twice, the later one."""
    results = {line["training_iteration"]: line for line in _lines(path)}
    reason = StopReason.ERROR if (path.parent / _ERROR).exists() else StopReason.MAX_EPOCHS
    last = max(results, default=None)
    energy_j: float | None = 0.0
    for epoch, result in sorted(results.items()):
        row = epoch_record(
            result,
            book.plan(str(result["trial_id"]), result.get("config") or {}),
            study=run,
            scenario=path.parent.name.partition(f"_{result['trial_id']}")[0],
            objective=objective,
            energy_before_j=energy_j,
            stop_reason=reason if epoch == last else None,
        )
        energy_j = row.energy_j
        yield row


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
