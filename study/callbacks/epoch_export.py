"""Live export of a framework's training: each epoch goes to MLflow, W&B, Prometheus or OpenTelemetry."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import final

from study.callbacks.single_manifest import single_manifest
from study.callbacks.single_study import epochs_of, plan_of, trial_of
from study.callbacks.training import MeasuredTraining
from study.exports.study_exports import StudyExports
from study.store.trial_record import total_j
from trackers.exports.summed_uses import SummedUses

_log = logging.getLogger(__name__)


@final
class EpochExport:
    """Passes each epoch to the exporters once the next one begins, as metrics arrive after its end.

    An error of an exporter is logged and never reaches the training.
    """

    def __init__(self, exports: StudyExports) -> None:
        """Pass epochs on to `exports`, which `end` closes."""
        self._exports = exports
        self._name = ""
        self._exported = 0
        self._before_j: float | None = 0.0
        self._uses: SummedUses | None = None

    def begin(self, name: str, run: MeasuredTraining) -> None:
        """Announce the training to the exporters under `name`."""
        self._name = name
        with _logged("the training was not announced to the exporters"):
            if self._exports:
                self._exports.begin(single_manifest(name, run), None)
                plan = plan_of(run.training)
                self._exports.begin_trial(plan)
                self._uses = SummedUses(host=run.hostname, trial_id=plan.trial_id)

    def epochs(self, run: MeasuredTraining) -> None:
        """Export the epochs that have been added since the last call."""
        with _logged("an epoch was not exported"):
            # Only the new ones: the cost of a call would otherwise grow with the number of epochs.
            new = run.epochs[self._exported :] if self._exports else ()
            self._exported += len(new)
            for epoch in new:
                if self._uses is not None:
                    self._exports.devices(self._uses.add(run.devices, epoch.readings))
            for record in epochs_of(self._name, replace(run, epochs=new)):
                energy_j = total_j((self._before_j, record.epoch_energy_j))
                self._before_j = energy_j
                self._exports.epoch(replace(record, energy_j=energy_j))

    def end(self, run: MeasuredTraining) -> None:
        """Export what is left and the trial's result, then close the exporters; may be called twice."""
        self.epochs(run)
        with _logged("the result of the training was not exported"):
            if self._exports and run.epochs:
                trial = trial_of(self._name, run)
                self._exports.end_trial(trial)
                self._exports.will_end([trial], finished=True)
        with _logged("the exporters were not closed"):
            self._exports.close()


@contextmanager
def _logged(failure: str) -> Iterator[None]:
    """Log an error raised inside as `failure`, instead of letting it reach the training."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - see above
        _log.warning("%s: %s", failure, error)
