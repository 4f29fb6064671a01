"""TensorBoard's page of custom scalars for a study: accuracy, energy and power side by side.

TensorBoard reads the layout from an events file in the study's folder, which is written once when
the study starts; the curves come from the files that Ray Tune writes for each trial.
"""

import io
import re
import time
from collections.abc import Mapping, Sequence

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.custom_scalar import layout_pb2, metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from study.record.objective import Objective

# A fixed name: a resumed study writes the same file again.
LAYOUT_FILE = "events.out.tfevents.0.layout"

_CHARTS = (
    ("Side by side", ("val_score", "epoch_energy_mwh", "mean_power_w")),
    ("Energy so far, and losses", ("energy_wh", "val_loss", "train_loss")),
)
"""Categories, and the reported values of which they have a chart."""

_OF_ENERGY = frozenset({"epoch_energy_mwh", "mean_power_w", "energy_wh"})

_TITLES = {
    "epoch_energy_mwh": "Energy of an epoch, mWh",
    "mean_power_w": "Mean power of an epoch, W",
    "energy_wh": "Energy so far, Wh",
    "val_loss": "Validation loss",
    "train_loss": "Training loss",
}


def layout_events(
    objective: Objective,
    *,
    tasks: Sequence[str],
    estimated: bool,
    components: Mapping[str, bool] | None = None,
) -> bytes:
    """Return the content of an events file that holds the layout and nothing else.

    Args:
        objective: Validation metric that decides.
        tasks: Of a multitask study, whose tasks have a chart each; none in others.
        estimated: Whether energies are estimates, which their charts then say.
        components: What is known of each component of the machines besides what ranks: whether its
            energy is an estimate.
    """
    stream = io.BytesIO()
    writer = RecordWriter(stream)
    layout = make_tensor_proto(
        _layout(objective, tasks, components or {}, estimated=estimated).SerializeToString(),
        dtype="string",
    )
    value = Summary.Value(
        tag=metadata.CONFIG_SUMMARY_TAG,
        metadata=metadata.create_summary_metadata(),
        tensor=layout,
    )
    for event in (
        Event(wall_time=time.time(), file_version="brain.Event:2"),
        Event(wall_time=time.time(), summary=Summary(value=[value])),
    ):
        writer.write(event.SerializeToString())
    return stream.getvalue()


def _layout(
    objective: Objective, tasks: Sequence[str], components: Mapping[str, bool], *, estimated: bool
) -> layout_pb2.Layout:
    titles = {
        **_TITLES,
        "val_score": f"Validation {objective.name}",
        **{objective.of_task(task): f"{objective.name}: {task}" for task in tasks},
    }
    charts: list[tuple[str, tuple[str, ...]]] = [*_CHARTS]
    if len(components) > 1:
        named = {f"{each}_energy_mwh": each for each in components}
        charts.append(("Energy by component", tuple(named)))
        titles |= {tag: _component_title(each, components[each]) for tag, each in named.items()}
    if tasks:
        charts.append(("Each task", tuple(objective.of_task(task) for task in tasks)))
    return layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=title,
                chart=[_chart(name, titles[name], estimated=estimated) for name in names],
            )
            for title, names in charts
        ]
    )


def _component_title(component: str, estimated: bool) -> str:  # noqa: FBT001 - of one call
    name = component.upper() if component in {"gpu", "cpu"} else component
    return f"{name}: energy of an epoch, mWh{' (estimated)' if estimated else ''}"


def _chart(name: str, title: str, *, estimated: bool) -> layout_pb2.Chart:
    """A chart of all trials; the tag is what Ray's TensorBoard logger makes of a reported name."""
    tag = f"^{re.escape(f'ray/tune/{name}')}$"
    label = " (estimated)" if estimated and name in _OF_ENERGY else ""
    return layout_pb2.Chart(
        title=title + label, multiline=layout_pb2.MultilineChartContent(tag=[tag])
    )
