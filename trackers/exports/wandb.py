"""Weights & Biases exporter: a run for the study and one for each trial, in one group.

It is configured by its own settings (`WANDB_MODE`, `WANDB_PROJECT`, ...). Without an API key it works offline:
runs are stored in the study's folder, and `wandb sync` uploads them. W&B's error reports and its own system
metrics are turned off.
"""

import hashlib
import netrc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final
from urllib.parse import urlsplit

from trackers.exports.exporter import DeviceUse, Epoch, ExportRefusedError, Study, Trial
from trackers.exports.variable import variable_set

PROJECT = "power-of-training"
SERVER = "https://api.wandb.ai"
ERROR_REPORTS = "WANDB_ERROR_REPORTING"

FINISH_S = 30.0
"""Longest wait for the server at the end of a run; what is left stays in its folder, for `wandb sync`."""

OUTLIVES = "POWER_OF_TRAINING_OUTLIVES"
"""Environment variable of a process that must not be ended with a study's Ray; as in `trackers.node.limit_guard`."""


@final
class WandbExporter:
    """W&B runs of one study, on a server or offline."""

    def __init__(self, value: str) -> None:  # noqa: ARG002 - this exporter takes no value
        """Import the library and choose its mode."""
        with variable_set(ERROR_REPORTS, "false"):
            import wandb  # noqa: PLC0415 - it reads the variable when it is imported

        self._wandb: Any = wandb
        self._mode = os.environ.get("WANDB_MODE") or ("online" if _has_key() else "offline")
        self._project = os.environ.get("WANDB_PROJECT", PROJECT)
        self._study = Study(identity="", name="")
        self._trials: dict[str, Trial] = {}
        self._runs: dict[str, Any] = {}

    @property
    def where(self) -> str:
        """The project and the mode."""
        return f"project {self._project}, {self._mode}"

    def begin(self, study: Study) -> None:
        """Begin the study's run, or continue it."""
        self._study = study
        self._begin("", "", study.name, "study", {**study.parameters, **study.tags})

    def begin_trial(self, trial: Trial) -> None:
        """Remember the trial; its run begins, or continues, with its first new epoch."""
        self._trials[trial.trial_id] = trial

    def epoch(self, epoch: Epoch) -> None:
        """Log the epoch's metrics, with its number as their axis, unless an earlier command has done so."""
        if epoch.is_earlier:
            return
        if (
            epoch.trial_id not in self._trials
        ):  # refused: repeating it would hold up all later calls
            message = f"the start of {epoch.trial_id} was not exported"
            raise ExportRefusedError(message)
        trial = self._trials[epoch.trial_id]
        self._begin(trial.trial_id, trial.identity, trial.trial_id, "trial", trial.parameters)
        row = {epoch.named(name): value for name, value in epoch.metrics.items()}
        labels = {"epoch": epoch.epoch, "attempt": epoch.attempt, "energy_method": epoch.method}
        self._runs[epoch.trial_id].log({**row, **labels})

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Do nothing: energies are exported with the epochs."""

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        """Put the trial's totals into its run's summary, and end the run."""
        self._end(trial_id, failed=failed, totals=totals)

    def keep(self, files: Sequence[Path]) -> None:
        """Log files as an artifact of the study's run."""
        artifact = self._wandb.Artifact(f"study-{_short(self._study.identity)}", type="study")
        for each in files:
            within = (
                [file for file in each.rglob("*") if file.is_file()] if each.is_dir() else [each]
            )
            for file in within:
                artifact.add_file(str(file), name=str(file.relative_to(each.parent)))
        self._runs[""].log_artifact(artifact)

    def end(self, *, finished: bool, totals: Mapping[str, float]) -> None:
        """End all runs, and put the totals into the summary of the study's run."""
        for trial_id in [each for each in self._runs if each]:
            self._end(trial_id, failed=not finished, totals={})
        self._end("", failed=not finished, totals=totals)

    def _begin(
        self, name: str, identity: str, shown: str, kind: str, config: Mapping[str, str]
    ) -> None:
        if name in self._runs:
            return
        # W&B's first run starts a process, which must end with ours, and not with a study's Ray.
        with variable_set(ERROR_REPORTS, "false"), variable_set(OUTLIVES, "1"):
            self._runs[name] = self._started(identity, shown, kind, config)
        self._runs[name].define_metric("*", step_metric="epoch")

    def _started(self, identity: str, shown: str, kind: str, config: Mapping[str, str]) -> Any:  # noqa: ANN401 - W&B's run
        folder = self._study.folder
        return self._wandb.init(
            project=self._project,
            id=_short(f"{self._study.identity}/{identity}"),
            name=shown,
            group=self._study.name,
            job_type=kind,
            config=dict(config),
            resume="allow",
            reinit="create_new",
            mode=self._mode,
            dir=None if folder is None or "WANDB_DIR" in os.environ else str(folder),
            settings=self._wandb.Settings(
                silent=True,
                console="off",
                disable_git=True,
                x_disable_stats=True,
                x_disable_machine_info=True,
                **end_limit(os.environ),
            ),
        )

    def _end(self, name: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        run = self._runs.pop(name, None)
        if run is not None:
            run.summary.update({f"total/{key}": value for key, value in totals.items()})
            run.finish(exit_code=int(failed))


def end_limit(environment: Mapping[str, str]) -> dict[str, float]:
    """Return the setting that limits the wait for a server at a run's end, unless the user has set it.

    By default W&B has no limit, so that a program would not end while its server cannot be reached.
    """
    return {} if environment.get("WANDB_FINISH_TIMEOUT") else {"finish_timeout": FINISH_S}


def _short(identity: str) -> str:
    """Hash an identity to the form of identifiers that W&B accepts."""
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _has_key() -> bool:
    """Return whether W&B would find a key without asking for one at the terminal."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlsplit(os.environ.get("WANDB_BASE_URL", SERVER)).hostname or ""
    try:
        found = netrc.netrc(os.environ.get("NETRC") or Path.home() / ".netrc")
    except (OSError, netrc.NetrcParseError):
        return False
    return found.authenticators(host) is not None
