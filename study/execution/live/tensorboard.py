"""TensorBoard files of a study's trials: a selection of curves, each with a description.

This replaces Ray's own logger, which writes a curve of every reported number, constants included.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any, final

from ray.tune.logger import LoggerCallback
from tensorboard.compat.proto.summary_pb2 import DATA_CLASS_SCALAR, Summary
from tensorboard.plugins.scalar.metadata import create_summary_metadata
from tensorboardX.summary import custom_scalars, hparams
from typing_extensions import override

from study.execution.live.tensorboard_tags import CurvePoint, Tags
from study.execution.reporting.event_file import EventFile
from study.execution.reporting.reports import REPORTED_AT
from study.record.files import EnergyUnit, unit_of
from study.record.manifest import Manifest
from study.record.vocabulary import EnergyMethod, Paradigm

PAGE = "http://localhost:6006/#custom_scalars"
"""Address of a study's page in TensorBoard, with TensorBoard's default port."""


@final
class StudyTensorBoard(LoggerCallback):
    """Logger callback that writes each trial's curves, and the page that shows them side by side."""

    def __init__(self, manifest: Manifest, *, first_epoch_j: float | None) -> None:
        """Write the curves of a study's trials.

        Args:
            manifest: Manifest of the study.
            first_epoch_j: Energy of the study's first epoch in an earlier command, which decides the
                unit; None for a new study.
        """
        self._manifest = manifest
        self._files: dict[Any, EventFile] = {}
        self._last: dict[Any, dict[str, float]] = {}
        self._described: defaultdict[Any, set[str]] = defaultdict(set)
        self._unit: EnergyUnit | None = None if first_epoch_j is None else unit_of(first_epoch_j)
        self._with_page: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Return an empty state: a study is resumed from its rows instead."""
        return {}

    @override
    def log_trial_start(self, trial: Any) -> None:
        """Begin the event file of a trial."""
        if trial in self._files:
            self._files[trial].close()
        self._described.pop(trial, None)
        trial.init_local_path()
        self._files[trial] = EventFile(Path(trial.local_path))

    @override
    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        """Write the values of an epoch."""
        if "stage" not in result:
            return  # a trial that left a closed machine without having begun
        if trial not in self._files:
            self.log_trial_start(trial)
        file = self._files[trial]
        tags = self._tags(result.get("epoch_energy_j"))
        # The page's layout goes into each trial's file: a separate file for it would be listed as a run
        # without curves.
        if trial.trial_id not in self._with_page:
            self._with_page.add(trial.trial_id)
            file.add(
                custom_scalars(
                    tags.layout(
                        tasks=_tasks(self._manifest), components=_components(self._manifest)
                    )
                )
            )
        points = list(tags.points(result))
        file.add(
            *(self._value(trial, each) for each in points),
            step=result["training_iteration"],
            at_s=result.get(REPORTED_AT),
        )
        self._last[trial] = {each.tag: each.value for each in points}

    @override
    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        """Write the trial's hyper-parameters with its last values, and close its file."""
        file, last = self._files.pop(trial, None), self._last.pop(trial, None)
        self._described.pop(trial, None)
        if file is None:
            return
        if trial.evaluated_params and last:
            for summary in hparams(trial.evaluated_params, last):
                file.add(summary)
        file.close()

    def _value(self, trial: Any, point: CurvePoint) -> Summary:  # noqa: ANN401 - Tune's
        """Return a point as a summary; `simple_value` throughout, since scripts read one form only.

        The description is added once per curve: a summary without it is ten times as fast to write.
        """
        value = Summary.Value(tag=point.tag, simple_value=point.value)
        described = self._described[trial]
        if point.tag not in described:
            described.add(point.tag)
            value.metadata.CopyFrom(
                create_summary_metadata(display_name=None, description=point.description)
            )
            value.metadata.data_class = DATA_CLASS_SCALAR
        return Summary(value=[value])

    def _tags(self, epoch_j: float | None) -> Tags:
        if self._unit is None and epoch_j is not None:
            self._unit = unit_of(epoch_j)
        return Tags(
            objective=self._manifest.objective,
            unit=self._unit or unit_of(None),
            estimated=any(n.method is EnergyMethod.ESTIMATED for n in self._manifest.nodes),
            estimated_components=self._manifest.estimated_components,
        )


def _components(manifest: Manifest) -> tuple[str, ...]:
    """Return the components whose energy is known on any machine."""
    return tuple(sorted({each.component for node in manifest.nodes for each in node.components}))


def _tasks(manifest: Manifest) -> tuple[str, ...]:
    """Return the single tasks of a multitask study; none for other studies."""
    if manifest.paradigm is not Paradigm.MULTITASK:
        return ()
    return manifest.stages[:-1]
