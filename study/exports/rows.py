"""Conversion of a study's records into values for exporters: numbers by the names of their columns."""

import json
import shlex
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from study.record.manifest import Manifest
from study.record.records import EpochRecord, TrialRecord
from study.record.rows import Row, columns
from study.store.folder import StudyFolder
from study.store.setups import TrialPlan, name_of_trial
from trackers.exports.exporter import Epoch, Study, Trial

ID_COLUMNS = frozenset(
    ("attempt", "setup", "batch_size", "effective_batch_size", "learning_rate", "seed", "epoch")
)
"""Columns that identify a row; they are exported as parameters or the step, not as metrics."""

TRIAL_TOTALS = (
    *("energy_j", "setup_energy_j", "between_energy_j", "wasted_energy_j", "test_energy_j"),
    *("gpu_energy_j", "cpu_energy_j", "memory_energy_j", "node_energy_j", "energy_to_target_j"),
    *("time_s", "epochs", "attempts", "missing_epochs", "best_val_score", "best_epoch"),
    "test_score",
)
"""Columns of a trial that are exported as its result."""

STUDY_TOTALS = (
    *("energy_j", "setup_energy_j", "between_energy_j", "wasted_energy_j"),
    *("gpu_energy_j", "cpu_energy_j", "memory_energy_j", "node_energy_j", "time_s", "epochs"),
)
"""Columns of a trial that may be summed over the trials of a study."""


def study_of(manifest: Manifest, folder: StudyFolder | None) -> Study:
    """Return a study as its manifest describes it; `folder` is None if it has no folder."""
    return Study(
        # The start time distinguishes it from another study of the same name.
        identity=f"{manifest.study}/{manifest.started_at}",
        name=manifest.study,
        parameters={key: _shown(value) for key, value in manifest.options.items()},
        tags={
            "paradigm": str(manifest.paradigm),
            "scenario": manifest.scenario,
            "data": manifest.data.description,
            "synthetic": str(manifest.data.synthetic).lower(),
            "energy_of": str(manifest.energy_of),
            "objective": manifest.objective.name,
            "command": shlex.join(manifest.command),
            **methods_of(manifest),
        },
        folder=None if folder is None or not folder.is_local else Path(folder.path),
    )


def methods_of(manifest: Manifest) -> dict[str, str]:
    """Return the energy methods of each component, such as `estimated` for `cpu_energy_method`.

    The row of an epoch has the method of the energy that ranks only.
    """
    found: dict[str, set[str]] = {}
    for each in (each for node in manifest.nodes for each in node.components):
        found.setdefault(f"{each.component}_energy_method", set()).add(str(each.method))
    return {name: "+".join(sorted(methods)) for name, methods in found.items()}


def trial_of(plan: TrialPlan, methods: Mapping[str, str]) -> Trial:
    """Return a trial as its plan describes it, with the result of `methods_of` among its parameters."""
    chosen = {
        "setup": plan.setup,
        "batch_size": plan.batch_size,
        "learning_rate": plan.learning_rate,
        "seed": plan.seed,
        **plan.chosen,
    }
    return Trial(
        trial_id=plan.trial_id,
        # Not `trial_id`: other people's trainables get a new one from Tune when a trial is rerun.
        identity=name_of_trial(plan.setup, plan.seed),
        parameters={**{key: _shown(value) for key, value in chosen.items()}, **methods},
    )


def plan_of(record: TrialRecord) -> TrialPlan:
    """Return the plan of a trial from its row."""
    return TrialPlan(
        trial_id=record.trial_id,
        attempt=max(1, record.attempts),
        setup=record.setup,
        batch_size=record.batch_size,
        learning_rate=record.learning_rate,
        seed=record.seed,
        parameters=record.parameters,
    )


def epoch_of(record: EpochRecord, *, staged: bool, is_earlier: bool) -> Epoch:
    """Return an epoch for exporters.

    Args:
        record: Row of the epoch.
        staged: Whether the study has several stages, so that metrics are named by stage.
        is_earlier: Whether an earlier command of the study has exported it; see `Epoch`.
    """
    named = {f"val/{name}": value for name, value in _metrics(record.val_metrics)}
    named |= {f"test/{name}": value for name, value in _metrics(record.test_metrics)}
    return Epoch(
        trial_id=record.trial_id,
        stage=record.stage if staged else "",
        attempt=record.attempt,
        epoch=record.epoch,
        unix_time_s=time.time(),
        energy_j=record.epoch_energy_j,
        method="" if record.energy_method is None else str(record.energy_method),
        metrics={**_numbers(record, but=ID_COLUMNS), **named},
        is_earlier=is_earlier,
    )


def totals_of(record: TrialRecord) -> dict[str, float]:
    """Return the results of a trial by column; missing values are left out."""
    numbers = _numbers(record)
    return {name: numbers[name] for name in TRIAL_TOTALS if name in numbers}


def totals_of_all(records: Iterable[TrialRecord]) -> dict[str, float]:
    """Return sums over trials by column; a sum is left out if a trial lacks the value."""
    numbers = [_numbers(each) for each in records]
    return {
        name: sum(each[name] for each in numbers)
        for name in STUDY_TOTALS
        if numbers and all(name in each for each in numbers)
    }


def _numbers(record: Row, *, but: frozenset[str] = frozenset()) -> dict[str, float]:
    found = {}
    for column in columns(type(record)):
        value = getattr(record, column.name)
        if column.kind != "text" and value is not None and column.name not in but:
            found[column.name] = float(value)
    return found


def _metrics(text: str | None) -> Iterable[tuple[str, float]]:
    told = json.loads(text) if text else {}
    return ((name, float(value)) for name, value in told.items() if value is not None)


def _shown(value: object) -> str:
    """Return the value of an option or parameter as it is typed on the command line."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)
