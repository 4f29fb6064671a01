"""MLflow exporter: a run for the study, a child run for each trial, metrics by epoch, files as artifacts.

Runs are found again by a tag, so that a resume or a further attempt continues the same ones, and epochs that
the server already has are not sent twice. MLflow's own telemetry is turned off.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from trackers.exports.exporter import DeviceUse, Epoch, ExportRefusedError, Study, Trial
from trackers.exports.variable import variable_set

EXPERIMENT = "power-of-training"
IDENTITY = "power_of_training.identity"
PARENT = "mlflow.parentRunId"
METHOD = "energy_method"
ATTEMPT = "attempt"
TELEMETRY = "MLFLOW_DISABLE_TELEMETRY"
"""Environment variable that turns MLflow's telemetry off; MLflow reads it only when it is imported."""

QUIET = "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"
MOST_IN_A_BATCH = 100
"""Greatest number of parameters that a server accepts in one request."""

LONGEST_VALUE = 500
"""Length of a parameter's value, in characters, that every server accepts; longer ones are cut off."""

_NOT_ALLOWED = re.compile(r"[^\w./ -]", flags=re.ASCII)

REFUSED = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "PERMISSION_DENIED"})


@final
class MlflowExporter:
    """MLflow runs of one study, on a tracking server or in a local store."""

    def __init__(self, value: str) -> None:
        """Create a client of the tracking server.

        Args:
            value: URI of the server; empty for that of MLflow's own settings (`MLFLOW_TRACKING_URI`).
        """
        with variable_set(TELEMETRY, "true"):
            from mlflow import MlflowClient, entities  # noqa: PLC0415 - its telemetry starts on import
            from mlflow.exceptions import MlflowException  # noqa: PLC0415 - as above

        self._entities: Any = entities
        self._error = MlflowException
        self._client: Any = MlflowClient(tracking_uri=value or None)
        self._experiment_name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        self._uri = str(self._client.tracking_uri)
        self._experiment = ""
        self._study: Study | None = None
        self._runs: dict[str, str] = {}
        self._methods: dict[str, str] = {}
        self._sent: dict[tuple[str, str], set[tuple[int, int]]] = {}

    @property
    def where(self) -> str:
        """The experiment and the server."""
        return f"experiment {self._experiment_name} of {self._uri}"

    def begin(self, study: Study) -> None:
        """Find the parent run, or create it."""
        self._study = study
        self._experiment = self._found_experiment()
        self._run("", "", study.name, study.parameters, study.tags)

    def begin_trial(self, trial: Trial) -> None:
        """Find the trial's child run, or create it."""
        tags = {PARENT: self._runs[""]}
        self._run(trial.trial_id, trial.identity, trial.trial_id, trial.parameters, tags)

    def epoch(self, epoch: Epoch) -> None:
        """Log the epoch's metrics, with its number as the step, unless the server already has them."""
        run_id = self._run_of(epoch.trial_id)
        sent = self._sent_of(epoch)
        if (epoch.attempt, epoch.epoch) in sent:
            return
        metric = self._entities.Metric
        time_ms = int(epoch.unix_time_s * 1000)
        numbers = {**epoch.metrics, ATTEMPT: float(epoch.attempt)}
        tags = []
        if epoch.method and self._methods.get(epoch.trial_id) != epoch.method:
            tags = [self._entities.RunTag(METHOD, epoch.method)]
        with self._refusals():
            self._client.log_batch(
                run_id,
                metrics=[
                    metric(_key(epoch.named(name)), value, time_ms, epoch.epoch)
                    for name, value in numbers.items()
                ],
                tags=tags,
            )
        self._methods[epoch.trial_id] = epoch.method
        sent.add((epoch.attempt, epoch.epoch))

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Do nothing: energies are exported with the epochs."""

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        """Log the trial's totals, and end its run."""
        self._end(trial_id, "FAILED" if failed else "FINISHED", totals)

    def keep(self, files: Sequence[Path]) -> None:
        """Log files as artifacts of the parent run."""
        for each in files:
            with self._refusals():
                if each.is_dir():
                    self._client.log_artifacts(self._runs[""], str(each), each.name)
                else:
                    self._client.log_artifact(self._runs[""], str(each))

    def end(self, *, finished: bool, totals: Mapping[str, float]) -> None:
        """Log the study's totals, and end the parent run."""
        self._end("", "FINISHED" if finished else "KILLED", totals)

    def _end(self, name: str, status: str, totals: Mapping[str, float]) -> None:
        run_id = self._run_of(name)
        with self._refusals():
            for key, value in totals.items():
                self._client.log_metric(run_id, f"total/{key}", value)
            with variable_set(QUIET, "true"):
                self._client.set_terminated(run_id, status)

    def _found_experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment_name)
        if found is None:
            try:
                return str(self._client.create_experiment(self._experiment_name))
            except self._error:  # another study may have created it at the same time
                found = self._client.get_experiment_by_name(self._experiment_name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _run(
        self,
        name: str,
        identity: str,
        shown: str,
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        """Find the run of the study (`name` is empty) or of a trial, or create it."""
        tag = f"{self._study.identity if self._study else ''}/{identity}"
        quote = '"' if "'" in tag else "'"
        found = self._client.search_runs(
            [self._experiment], f"tags.`{IDENTITY}` = {quote}{tag}{quote}", max_results=1
        )
        if found:
            run = found[0]
            self._client.update_run(run.info.run_id, status="RUNNING")
        else:
            run = self._client.create_run(
                self._experiment, run_name=shown, tags={IDENTITY: tag, **tags}
            )
        self._runs[name] = run.info.run_id
        # An existing run may lack parameters, if the connection was lost after it was created.
        params = [
            self._entities.Param(_key(key), value[:LONGEST_VALUE])
            for key, value in parameters.items()
            if _key(key) not in run.data.params
        ]
        for start in range(0, len(params), MOST_IN_A_BATCH):
            with self._refusals():
                some = params[start : start + MOST_IN_A_BATCH]
                self._client.log_batch(self._runs[name], params=some)

    def _run_of(self, name: str) -> str:
        """Return the run of a trial, or of the study."""
        if name not in self._runs:  # refused: repeating it would hold up all later calls
            message = f"the start of {name or 'the study'} was not exported"
            raise ExportRefusedError(message)
        return self._runs[name]

    def _sent_of(self, epoch: Epoch) -> set[tuple[int, int]]:
        """Attempts and epochs of a stage that the server already has."""
        key = (epoch.trial_id, epoch.stage)
        if key not in self._sent:
            history = self._client.get_metric_history(
                self._runs[epoch.trial_id], epoch.named(ATTEMPT)
            )
            self._sent[key] = {(int(each.value), int(each.step)) for each in history}
        return self._sent[key]

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Convert errors by which the server rejects a request, as opposed to a server that does not answer."""
        try:
            yield
        except self._error as error:
            if error.error_code in REFUSED:
                raise ExportRefusedError(str(error)) from error
            raise


def _key(name: str) -> str:
    """Return a name with the characters replaced that some servers do not accept."""
    return _NOT_ALLOWED.sub("_", name)
