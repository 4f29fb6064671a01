"""`EnergyLedger`: a Tune callback that writes a run's folder as a study for `python -m analysis`."""

import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.result import DONE
from ray.tune.utils import flatten_dict

from study.execution.loss_reason import errors_of, why_lost
from study.exports.study_exports import exports_of
from study.instrument.keeper import ANSWER_S, SAMPLING_HZ, has_keeper, keeper
from study.instrument.run_folder import RunFolder
from study.record.objective import Objective
from study.record.tune_rows import SetupNumbers, energy_in
from study.record.vocabulary import StopReason
from study.store.parts import whole_trial
from trackers.node.actor import Handle
from trackers.node.live.watch import UsesWatch
from trackers.sources.detect import Request

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerOptions:
    """Options of an `EnergyLedger`.

    Attributes:
        objective: Metric that decides.
        seed_key: Key of a trial's configuration that holds its seed: repeats of a setup differ in it alone.
        request: Power sources that trackers look for; None looks for all.
        sampling_hz: Power samples per second.
        log: Exporters that receive the run's results as they come, as in a study's `--log`.
    """

    objective: Objective
    seed_key: str
    request: Request | None
    sampling_hz: float
    log: tuple[str, ...] = ()


def end_reason(trial: Trial, result: dict[str, Any]) -> StopReason:
    """Return why a trial ended: by itself or its `stop` criterion, or stopped by a scheduler or stopper.

    Args:
        trial: Tune's trial.
        result: The trial's last result, with `done` set, which Tune does whatever the reason.
    """
    reached = flatten_dict({**result, DONE: False})
    if energy_in(result).get("is_last") or trial.should_stop(reached):  # type: ignore[no-untyped-call]
        return StopReason.MAX_EPOCHS
    return StopReason.STOPPED


