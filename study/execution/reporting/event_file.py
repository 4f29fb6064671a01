"""A file of TensorBoard's events in a trial's folder.

tensorboardX's own writer has a thread and a queue for each file, makes an event of each value, and waits for the
disk: 4 ms for a row of ours, of the driver's time.
"""

import socket
import time
from pathlib import Path
from typing import Protocol, final

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class Message(Protocol):
    """A protocol buffer, of whatever library."""

    def SerializeToString(self) -> bytes:  # noqa: N802 - theirs
        """Its content."""


@final
class EventFile:
    """One that is written, and can be read meanwhile."""

    def __init__(self, folder: Path) -> None:
        """Begin a file in a folder that is there."""
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        self._file = (folder / name).open("wb")
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, *summaries: Message, step: int = 0, at_s: float | None = None) -> None:
        """Write values as one event.

        Args:
            summaries: The values.
            step: Of the training.
            at_s: When it was, in seconds since 1970; None for now.
        """
        summary = Summary()
        for each in summaries:
            summary.MergeFromString(each.SerializeToString())
        at_s = time.time() if at_s is None else at_s
        self._write(Event(wall_time=at_s, step=step, summary=summary))

    def close(self) -> None:
        """End it."""
        self._file.close()

    def _write(self, event: Event) -> None:
        RecordWriter(self._file).write(event.SerializeToString())
        self._file.flush()
