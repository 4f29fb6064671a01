"""TensorBoard's files of a study's trials: what matters, described, instead of all that is reported.

Takes the place of Ray's own logger, which makes a curve of each number, constants and all.
"""

from typing import Any, final

from ray.tune.logger import TBXLoggerCallback
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboardX.proto.summary_pb2 import Summary
from typing_extensions import override

from study.record.files import EnergyUnit, unit_of
from study.record.manifest import Manifest
from study.record.vocabulary import EnergyMethod, Paradigm
from study.store.tensorboard_tags import Tags

PAGE = "http://localhost:6006/#custom_scalars"
"""Where TensorBoard shows a study's page, unless it was given another port."""


@final
class StudyTensorBoard(TBXLoggerCallback):
    """Writes the curves of each trial, and in each trial's file the page that sets them side by side."""

    def __init__(self, manifest: Manifest, *, first_epoch_j: float | None) -> None:
        """Write for a study.

        Args:
            manifest: Of the study.
            first_epoch_j: Energy of its first epoch, in an earlier command; None for a new study.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._manifest = manifest
        self._unit: EnergyUnit | None = None if first_epoch_j is None else unit_of(first_epoch_j)
        self._with_page: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: a study is resumed from its rows instead."""
        return {}

    @override
    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        """Write an epoch."""
        if "stage" not in result:
            return  # it was sent away by a closed machine, without having begun
        if trial not in self._trial_writer:
            self.log_trial_start(trial)
        writer = self._trial_writer[trial]
        tags = self._tags(result.get("epoch_energy_j"))
        # The page stands in a trial's own file: one of its own would be listed as a run without curves.
        if trial.trial_id not in self._with_page:
            self._with_page.add(trial.trial_id)
            writer.add_custom_scalars(
                tags.layout(tasks=_tasks(self._manifest), components=_components(self._manifest))
            )
        written = {}
        for point in tags.points(result):
            written[point.tag] = point.value
            # Not by `add_scalar`: TensorBoard's own reader drops the descriptions of its form.
            described = scalar_pb(point.tag, point.value, description=point.description)
            summary = Summary.FromString(described.SerializeToString())
            writer.file_writer.add_summary(summary, result["training_iteration"])
        self._trial_result[trial] = written
        writer.flush()

    def _tags(self, epoch_j: float | None) -> Tags:
        if self._unit is None and epoch_j is not None:
            self._unit = unit_of(epoch_j)
        return Tags(
            objective=self._manifest.objective,
            unit=self._unit or unit_of(None),
            estimated=any(n.method is EnergyMethod.ESTIMATED for n in self._manifest.nodes),
        )


def _components(manifest: Manifest) -> tuple[str, ...]:
    """The components that the machines know the energy of."""
    return tuple(sorted({each.component for node in manifest.nodes for each in node.components}))


def _tasks(manifest: Manifest) -> tuple[str, ...]:
    """The single tasks of a multitask study."""
    if manifest.paradigm is not Paradigm.MULTITASK:
        return ()
    return manifest.stages[:-1]
