"""An exporter that records its calls, and fails or blocks as a test wants."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trackers.exports.exporter import DeviceUse, Epoch, ExportRefusedError, Study, Trial
from trackers.exports.known import KnownExporter, RequestedExporter


@dataclass
class Remembering:
    """Exporter that records its calls.

    Attributes:
        heard: The calls that succeeded, in order.
        fails: Number of calls that fail before one succeeds.
        refuses: Numbers of the epochs that it refuses.
        held: Calls block until this is set.
        studies: Studies of the successful calls.
        trials: Trials of the successful calls.
        epochs: Epochs of the successful calls.
    """

    heard: list[str] = field(default_factory=list)
    fails: int = 0
    refuses: frozenset[int] = frozenset()
    held: threading.Event = field(default_factory=threading.Event)
    studies: list[Study] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    where = "a list"

    def begin(self, study: Study) -> None:
        """See `Exporter`."""
        self._hear(f"begin {study.name}")
        self.studies.append(study)

    def begin_trial(self, trial: Trial) -> None:
        """See `Exporter`."""
        self._hear(f"trial {trial.trial_id}")
        self.trials.append(trial)

    def epoch(self, epoch: Epoch) -> None:
        """See `Exporter`."""
        if epoch.epoch in self.refuses:
            message = f"epoch {epoch.epoch} is not welcome"
            raise ExportRefusedError(message)
        self._hear(f"epoch {epoch.epoch}")
        self.epochs.append(epoch)

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """See `Exporter`."""
        self._hear(f"{len(uses)} devices")

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:  # noqa: ARG002
        """See `Exporter`."""
        self._hear(f"end {trial_id}")

    def keep(self, files: Sequence[Path]) -> None:
        """See `Exporter`."""
        self._hear(f"keep {' '.join(each.name for each in files)}")

    def end(self, *, finished: bool, totals: Mapping[str, float]) -> None:  # noqa: ARG002
        """See `Exporter`."""
        self._hear(f"end {finished}")

    def _hear(self, text: str) -> None:
        self.held.wait()
        if self.fails:
            self.fails -= 1
            message = "nobody there"
            raise ConnectionError(message)
        self.heard.append(text)


def asked(exporter: Remembering) -> RequestedExporter:
    """The exporter as if it had been requested with `--log`."""
    known = KnownExporter(module=__name__, name="Remembering", needs="", package="")
    return _Opened(word="memory", known=known, value="", exporter=exporter)


@dataclass(frozen=True, kw_only=True)
class _Opened(RequestedExporter):
    exporter: Remembering

    def open(self) -> Remembering:
        """Return the given exporter, without any import."""
        return self.exporter


def an_epoch(number: int, *, trial_id: str = "a", energy_j: float | None = 1.0) -> Epoch:
    """An epoch of a trial."""
    return Epoch(
        trial_id=trial_id,
        stage="",
        attempt=1,
        epoch=number,
        unix_time_s=1.7e9 + number,
        energy_j=energy_j,
        method="" if energy_j is None else "counter",
        metrics={} if energy_j is None else {"epoch_energy_j": energy_j},
    )
