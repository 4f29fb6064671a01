"""The options of every study command, with their checks; the command line is made from them."""

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self

import tyro

from study.axes.given import split_axes
from study.errors import OptionError
from trackers.sources.detect import AUTO, is_file, words

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
HIGHEST_SEED = 2**31
"""What every library that draws numbers takes, with room for the repeats."""

SMOKE_CHOICES = 2
SMOKE_EPOCHS = 3


def tyro_arg(metavar: str) -> Any:  # noqa: ANN401 - tyro's own
    """An option whose value `--help` names."""
    return tyro.conf.arg(metavar=metavar)


def tyro_optional_arg(metavar: str | None = None) -> Any:  # noqa: ANN401 - tyro's own
    """An option whose text says what holds without it; "(default: None)" would only confuse."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="")


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Options of every study command.

    Attributes:
        scenario: pamap2, celeba, watch, or your own: path/to/file.py:Name or package.module:name. Its
            own options stand last in `--scenario NAME --help`.
        data_dir: Folder of the real data set; left out, the built-in synthetic sample is used.
        batch_sizes: Batch sizes of the grid.
        learning_rates: Learning rates of the grid.
        axis: NAME=V1,V2,...: one more axis of the grid, once for each: precision, compile,
            power_limit_w (NVIDIA boards, as root), optimizer, weight_decay, or an option of the
            scenario's own.
        tie: NAME=sqrt(OTHER) or NAME=linear(OTHER): values of an axis that grow with another one's,
            such as learning_rate=sqrt(batch_size); those given hold for the other's smallest value.
        repeats: Trainings of each setup, each with a seed of its own.
        seed: Seed of the first repeat; the same seed gives the same split, weights and order.
        max_epochs: Epochs after which a training ends at the latest.
        patience: Epochs without a better validation value of the objective after which it ends.
        optimizer: Optimiser of all trainings; sgd has a momentum of 0.9.
        precision: Arithmetic of the trainings: fp32 without rounding, tf32, or bf16 and fp16 where they
            are safe (autocast, with a scaled loss for fp16).
        compile: Compile networks by torch.compile; it happens before the first epoch.
        power_limits: Find each training's own power limit (NVIDIA boards, as root): auto, or some in
            watts, each measured in a slice of the first epoch; the rest runs at the cheapest.
        accumulate: Parts that each batch is split into, whose gradients are added up: the same
            training in less memory.
        clip_norm: Largest norm of the gradients of a step; left out: any.
        validate_every: Validate within an epoch, after this share of it (0.25) or so many steps (500),
            and decide there: for trainings of few long epochs. What is called an epoch in tables is
            then what lies between two validations; --max-epochs and --patience mean whole ones.
        device: What to train on; auto takes CUDA (AMD's ROCm too), else Intel's XPU, else Apple's
            MPS, else the CPU.
        target: Value of the objective (a validation accuracy of 0.9, for example) for which the
            energy to reach it is reported.
        address: Ray cluster (auto, host:port or ray://host:port); left out: one on this machine.
        gpus_per_trial: GPUs of each trial, a share of one or a whole number; left out: one for each
            of its workers where the cluster has any, else 0.
        cpus_per_trial: CPUs of each trial, and torch's threads in it; its workers share them.
        workers_per_trial: Processes that train each trial together, each on its part of every batch
            (DistributedDataParallel); left out: one for each of its GPUs, else 1.
        tracker: auto, for all sources of energy that work; or one or more of their names, and of a
            PATH.csv of recorded power, or a PATH.yaml of a plug or another server (`python -m
            trackers` lists what this machine can measure).
        cpu_watts: Rated watts of this machine's CPUs all together, for the estimate; left out:
            those of the CPU's model where it is known, else 5 watts for each logical CPU.
        cpu_idle_watts: Watts that the CPUs draw when idle, shared equally among the trials that
            run, for the estimate; left out: idle power is not in it.
        calibration: What an external meter says of a source, as `python -m trackers calibrate` wrote it:
            readings of that source are multiplied by it on its machine.
        energy_of: Energy that setups are ranked by: of the trial's accelerators, of these with its
            share of CPU and memory, or its share of the whole machine at its plug; auto:
            accelerator where trials have one, else components.
        sampling_hz: Power samples per second.
        exclusive: Refuse boards that others may use too: a share of a GPU, or MIG instances. Without
            it, trials that share a board are charged equal parts, and their readings are degraded.
        mixed_devices: On machines whose trials would train on different devices: use all of them, and
            say so, or refuse to start.
        dashboard: Start Ray's dashboard too, and say where it is; it needs ray[default].
        results_dir: Folder, mount or URI (s3://...) that takes the study's folder.
        name: Name of the study; left out: made of paradigm, scenario and time.
        resume: Go on with the study of that name: trials that have ended stay, unfinished ones go on
            from their checkpoints, or begin anew where they have none.
        retry_failed: With --resume, run trials that have failed once more too.
        checkpoint_every_s: Seconds between two checkpoints of a trial, at least; 0 for one after each
            epoch, inf for none. A search has none.
        no_report: Leave tables and report to a later `python -m analysis FOLDER`.
        log: Hand energies on as they come, once for each: mlflow[=URI], wandb, otel, and to be scraped
            prometheus[=[HOST:]PORT], on loopback unless a host is named. Each needs its own package.
        smoke: The smallest run that goes through every part: 4 setups, 1 repeat, 3 epochs; an option
            that is given besides holds.
        scenario_options: The scenario's own options, an instance of its `options`; None for its
            defaults.
    """

    scenario: Annotated[str, tyro_arg("NAME")] = "pamap2"
    data_dir: Annotated[Path | None, tyro_optional_arg("PATH")] = None
    batch_sizes: Annotated[tuple[int, ...], tyro_arg("N ...")] = (64, 256, 1024, 4096)
    learning_rates: Annotated[tuple[float, ...], tyro_arg("RATE ...")] = (0.1, 0.01, 0.001, 0.0001)
    axis: Annotated[
        tuple[str, ...], tyro.conf.UseAppendAction, tyro_optional_arg("NAME=V1,V2,...")
    ] = ()
    tie: Annotated[
        tuple[str, ...], tyro.conf.UseAppendAction, tyro_optional_arg("NAME=F(OTHER)")
    ] = ()
    repeats: Annotated[int, tyro_arg("N")] = 2
    seed: Annotated[int, tyro_arg("N")] = 0
    max_epochs: Annotated[int, tyro_arg("N")] = 30
    patience: Annotated[int, tyro_arg("N")] = 5
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = "fp32"
    compile: Annotated[bool, tyro_optional_arg()] = False
    power_limits: Annotated[tuple[str, ...] | None, tyro_optional_arg("WATTS ...")] = None
    accumulate: Annotated[int, tyro_arg("N")] = 1
    clip_norm: Annotated[float | None, tyro_optional_arg("NORM")] = None
    validate_every: Annotated[float | None, tyro_optional_arg("SHARE|STEPS")] = None
    device: Literal["auto", "cuda", "xpu", "mps", "cpu"] = "auto"
    target: Annotated[float | None, tyro_optional_arg("VALUE")] = None
    address: Annotated[str | None, tyro_optional_arg("ADDRESS")] = None
    gpus_per_trial: Annotated[float | None, tyro_optional_arg("N")] = None
    cpus_per_trial: Annotated[float, tyro_arg("N")] = 1
    workers_per_trial: Annotated[int | None, tyro_optional_arg("N")] = None
    tracker: Annotated[tuple[str, ...], tyro_arg("NAME ...")] = (AUTO,)
    cpu_watts: Annotated[float | None, tyro_optional_arg("WATTS")] = None
    cpu_idle_watts: Annotated[float | None, tyro_optional_arg("WATTS")] = None
    calibration: Annotated[Path | None, tyro_optional_arg("PATH")] = None
    energy_of: Literal["auto", "accelerator", "components", "node"] = "auto"
    sampling_hz: Annotated[float, tyro_arg("HZ")] = 10.0
    exclusive: Annotated[bool, tyro_optional_arg()] = False
    mixed_devices: Literal["use", "refuse"] = "use"
    dashboard: Annotated[bool, tyro_optional_arg()] = False
    results_dir: Annotated[str, tyro_arg("PATH")] = "results"
    name: Annotated[str | None, tyro_optional_arg("NAME")] = None
    resume: Annotated[bool, tyro_optional_arg()] = False
    retry_failed: Annotated[bool, tyro_optional_arg()] = False
    checkpoint_every_s: Annotated[float, tyro_arg("SECONDS")] = 30.0
    no_report: Annotated[bool, tyro_optional_arg()] = False
    log: Annotated[
        tuple[str, ...], tyro.conf.UseAppendAction, tyro_optional_arg("NAME[=WHERE]")
    ] = ()
    smoke: Annotated[bool, tyro_optional_arg()] = False
    scenario_options: Any = None

    def __post_init__(self) -> None:
        """Refuse what cannot be run.

        Raises:
            OptionError: The first option whose value is not allowed.
        """
        for option, is_allowed, allowed in _CHECKS:
            value = getattr(self, option, None)  # some commands have more options than others
            for each in value if isinstance(value, tuple) else (value,):
                if each is not None and not is_allowed(each):
                    _refuse(option, each, allowed)
        for option in ("batch_sizes", "learning_rates", "tracker", "power_limits"):
            values = getattr(self, option, None)
            if values is None:
                continue
            if not values or len(set(values)) < len(values):
                got = " ".join(map(str, values)) or "nothing"
                _refuse(option, got, "one value or more, each once")
        _check_gpus(self)
        split_axes(self.axis)
        if self.resume and self.name is None:
            _refuse("resume", "given without --name", "only the --name of the study to go on with")
        if self.retry_failed and not self.resume:
            _refuse("retry_failed", "given without --resume", "only together with --resume")

    @property
    def seeds(self) -> tuple[int, ...]:
        """One seed for each repeat."""
        return tuple(range(self.seed, self.seed + self.repeats))

    @property
    def workers(self) -> int:
        """Processes that train each trial together, as far as the options say."""
        return self.workers_per_trial or max(1, int(self.gpus_per_trial or 1))

    def reduced(self, given: Collection[str] = ()) -> Self:
        """Return these options as they are run: cut down where a smoke run was asked for.

        Args:
            given: Names of options that somebody gave, the scenario's own among them: they hold.
        """
        if not self.smoke:
            return self
        less = {name: value for name, value in self._of_smoke().items() if name not in given}
        own = self.scenario_options
        if hasattr(own, "reduced"):
            kept = {
                each.name: getattr(own, each.name) for each in fields(own) if each.name in given
            }
            own = replace(own.reduced(), **kept)
        return replace(self, **less, scenario_options=own)

    def _of_smoke(self) -> dict[str, Any]:
        """Values of a smoke run."""
        return {
            "batch_sizes": self.batch_sizes[:SMOKE_CHOICES],
            "learning_rates": self.learning_rates[:SMOKE_CHOICES],
            "repeats": 1,
            "max_epochs": min(self.max_epochs, SMOKE_EPOCHS),
        }


