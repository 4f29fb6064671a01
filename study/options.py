"""The options shared by all study commands, with their checks; the command line is generated from them."""

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self

import tyro

from study.axes.given import split_axes
from study.errors import refuse
from study.record.manifest import workers_of
from trackers.sources.detect import AUTO, is_file, words

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
HIGHEST_SEED = 2**31
"""Upper bound of seeds (exclusive): every random number generator in use accepts it plus the repeats."""

SMOKE_CHOICES = 2
SMOKE_EPOCHS = 3


def tyro_arg(metavar: str) -> Any:  # noqa: ANN401 - tyro's own
    """Declare an option whose value `--help` shows as `metavar`."""
    return tyro.conf.arg(metavar=metavar)


def tyro_optional_arg(metavar: str | None = None) -> Any:  # noqa: ANN401 - tyro's own
    """Declare an option whose own text states its default; "(default: None)" would only confuse."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="")


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Options of every study command.

    Attributes:
        scenario: pamap2, celeba, watch, or your own: path/to/file.py:Name or package.module:name. The
            options of a scenario are listed last in `--scenario NAME --help`.
        data_dir: Folder of the real data set; if omitted, the built-in synthetic sample is used.
        batch_sizes: Batch sizes of the grid.
        learning_rates: Learning rates of the grid.
        axis: NAME=V1,V2,...: another axis of the grid; repeat the option for several. NAME is precision,
            compile, power_limit_w (NVIDIA boards, needs root), optimizer, weight_decay, or an option
            of the scenario.
        tie: NAME=sqrt(OTHER) or NAME=linear(OTHER): scale one axis with another, such as
            learning_rate=sqrt(batch_size); the values given for NAME apply at OTHER's smallest value.
        repeats: Trainings per setup, each with its own seed.
        seed: Seed of the first repeat; the same seed gives the same split, weights and order.
        max_epochs: Maximum number of epochs of a training.
        patience: Epochs without an improvement of the validation objective after which a training
            stops early.
        optimizer: Optimizer of all trainings; sgd uses a momentum of 0.9.
        precision: Arithmetic of the trainings: full fp32, tf32, or mixed precision in bf16 or fp16
            (autocast; fp16 with loss scaling).
        compile: Compile networks with torch.compile, before the first epoch.
        power_limits: Find the cheapest power limit for each training (NVIDIA boards, needs root): auto, or
            candidates in watts. Each is measured during a slice of the first epoch; the rest of the
            training runs at the cheapest one.
        accumulate: Number of parts that each batch is split into; their gradients are accumulated, so
            the training is the same and needs less memory.
        clip_norm: Maximum norm of the gradients of a step; if omitted, gradients are not clipped.
        validate_every: Validate within an epoch, after this fraction of it (0.25) or this many steps
            (500), and apply early stopping there; for trainings of few, long epochs. An "epoch" in the
            tables is then the interval between two validations; --max-epochs and --patience still count
            whole epochs.
        device: Device to train on; auto takes CUDA (AMD ROCm included), else Intel XPU, else Apple
            MPS, else the CPU.
        target: Value of the objective (for example a validation accuracy of 0.9); the energy needed to
            reach it is reported.
        address: Ray cluster (auto, host:port or ray://host:port); if omitted, Ray is started on this
            machine.
        gpus_per_trial: GPUs per trial: a fraction of one, or a whole number; if omitted, one for each
            worker of the trial where the cluster has GPUs, else 0.
        cpus_per_trial: CPUs per trial, and the number of torch threads in it; the workers of a trial
            share them.
        workers_per_trial: Processes that train a trial together, each on its part of every batch
            (DistributedDataParallel); if omitted, one for each GPU of the trial, else 1.
        tracker: auto for every power source that works here; or one or more of: the name of a
            source, a PATH.csv of recorded power, a PATH.yaml that describes a smart plug or another
            server (`python -m trackers` lists what this machine can measure).
        cpu_watts: Rated power of all CPUs of this machine together, in watts, for the estimate of
            CPU energy; if omitted, taken from the CPU model where that is known, else 5 watts per
            logical CPU.
        cpu_idle_watts: Idle power of the CPUs in watts, shared equally among the running trials, for
            the estimate of CPU energy; if omitted, the estimate excludes idle power.
        calibration: Calibration of a power source against an external meter, a file written by
            `python -m trackers calibrate`; readings of that source on that machine are multiplied by its
            factor.
        energy_of: Energy that setups are ranked by: that of the trial's accelerators; of its
            components (accelerators, with its share of CPU and memory); or its share of the whole
            node, at the plug. auto is accelerator where trials have one, else components.
        sampling_hz: Power samples per second.
        exclusive: Refuse boards that others may use as well: fractions of a GPU, or MIG instances.
            Otherwise trials that share a board are charged equal parts of it, and their readings are
            marked as degraded.
        mixed_devices: On a cluster whose trials would train on different devices: use all of them and
            report it, or refuse to start.
        dashboard: Start the Ray dashboard as well, and print its address; needs ray[default].
        results_dir: Folder, mount or URI (s3://...) in which the folder of the study is created.
        name: Name of the study; if omitted, made from paradigm, scenario and time.
        resume: Continue the study given by --name: trials that have ended are kept, unfinished ones
            continue from their checkpoints, or start over if they have none.
        retry_failed: With --resume, also run the failed trials again.
        checkpoint_every_s: Minimum seconds between two checkpoints of a trial; 0 for one after each
            epoch, inf for none. A search writes none.
        no_report: Write no tables and no report; `python -m analysis FOLDER` makes them later.
        log: Export energies as they are measured: mlflow[=URI], wandb, otel, or
            prometheus[=[HOST:]PORT] for scraping (on loopback unless a host is named). Repeat the
            option for several exporters; each needs its own package.
        smoke: The smallest run that exercises every part: 4 setups, 1 repeat, 3 epochs; options given
            explicitly take precedence.
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
        """Validate all options.

        Raises:
            OptionError: An option has a value that is not allowed; the first one found is named.
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
            _refuse("resume", "given without --name", "only the --name of the study to resume")
        if self.retry_failed and not self.resume:
            _refuse("retry_failed", "given without --resume", "only together with --resume")

    @property
    def seeds(self) -> tuple[int, ...]:
        """One seed for each repeat."""
        return tuple(range(self.seed, self.seed + self.repeats))

    @property
    def workers(self) -> int:
        """Number of processes that train a trial together, as far as the options determine it."""
        return workers_of(self.workers_per_trial, self.gpus_per_trial)

    def reduced(self, given: Collection[str] = ()) -> Self:
        """Return the options to run with: these, or their reduced form for a smoke run.

        Args:
            given: Names of the options that the user gave explicitly, the scenario's own included;
                these keep their values.
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
        """Return the values that a smoke run uses, by option."""
        return {
            "batch_sizes": self.batch_sizes[:SMOKE_CHOICES],
            "learning_rates": self.learning_rates[:SMOKE_CHOICES],
            "repeats": 1,
            "max_epochs": min(self.max_epochs, SMOKE_EPOCHS),
        }


def _refuse(option: str, got: object, allowed: str) -> NoReturn:
    refuse(f"--{option.replace('_', '-')} is {got}", allowed)


def _check_gpus(options: StudyOptions) -> None:
    """Refuse numbers of GPUs and workers that conflict with each other or with other options.

    Raises:
        OptionError: They conflict.
    """
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
"""Checks of single values: option, predicate, and the text for what is allowed."""
