"""Driver time per epoch when many boards report, and how long their trials wait to report.

    python -m benchmarks.many_boards [--trials 48] [--epoch-s 0.5] [--seconds 60] [--way batched | each | tune]

Simulated trials, each a process of a real local Ray with windows at a real tracker, sleep through their epochs
and report rows to the code that a study runs in its driver: recorder, display, Tune's files. One trial here with
epochs of 0.5 s stands for ten boards with epochs of 5 s, because the driver sees rows and reports, not boards.
Ways to report: `batched` as a plain grid does, `each` as a search does, and `tune`, which is `each` with Tune's
own files. CPU time is that of all threads of the driver's process, from when all trials run to the first one's end.
"""

import json
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, Literal, cast

import ray
import tyro
from ray import tune
from ray.tune.logger import CSVLoggerCallback, JsonLoggerCallback, TBXLoggerCallback
from rich.console import Console

from benchmarks.report_time import manifest_of
from benchmarks.scaling import STAGE, report
from study.execution.callback import StudyCallback
from study.execution.live.progress import ProgressDisplay
from study.execution.live.tensorboard import StudyTensorBoard
from study.execution.reporting.journal import Journal, Journals
from study.execution.reporting.reports import Reports, collect_s
from study.execution.reporting.result_lines import ResultLines
from study.execution.trial_meter import TrialMeter
from study.machines.cluster import Cluster
from study.machines.nodes import Share
from study.machines.ray_session import quiet_process
from study.record.objective import ACCURACY
from study.record.vocabulary import Paradigm, StopReason
from study.store.folder import StudyFolder
from study.store.recorder import Recorder
from study.store.setups import TrialPlan, grid, trial_plans
from trackers.node.actor import Handle
from trackers.node.client import TrackerClient
from trackers.node.nodes import start_manager
from trackers.sources.detect import Request