def _refuse(option: str, got: object, allowed: str) -> NoReturn:
    message = f"--{option.replace('_', '-')} is {got}; allowed is {allowed}."
    raise OptionError(message)


def _check_gpus(options: StudyOptions) -> None:
    """Refuse GPUs and workers that do not go with other options."""
    gpus, workers = options.gpus_per_trial, options.workers_per_trial
    if options.power_limits and options.workers > 1:
        allowed = "one GPU in a trial, or --axis power_limit_w, which limits each of several"
        _refuse("power_limits", f"given for {options.workers} workers in a trial", allowed)
    if not gpus:
        return
    if options.exclusive and gpus < 1:
        _refuse("gpus_per_trial", f"{gpus:g} with --exclusive", "a whole number")
    if workers is not None and workers != max(1.0, gpus):
        _refuse(
            "workers_per_trial", f"{workers} with --gpus-per-trial {gpus:g}", "one for each GPU"
        )


def _is_positive(value: float) -> bool:
    return 0 < value < math.inf


def _is_watts(text: str) -> bool:
    try:
        return _is_positive(float(text))
    except ValueError:
        return False


_CHECKS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("batch_sizes", lambda size: size >= 1, "whole numbers from 1"),
    ("learning_rates", _is_positive, "numbers above 0"),
    ("repeats", lambda count: count >= 1, "1 or more"),
    ("max_epochs", lambda count: count >= 1, "1 or more"),
    ("accumulate", lambda count: count >= 1, "1 or more"),
    ("clip_norm", _is_positive, "a number above 0"),
    (
        "validate_every",
        lambda every: 0 < every < 1 or (every < math.inf and every == int(every) >= 1),
        "a share of an epoch between 0 and 1, or a whole number of steps",
    ),
    ("power_limits", lambda text: text == AUTO or _is_watts(text), "auto, or watts above 0"),
    ("patience", lambda count: count >= 1, "1 or more"),
    ("seed", lambda seed: 0 <= seed < HIGHEST_SEED, f"0 or more, below {HIGHEST_SEED}"),
    ("sampling_hz", _is_positive, "a number above 0"),
    ("checkpoint_every_s", lambda seconds: seconds >= 0, "0 or more seconds, or inf"),
    ("cpu_watts", _is_positive, "a number above 0"),
    ("cpu_idle_watts", _is_positive, "a number above 0"),
    ("cpus_per_trial", _is_positive, "a number above 0"),
    (
        "gpus_per_trial",
        lambda count: 0 <= count <= 1 or (count < math.inf and count == int(count) > 1),
        "0, a share of a GPU, or a whole number of GPUs",
    ),
    ("workers_per_trial", lambda count: count >= 1, "1 or more"),
    ("target", math.isfinite, "a number"),
    (
        "name",
        lambda name: NAME.fullmatch(name) is not None,
        "letters, digits, dots, dashes and underscores, up to 100",
    ),
    (
        "tracker",
        lambda name: is_file(name) or name in words(),
        f"{', '.join(words())}, or the path of a .csv or .yaml file",
    ),
)
"""Option, test of one value, and what the message says is allowed."""
