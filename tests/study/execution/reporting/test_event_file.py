"""Event files of TensorBoard."""

from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.scalar.summary_v2 import scalar_pb

from study.execution.reporting.event_file import EventFile


def test_values_keep_the_time_of_their_epoch(tmp_path: Path) -> None:
    """Rows may arrive late; the values of an epoch are one event with its own time."""
    file = EventFile(tmp_path)

    for step in (1, 2):
        file.add(scalar_pb("a", 0.5 * step), scalar_pb("b", 2.0), step=step, at_s=100.0 + step)

    (path,) = tmp_path.glob("events.out.tfevents.*")
    events = [each for each in EventFileLoader(str(path)).Load() if each.summary.value]
    assert [(each.step, each.wall_time) for each in events] == [(1, 101.0), (2, 102.0)]
    assert [value.tag for value in events[0].summary.value] == ["a", "b"]
