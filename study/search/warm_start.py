"""Warm start from earlier studies: their finished trials, which a search need not train again."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from study.errors import OptionError, StorageError
from study.record.files import EPOCHS_FILE, TRIALS_FILE
from study.record.manifest import Manifest
from study.record.migration import with_scenario_options
from study.record.objective import Objective
from study.record.records import EpochRecord, TrialRecord
from study.record.search.curves import TrialCurve, curve_of_trial
from study.record.search.goal import SearchGoal, most_epochs, values_of
from study.record.vocabulary import Paradigm, StopReason, TrialStatus
from study.search.space.file import FROZEN
from study.search.space.setup_registry import choice_of
from study.search.space.space import Choice, Space
from study.store.folder import StudyFolder
from study.store.trial_record import counted_rows, energy_to_target_j

_OF_THE_TRAINING = ("precision", "compile", "accumulate", "clip_norm", "validate_every")
"""Options that change what a training learns or costs; compared only where both studies have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A setup that an earlier study has trained.

    Attributes:
        choice: Values of the setup.
        values: Its objective values for Optuna, as means over its seeds; None where the setup is only a
            hint, to be tried early.
        study: Name of the earlier study.
    """

    choice: Choice
    values: tuple[float, ...] | None
    study: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierStudies:
    """Results of earlier studies that a search starts from.

    Attributes:
        hints: Setups of earlier studies that are in the space.
        trials: Trials behind the hints with values, with their energy to this search's target.
    """

    hints: tuple[Hint, ...] = ()
    trials: tuple[TrialRecord, ...] = ()


def earlier_studies(
    places: Sequence[Path],
    manifest: Manifest,
    *,
    space: Space,
    goal: SearchGoal,
    target: float | None,
    similar: bool,
) -> EarlierStudies:
    """Return the finished trials of earlier studies whose setups are in the space.

    Trials that a search stopped are only lower bounds and are not used, nor are trials that ended at a
    target which is not sufficient for this search.

    Args:
        places: Folders of the earlier studies.
        manifest: Manifest of the search.
        space: Space of the search.
        goal: Goal of the search.
        target: Target value of the objective; None without a target.
        similar: Whether to accept studies with another scenario, other data or options, as hints
            without values.

    Raises:
        OptionError: A folder contains no readable study, or one that differs while `similar` is False.
    """
    hints: list[Hint] = []
    kept: list[TrialRecord] = []
    for place in places:
        folder, earlier = _read(place)
        differs = _differences(earlier, manifest, space, goal)
        if differs and not similar:
            message = (
                f"--from {place} is not alike: {'; '.join(differs)}. Values of another training "
                "mislead: give --from-similar to take only its setups as hints."
            )
            raise OptionError(message)
        for choice, trials in _by_choice(folder, earlier, space, manifest, target).items():
            told = {} if differs else _values(trials, goal, manifest, target)
            values = None
            if told:
                kept += told
                values = tuple(map(statistics.fmean, zip(*told.values(), strict=True)))
            hints.append(Hint(choice=choice, values=values, study=earlier.study))
    return EarlierStudies(hints=tuple(hints), trials=tuple(kept))


def _values(
    trials: Sequence[TrialRecord],
    goal: SearchGoal,
    manifest: Manifest,
    target: float | None,
) -> dict[TrialRecord, tuple[float, ...]]:
    """Return the objective values of the trials that have any."""
    max_epochs = most_epochs(manifest.options)
    found = {}
    for trial in trials:
        curve = curve_of_trial(trial, target=target, objective=manifest.objective)
        values = values_of(goal, curve, max_epochs=max_epochs)
        if values is not None and not _is_cut_short(trial, goal, curve):
            found[trial] = values
    return found


def _is_cut_short(trial: TrialRecord, goal: SearchGoal, curve: TrialCurve) -> bool:
    if trial.stop_reason is not StopReason.TARGET:
        return False
    return goal is not SearchGoal.ENERGY_TO_TARGET or not curve.reached


def _by_choice(
    folder: StudyFolder,
    earlier: Manifest,
    space: Space,
    manifest: Manifest,
    target: float | None,
) -> dict[Choice, list[TrialRecord]]:
    """Return the trials that ended by themselves or at a target, by their setup in the space."""
    reached_j = _energies_to_target(folder, manifest.objective, target)
    axes = {axis.name for axis in space.axes}
    now = _fixed_values(manifest.options)
    fixed_values = _fixed_values(earlier.options)
    found: dict[Choice, list[TrialRecord]] = {}
    for row in folder.read_rows(TRIALS_FILE):
        trial = TrialRecord.from_row(row)
        choice = choice_of(trial, space, fixed_values)
        # Parameters that are not axes here must have the values that this search uses.
        beside = json.loads(trial.parameters or "{}").items()
        is_ours = all(name in axes or now.get(name) == value for name, value in beside)
        ended = trial.status is TrialStatus.FINISHED and is_ours
        if ended and trial.stop_reason is not StopReason.STOPPED and space.holds(choice):
            own = replace(trial, energy_to_target_j=reached_j.get(trial.trial_id))
            found.setdefault(choice, []).append(own)
    return found


def _energies_to_target(
    folder: StudyFolder, objective: Objective, target: float | None
) -> dict[str, float]:
    """Return the energy to this search's target in joules, for the trials that reached it."""
    epochs: dict[str, list[EpochRecord]] = {}
    for row in folder.read_rows(EPOCHS_FILE):
        epoch = EpochRecord.from_row(row)
        epochs.setdefault(epoch.trial_id, []).append(epoch)
    energies_j = {
        trial_id: energy_to_target_j(counted_rows(rows), objective, target)
        for trial_id, rows in epochs.items()
    }
    return {trial_id: joules for trial_id, joules in energies_j.items() if joules is not None}