MS = 1_000.0
LATE_S = 0.01
WAITS = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Size of the simulated study.

    Attributes:
        trials: Number of trials, all running at the same time, each in its own process.
        epoch_s: Length of an epoch, in seconds.
        seconds: Length of each trial, in seconds.
        way: How rows are sent to the driver.
    """

    trials: int = 48
    epoch_s: float = 0.5
    seconds: float = 60.0
    way: Literal["batched", "each", "tune"] = "batched"


def epochs_of(options: Options) -> int:
    """Return the number of epochs of each trial."""
    return int(options.seconds / options.epoch_s)


def pretended(
    config: dict[str, Any], *, manager: Handle, options: Options, every_s: float, place: str
) -> None:
    """Run a trial that sleeps through its epochs, and write how long each report made it wait."""
    plan = TrialPlan.from_config(config)
    node = ray.get_runtime_context().get_node_id()
    client = TrackerClient(manager, accelerator_uuid=None, on_accelerator=False)
    meter = TrialMeter(plan, client, first_stage=STAGE)
    epochs = epochs_of(options)
    journal = Journal(StudyFolder(place, "s"), plan.trial_id, attempt=1)
    waited_s = []
    time.sleep(random.random() * options.epoch_s)  # noqa: S311 - no secret
    with meter.trial(), Reports(node, every_s=every_s, keep=journal.keep) as reports:
        for epoch in range(1, epochs + 1):
            with meter.window(epoch):
                time.sleep(options.epoch_s)
            reason = StopReason.MAX_EPOCHS if epoch == epochs else None
            row = replace(report(plan, epoch), stop_reason=reason).to_row()
            start_s = time.monotonic()
            reports({**row, "accuracy": row["val_score"], "energy_wh": epoch / 10, "error": None})
            waited_s.append(time.monotonic() - start_s)
    # Without the first, when the driver is busy starting trials, and the last, which ends the trial.
    (Path(place) / WAITS / plan.trial_id).write_text(json.dumps(waited_s[1:-1]))


class Clock(tune.Callback):
    """Tune callback that records the driver's CPU time when all trials run and when the first one ends."""

    def __init__(self, recorder: Recorder, trials: Sequence[TrialPlan]) -> None:
        """Start without marks."""
        self.marks: list[tuple[float, float, int]] = []
        self._recorder = recorder
        self._ids = [each.trial_id for each in trials]

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing, because Tune pickles its callbacks."""
        return {}

    def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record a mark once all trials have reported."""
        if not self.marks and all(map(self._recorder.epochs_of, self._ids)):
            self._mark()

    def on_trial_complete(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record a mark once the first trial has ended."""
        if len(self.marks) == 1:
            self._mark()

    def _mark(self) -> None:
        rows = sum(len(self._recorder.epochs_of(each)) for each in self._ids)
        self.marks.append((time.monotonic(), time.process_time(), rows))


def simulate(options: Options, place: str) -> None:
    """Run the simulated study, and print its cost."""
    setups = grid([64], [0.1 / number for number in range(1, options.trials + 1)])
    plans = trial_plans(setups, (0,), shuffle_seed=0)
    folder = StudyFolder(place, "s")
    recorder = Recorder(
        folder,
        study="s",
        paradigm=Paradigm.REGIME,
        scenario="played",
        objective=ACCURACY,
        stages=(STAGE,),
        target=None,
    )
    recorder.expect(plans)
    progress = ProgressDisplay(
        Console(file=StringIO()), setups, repeats=1, trials=len(plans), slots=options.trials
    )
    manager = start_manager(Request(), sampling_hz=10)
    share = Share(cpus=1.0, gpus=0.0, device="cpu", workers=1)
    cluster = Cluster(nodes=(), share=share, manager=manager, facts={})
    manifest = manifest_of("s", tuple(setups), len(plans))
    own = (ResultLines(), StudyTensorBoard(manifest, first_epoch_j=None))  # type: ignore[no-untyped-call]
    stock = (CSVLoggerCallback(), JsonLoggerCallback(), TBXLoggerCallback())  # type: ignore[no-untyped-call]
    callback = StudyCallback(
        recorder,
        progress,
        cluster,
        None,
        cast("Any", None),
        journals=Journals(folder),
        restarts=0,
        files=own if options.way != "tune" else stock,
    )
    clock = Clock(recorder, plans)
    every_s = collect_s(options.trials, decides_by_epoch=options.way != "batched")
    waits = Path(place) / WAITS
    waits.mkdir()
    configs = [plan.to_config() for plan in plans]
    trainable = tune.with_parameters(
        pretended, manager=manager, options=options, every_s=every_s, place=place
    )
    tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={key: tune.choice([each[key] for each in configs]) for key in configs[0]},
        tune_config=tune.TuneConfig(
            num_samples=len(configs),
            reuse_actors=True,
            search_alg=tune.search.basic_variant.BasicVariantGenerator(points_to_evaluate=configs),
        ),
        run_config=tune.RunConfig(
            name="s", storage_path=place, callbacks=[clock, callback, *callback.files], verbose=0
        ),
    ).fit()
    had = sum(len(recorder.epochs_of(each.trial_id)) for each in plans)
    _print(options, clock, waits, lost=epochs_of(options) * len(plans) - had)


def _print(options: Options, clock: Clock, waits: Path, *, lost: int) -> None:
    (start_s, before_s, had), (stop_s, after_s, have) = clock.marks
    waited_s = sorted(each for file in waits.iterdir() for each in json.loads(file.read_text()))
    rows, used_s = have - had, after_s - before_s
    cuts = statistics.quantiles(waited_s, n=100)
    late = sum(each > LATE_S for each in waited_s) / len(waited_s)
    print(
        f"{options.way:8} {options.trials} trials, {rows / (stop_s - start_s):6.1f} epochs a second: "
        f"{used_s / rows * MS:6.2f} ms of the driver's CPU time for an epoch, "
        f"{100 * used_s / (stop_s - start_s):3.0f} % of one CPU; trials wait {cuts[49] * MS:.2f} ms "
        f"(median), {cuts[98] * MS:.1f} ms (99 %), {late:.1%} of epochs above 10 ms; {lost} rows lost"
    )


def main() -> None:
    """Run the simulated study that the command line asks for."""
    options = tyro.cli(Options)
    with tempfile.TemporaryDirectory() as place, quiet_process():
        ray.init(
            address="local",
            num_cpus=options.trials,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        simulate(options, place)
        ray.shutdown()


if __name__ == "__main__":
    main()
