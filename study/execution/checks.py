"""Checks of options, folder and machine before Ray starts, so that bad input fails early."""

import shlex

from study.axes.given import split_axes
from study.errors import OptionError, StorageError
from study.machines.dashboard import check_dashboard
from study.options import StudyOptions
from study.record.manifest import Manifest
from study.record.migration import with_scenario_options
from study.record.objective import Objective
from study.store.folder import StudyFolder
from study.training.devices import torch_device
from study.training.ranks import backend_of
from study.training.recipe import check_compiler
from trackers.errors import SourceUnavailableError
from trackers.sources.calibrated import Calibration
from trackers.sources.detect import AUTO, Request, detect

MAY_CHANGE_ON_RESUME = frozenset(
    {
        *("address", "resume", "results_dir", "data_dir", "gpus_per_trial", "cpus_per_trial"),
        "workers_per_trial",  # compared as a number below, since --gpus-per-trial may imply it too
        *("retry_failed", "checkpoint_every_s", "mixed_devices", "dashboard", "no_report", "log"),
        *("energy_budget_wh", "trials", "sampler", "confirm", "start"),
        "name",  # renaming a study's folder renames the study
        "energy_of",  # `study.machines.energy_scope` refuses one that differs from the study's
        *("more_repeats", "sure", "tolerance", "prefer", "runs"),
    }
)
"""Options that may differ when a study is resumed."""


def check_this_machine(options: StudyOptions) -> str:
    """Check that this machine can run the study; return the type of its torch device.

    With `--address` the trials run on other machines, so only the calibration file is checked.

    Raises:
        OptionError: The device, the tracker, the calibration file, the dashboard, the precision or
            the compiler cannot be used.
    """
    if options.calibration is not None:
        try:
            Calibration.read(options.calibration)
        except SourceUnavailableError as error:
            message = f"--calibration: {error}"
            raise OptionError(message) from error
    if options.address is not None:
        return torch_device("auto").type
    if options.dashboard:
        check_dashboard()
    device = torch_device(options.device)
    if options.workers > 1:
        backend_of(device)
    axes = split_axes(options.axis)
    if "tf32" in (options.precision, *axes.get("precision", ())) and device.type in ("cpu", "mps"):
        message = (
            "--precision is tf32, which NVIDIA's GPUs have from Ampere on; here trials train on "
            f"{device.type}, and it would be fp32. Allowed here is fp32, bf16 and fp16."
        )
        raise OptionError(message)
    if (options.compile or "true" in axes.get("compile", ())) and device.type == "cpu":
        check_compiler()
    if options.tracker != (AUTO,):
        request = Request(
            tracker=options.tracker,
            cpu_watts=options.cpu_watts,
            cpu_idle_watts=options.cpu_idle_watts,
        )
        try:
            detect(request).close()
        except SourceUnavailableError as error:
            message = (
                f"--tracker {' '.join(options.tracker)}: {str(error).rstrip('.')}. "
                "`python -m trackers` lists what this machine can measure."
            )
            raise OptionError(message) from error
    return device.type


def check_folder(folder: StudyFolder, options: StudyOptions, name: str) -> Manifest | None:
    """Return the manifest of the study to resume, or None for a new study; nothing is written.

    Raises:
        StorageError: The folder cannot be read, holds a study without `--resume`, or holds none
            with it.
    """
    if options.resume and not folder.exists():
        message = f"--resume: there is no study {name} in {options.results_dir}."
        raise StorageError(message)
    if folder.exists() and not options.resume:
        message = (
            f"{folder.path} holds a study of that name. Give another --name, or --resume to "
            "continue it."
        )
        raise StorageError(message)
    return folder.read_manifest() if options.resume else None


def check_target(target: float | None, objective: Objective) -> None:
    """Refuse a target that the objective cannot reach.

    Raises:
        OptionError: The objective is a share, and the target is not above 0 and at most 1.
    """
    if target is not None and objective.is_share and not 0 < target <= 1:
        message = (
            f"--target is {target:g}; the objective {objective.name} is a share: give a number "
            "above 0 and at most 1."
        )
        raise OptionError(message)


def check_same_study(earlier: Manifest, later: Manifest) -> None:
    """Refuse to resume a study with different options or data.

    Options that did not exist in the version that began the study are ignored.

    Args:
        earlier: Manifest of the study that is resumed.
        later: Manifest of this command.

    Raises:
        OptionError: An option, the command or the data differ.
    """
    was, is_now = (
        with_scenario_options(each.options)
        for each in (earlier, Manifest.from_json(later.to_json()))
    )
    changed = [
        f"--{key.replace('_', '-')} was {was.get(key)} and is {value}"
        for key, value in is_now.items()
        if key not in MAY_CHANGE_ON_RESUME and key in was and was[key] != value
    ]
    if earlier.workers != later.workers:
        changed.append(f"a trial had {earlier.workers} workers and has {later.workers}")
    if ("runs" in was) != ("runs" in is_now):
        changed.insert(0, "one of the two commands was study.search recurring")
    if earlier.paradigm is not later.paradigm:
        changed.insert(0, f"the command was study.{earlier.paradigm} and is study.{later.paradigm}")
    if earlier.data.fingerprint != later.data.fingerprint:
        changed.append(f"the data were {earlier.data.description!r} and differ now")
    if changed:
        message = (
            f"--resume would mix two studies: {'; '.join(changed)}. Give the options of the first "
            f"command ({shlex.join(earlier.command)}), or a new --name."
        )
        raise OptionError(message)