def _fixed_values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that apply to all setups of a study, from its options; a search may choose them."""
    found: dict[str, Any] = {"optimizer": options.get("optimizer"), FROZEN: False}
    return {**with_scenario_options(options), **found}


def _differences(
    earlier: Manifest, manifest: Manifest, space: Space, goal: SearchGoal
) -> list[str]:
    """Return the differences, in words, for which results of an earlier study do not apply to this one."""
    found = []
    if earlier.paradigm not in (Paradigm.REGIME, Paradigm.SEARCH):
        found.append(f"it is a study of {earlier.paradigm}, whose trials train several stages")
    if earlier.scenario != manifest.scenario:
        found.append(f"its scenario is {earlier.scenario}, this one is {manifest.scenario}")
    if earlier.objective != manifest.objective:
        found.append(f"its objective is {earlier.objective}, this one's is {manifest.objective}")
    if (
        earlier.scenario == manifest.scenario
        and earlier.data.fingerprint != manifest.data.fingerprint
    ):
        found.append(
            f"its data are {earlier.data.description}, these are {manifest.data.description}"
        )
    chosen = {axis.name for axis in space.axes}
    of_scenario = [each.options.get("scenario_options") or {} for each in (earlier, manifest)]
    names = ["optimizer", *dict.fromkeys(name for own in of_scenario for name in own)]
    if goal is not SearchGoal.ENERGY_TO_TARGET:
        names += ["max_epochs", "patience"]
    was, now = (with_scenario_options(each.options) for each in (earlier, manifest))
    names += [each for each in _OF_THE_TRAINING if each in was and each in now]
    found += [
        f"--{name.replace('_', '-')} was {was.get(name)} and is {now.get(name)}"
        for name in names
        if name not in chosen and was.get(name) != now.get(name)
    ]
    return found


def _read(place: Path) -> tuple[StudyFolder, Manifest]:
    try:
        folder = StudyFolder(str(place.resolve().parent), place.resolve().name)
        return folder, folder.read_manifest()
    except StorageError as error:
        message = f"--from {place} holds no study that can be read: {error}"
        raise OptionError(message) from error
