"""Warm start from earlier studies: their finished trials, which a search need not train again."""

import json
import statistics
from collections.abc import Collection, Mapping, Sequence
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
from study.record.vocabulary import EnergyScope, Paradigm, StopReason, TrialStatus
from study.search.space.file import FROZEN
from study.search.space.setup_registry import choice_of
from study.search.space.space import Choice, Space
from study.store.folder import StudyFolder
from study.store.trial_record import counted_rows, energy_to_target_j

_OF_THE_TRAINING = (
    "precision",
    "compile",
    "accumulate",
    "clip_norm",
    "validate_every",
    "power_limits",
)
"""Options that change what a training learns or costs; compared only where both studies have them."""

_OF_THE_ESTIMATE = ("cpu_watts", "cpu_idle_watts")
"""Options that determine an estimate of the CPU's energy."""

_BESIDE_BOARDS: Mapping[EnergyScope, tuple[str, ...]] = {
    EnergyScope.COMPONENTS: ("cpu", "memory"),
    EnergyScope.NODE: ("node",),
}
"""Components that the energy of a scope includes besides boards, if they are measured."""


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
    devices: Collection[str] = (),
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
        devices: Names of the devices that this search trains on; empty while the machines are not known, in
            which case devices are not compared.

    Raises:
        OptionError: A folder contains no readable study, or one that differs while `similar` is False.
    """
    hints: list[Hint] = []
    kept: list[TrialRecord] = []
    # Compared in its JSON form, as an earlier one is read: tuples are lists there, and paths are text.
    manifest = Manifest.from_json(manifest.to_json())
    for place in places:
        folder, earlier = _read(place)
        by_choice = _by_choice(folder, earlier, space, manifest, target)
        differs = _differences(earlier, manifest, space, goal)
        if manifest.nodes:
            differs += _differences_in_energy(earlier, manifest)
            differs += _other_devices([one for many in by_choice.values() for one in many], devices)
        if differs and not similar:
            message = (
                f"--from {place} is not alike: {'; '.join(differs)}. Values of another training "
                "mislead: give --from-similar to take only its setups as hints."
            )
            raise OptionError(message)
        for choice, trials in by_choice.items():
            here = [each for each in trials if not devices or _is_on(each, devices)]
            told = {} if differs else _values(here, goal, manifest, target)
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
    # The axes of the earlier study may include the value used here; its other trials are skipped.
    tried = [each.parameters for each in earlier.setups]
    found += [
        f"--{name.replace('_', '-')} was {was.get(name)} and is {now.get(name)}"
        for name in names
        if name not in chosen
        and was.get(name) != now.get(name)
        and not any(name in own and own[name] == now.get(name) for own in tried)
    ]
    if earlier.workers != manifest.workers:
        found.append(f"a trial had {earlier.workers} workers and has {manifest.workers}")
    return found


def _differences_in_energy(earlier: Manifest, manifest: Manifest) -> list[str]:
    """Return the differences, in words, that make the energies of an earlier study incomparable."""
    was, now = earlier.energy_of, manifest.energy_of
    if was is not now:
        return [f"it ranks by the energy of --energy-of {was}, this one by that of {now}"]
    parts, parts_now = (_parts(each, now) for each in (earlier, manifest))
    are_known = all(any(node.components for node in each.nodes) for each in (earlier, manifest))
    if are_known and parts != parts_now:
        return [f"its energy is of {_listed(parts)}, this one's of {_listed(parts_now)}"]
    if "cpu" not in _BESIDE_BOARDS.get(now, ()) or not parts_now.get("cpu"):
        return []
    return [
        f"--{name.replace('_', '-')} was {earlier.options.get(name)} and is {manifest.options.get(name)}"
        for name in _OF_THE_ESTIMATE
        if earlier.options.get(name) != manifest.options.get(name)
    ]


def _parts(manifest: Manifest, scope: EnergyScope) -> dict[str, bool]:
    """Return the components that an energy includes besides boards, each with whether it is estimated."""
    there = {each.component for node in manifest.nodes for each in node.components}
    estimated = manifest.estimated_components
    return {name: name in estimated for name in _BESIDE_BOARDS.get(scope, ()) if name in there}


def _listed(parts: Mapping[str, bool]) -> str:
    told = [f"{name}{' (estimated)' * estimated}" for name, estimated in parts.items()]
    return " and ".join(told) or "accelerators alone"


def _other_devices(trials: Sequence[TrialRecord], devices: Collection[str]) -> list[str]:
    """Return the difference in words if no trial ran on a device that this search trains on."""
    if not trials or not devices or any(_is_on(each, devices) for each in trials):
        return []
    ran_on = sorted({each.device_name for each in trials if each.device_name})
    return [f"its trials ran on {', '.join(ran_on)}, these run on {', '.join(sorted(devices))}"]


def _is_on(trial: TrialRecord, devices: Collection[str]) -> bool:
    """Return whether a trial ran on these devices; True if its devices are unknown."""
    name = trial.device_name
    return not name or name in devices or set(name.split("+")) <= set(devices)


def _read(place: Path) -> tuple[StudyFolder, Manifest]:
    try:
        folder = StudyFolder(str(place.resolve().parent), place.resolve().name)
        return folder, folder.read_manifest()
    except StorageError as error:
        message = f"--from {place} holds no study that can be read: {error}"
        raise OptionError(message) from error