@final
class EnergyLedger(tune.Callback):
    """Tune callback that records what a run's trials reported and used, lost attempts included.

    Each distinct configuration is a setup. No fault here stops a trial: what cannot be written is
    logged as a warning.

    Examples:
        It needs a run of Ray Tune with a measured trainable:

        ```python
        ledger = EnergyLedger(objective="val_loss", mode="min")
        run = tune.RunConfig(name="mine", storage_path="/results", callbacks=[ledger])
        tune.Tuner(measured(train), run_config=run).fit()
        ```

        `python -m analysis /results/mine` then makes the tables and the report.
    """

    def __init__(
        self,
        *,
        objective: str,
        mode: Literal["max", "min"],
        is_share: bool = False,
        seed_key: str = "seed",
        tracker: str | None = None,
        sampling_hz: float = SAMPLING_HZ,
        log: Sequence[str] = (),
    ) -> None:
        """Record a run whose trainable is `measured`.

        Args:
            objective: Name of the metric in the trainable's results by which setups are compared.
            mode: `max` if a higher objective is better, `min` if a lower one is.
            is_share: Whether the objective is a share in [0, 1], which is then shown in %.
            seed_key: Key of a trial's configuration that holds its seed: repeats of a setup differ in it alone.
            tracker: Power source, as in a study's `--tracker`; None uses all that a machine has.
            sampling_hz: Power samples per second.
            log: Exporters that receive the run's results as they come, as in a study's `--log`: `mlflow`,
                `prometheus=9464`, ...

        Raises:
            OptionError: An option has a value that is not known, or an exporter is not installed.
        """
        self._exports = exports_of(log)
        self._watch: UsesWatch | None = None
        request = None if tracker is None else Request(tracker=tracker)
        self._options = LedgerOptions(
            objective=Objective(objective, mode, is_share=is_share),
            seed_key=seed_key,
            request=request,
            sampling_hz=sampling_hz,
            log=tuple(log),
        )
        self._keeper: Handle = None
        self._owns_keeper = False
        self._run: RunFolder | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return only the options: Tune pickles its callbacks, and a restored run resumes from its files."""
        return {"options": self._options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the options, with everything else as if new; see `__getstate__`."""
        self._options = state["options"]
        self._exports = exports_of(self._options.log)
        self._keeper, self._owns_keeper = None, False
        self._run, self._watch = None, None

    def setup(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Start the actor that keeps the trackers, owned by this process, the driver."""
        try:
            self._owns_keeper = not has_keeper()
            self._keeper = keeper(
                request=self._options.request, sampling_hz=self._options.sampling_hz
            )
        except Exception as error:  # noqa: BLE001 - a run without energies is still a run
            _log.warning(
                "no energy is measured, because the trackers could not be started: %s", error
            )

    def on_step_begin(self, iteration: int, trials: list[Any], **_: Any) -> None:  # noqa: ANN401, ARG002
        """Open the study's folder as soon as a trial exists, before the first one starts."""
        if self._run is None and trials:
            self._run = self._opened(trials)

    def on_trial_start(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record that an attempt of a trial begins."""
        trial = info["trial"]
        if self._run is None:
            self._run = self._opened(info["trials"])
        # All known trials, so that setups are numbered in the order of trials, not of their start in Ray.
        for each in info["trials"]:
            self._run.number(each.trial_id, each.config)
        self._run.expect(trial.trial_id, trial.config)

    def on_trial_result(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record a result."""
        trial, result = info["trial"], info["result"]
        reason = None
        if result.get("done"):
            reason = end_reason(trial, result)
        if self._run is not None:
            self._run.add(trial.trial_id, trial.config, result, reason)

    def on_trial_complete(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record that a trial has ended, by itself unless something stopped it."""
        if self._run is not None:
            trial = info["trial"]
            self._run.end(trial.trial_id, by_itself=bool(trial.last_result.get(DONE)))

    def on_trial_error(self, *_: Any, **info: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Record that a trial has failed and will not be retried."""
        trial = info["trial"]
        if self._run is not None:
            self._run.fail(trial.trial_id, trial.config, why_lost(errors_of(trial), None))
        if self._keeper is not None:
            self._keeper.release.remote(trial.trial_id)

    def on_step_end(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Write new rows when enough time has passed since the last write."""
        if self._run is not None and self._run.is_due:
            self._run.write(self._keeper)

    def on_experiment_end(self, trials: list[Any], **_: Any) -> None:  # noqa: ANN401 - as Tune calls it
        """Write all rows and the final manifest, and end the exports."""
        if self._run is None:
            return
        for trial in trials:
            if trial.is_finished():
                self._run.stopped(trial.trial_id)
            elif self._keeper is not None:
                self._keeper.release.remote(trial.trial_id)
        finished = all(trial.is_finished() for trial in trials)
        if self._watch is not None:
            self._watch.end()
        self._run.write(self._keeper, status="finished" if finished else "interrupted")
        self._run.end_exports(finished=finished)
        if self._owns_keeper:
            ray.kill(self._keeper)  # another run of this program may measure with something else

    def _opened(self, trials: Sequence[Any]) -> RunFolder:
        """Open the run's folder, and tell the keeper what earlier sessions of the run have used."""
        trial = trials[0]
        run = RunFolder(
            trial.storage.storage_fs_path,
            trial.storage.experiment_dir_name,
            scenario=str(trial.trainable_name),
            book=SetupNumbers(seed_key=self._options.seed_key),
            objective=self._options.objective,
            command=(sys.executable, *sys.argv),
            exports=self._exports,
            trials={each.trial_id: each.config for each in trials},
        )
        if self._keeper is not None:
            try:
                ray.get(self._keeper.remember.remote(run.spent()), timeout=ANSWER_S)
            except Exception as error:  # noqa: BLE001 - see `setup`
                _log.warning("the energy of earlier attempts could not be restored: %s", error)
            if self._exports:
                self._watch = UsesWatch(self._trackers, self._exports.devices, whole_trial)
                self._watch.begin()
        return run

    def _trackers(self) -> Iterable[Handle]:
        found: dict[str, Handle] = ray.get(self._keeper.trackers.remote(), timeout=ANSWER_S)
        return found.values()
