"""All requested exporters behind one interface, which never waits for any of them before the end."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, final

from trackers.exports.export_queue import ExportQueue, Job, to_stderr
from trackers.exports.exporter import DeviceUse, Epoch, Study, Trial
from trackers.exports.known import RequestedExporter


@final
class Exports:
    """Sends measurements to several exporters, each in a thread of its own.

    Nothing is imported and no thread is started before `begin`. Without exporters, all methods do nothing.
    """

    def __init__(
        self, asked: Sequence[RequestedExporter] = (), *, say: Callable[[str], None] = to_stderr
    ) -> None:
        """Prepare the exporters.

        Args:
            asked: The exporters, from `parse_exporters`.
            say: Shows a sentence to the user; called from several threads.
        """
        self._asked = asked
        self._say = say
        self._queues: tuple[ExportQueue, ...] = ()
        self._ending: Job | None = None

    def __bool__(self) -> bool:
        """Return whether there is any exporter."""
        return bool(self._asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, study: Study) -> None:
        """Begin a study; see `Exporter.begin`."""
        self._queues = tuple(ExportQueue(each.word, each.open, self._say) for each in self._asked)
        self._post(lambda each: each.begin(study))

    def begin_trial(self, trial: Trial) -> None:
        """Begin a trial; see `Exporter.begin_trial`."""
        self._post(lambda each: each.begin_trial(trial))

    def epoch(self, epoch: Epoch) -> None:
        """Export an epoch; see `Exporter.epoch`."""
        self._post(lambda each: each.epoch(epoch))

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Export the use of devices; see `Exporter.devices`."""
        for queue in self._queues:  # a call every second or two would fill a queue that is stuck
            queue.post_newest(lambda each: each.devices(uses))

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        """End a trial; see `Exporter.end_trial`."""
        self._post(lambda each: each.end_trial(trial_id, failed=failed, totals=totals))

    def keep(self, files: Sequence[Path]) -> None:
        """Store those of the files that exist; see `Exporter.keep`."""
        there = [each for each in files if each.exists()]
        if there:
            self._post(lambda each: each.keep(there))

    def will_end(self, *, finished: bool, totals: Mapping[str, float]) -> None:
        """Set the arguments of `Exporter.end`, which is called by `close`, after any files are stored."""
        self._ending = lambda each: each.end(finished=finished, totals=totals)

    def close(self) -> None:
        """End the study, and wait a limited time for exporters with work left; may be called twice."""
        queues, self._queues = self._queues, ()
        ending = self._ending or (lambda each: each.end(finished=False, totals={}))
        for queue in queues:
            queue.post(ending)
        for queue in queues:
            queue.close()

    def _post(self, job: Job) -> None:
        for queue in self._queues:
            queue.post(job)
