"""Checks before Ray starts, so that bad input costs nothing."""

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
        "workers_per_trial",  # but for their number, which --gpus-per-trial may say too
        *("retry_failed", "checkpoint_every_s", "mixed_devices", "dashboard", "no_report", "log"),
        *("energy_budget_wh", "trials", "sampler", "confirm", "start"),
        "name",  # whoever gives a study's folder another name has renamed the study
        "energy_of",  # as the study's own, which `study.machines.energy_scope` sees to
        *("more_repeats", "sure", "tolerance", "prefer", "runs"),
    }
)
"""Options with which a study that is resumed stays the same study."""


def check_this_machine(options: StudyOptions) -> str:
    """Check this machine before Ray starts; return the type of torch's device here.

    On a cluster the trials' machines differ from this one, so only a local study is checked.

    Raises:
        OptionError: The device or the tracker cannot be used.
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
    """The manifest of the study that goes on; nothing is written yet.

    Raises:
        StorageError: It cannot be read, or holds a study although it should not, or the
            reverse.
    """
    if options.resume and not folder.exists():
        message = f"--resume: there is no study {name} in {options.results_dir}."
        raise StorageError(message)
    if folder.exists() and not options.resume:
        message = (
            f"{folder.path} holds a study of that name. Give another --name, or --resume to go on "
            "with it."
        )
        raise StorageError(message)
    return folder.read_manifest() if options.resume else None


def check_target(target: float | None, objective: Objective) -> None:
    """Refuse a target that the objective cannot reach.

    Raises:
        OptionError: The objective is a share, and the target is none.
    """
    if target is not None and objective.is_share and not 0 < target <= 1:
        message = (
            f"--target is {target:g}; the objective {objective.name} is a share: allowed is a number "
            "above 0, up to 1."
        )
        raise OptionError(message)


def check_same_study(earlier: Manifest, later: Manifest) -> None:
    """Refuse to mix two studies.

    An option that the earlier study's version did not have is passed over.

    Raises:
        OptionError: An option or the data differ from those of the study that is resumed.
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
            f"time ({shlex.join(earlier.command)}), or a new --name."
        )
        raise OptionError(message)
