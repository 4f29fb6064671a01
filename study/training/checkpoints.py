"""Checkpoint of a running trial on storage, from which a later attempt can resume.

A single file, replaced at each writing and deleted when the trial has ended. It holds tensors and plain
values and is read with `weights_only`, so that a file from elsewhere cannot run code. It also holds what
the trial has reported, in case the driver died before writing it.
"""

import io
import logging
import math
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor

from study.record.records import EpochRecord
from study.record.vocabulary import StopReason
from study.store.checkpoint_files import (
    CHECKPOINTS_FOLDER,
    attempts_with_checkpoint,
    checkpoint_name,
)
from study.store.folder import StudyFolder
from study.training.stage import StageState

VERSION = 2
"""Version of the file's format; a file of another version is ignored."""

WRITING_SHARE = 0.05
"""Largest share of a trial's time spent on writing checkpoints."""

PAUSES_S = (1.0, 5.0, 15.0, 20.0, 20.0)
"""Pauses between tries to read an earlier attempt's checkpoint while the storage cannot be reached."""

UNREADABLE = (
    *(EOFError, RuntimeError, pickle.UnpicklingError),
    *(KeyError, TypeError, ValueError, AttributeError),
)
"""Errors raised on reading a file that is truncated or is not a checkpoint."""


@final
@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """Resumable state of a running trial, and its writing to storage.

    Attributes:
        folder: The study's folder; None writes no checkpoints.
        trial_id: Identifier of the trial.
        attempt: Number of the attempt that writes, from 1.
        every_s: Shortest time from one writing to the next; it is longer if writing takes long. Infinity
            writes no checkpoints.
        reports: Epochs the trial has reported, over all attempts that it resumes.
        ended: Stop reason of each stage that has ended.
        encoder_weights: See `StageTasks`.
        stage_state: State of the running stage to resume from; None between stages.
    """

    folder: StudyFolder | None
    trial_id: str
    attempt: int
    every_s: float
    reports: list[dict[str, Any]] = field(default_factory=list)
    ended: dict[str, StopReason] = field(default_factory=dict)
    encoder_weights: Mapping[str, Tensor] | None = None
    stage_state: StageState | None = None
    _earlier: list[str] = field(default_factory=list)
    _due_s: float = 0.0

    def __post_init__(self) -> None:
        """Set the time of the first writing, `every_s` from now."""
        self._due_s = time.monotonic() + self.every_s

    @classmethod
    def of_attempt(
        cls,
        folder: StudyFolder | None,
        trial_id: str,
        *,
        attempt: int,
        every_s: float,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> "Checkpoint":
        """Return an earlier attempt's checkpoint to resume from, or an empty one to start over.

        Args:
            folder: The study's folder; None writes no checkpoints.
            trial_id: Identifier of the trial.
            attempt: Number of the attempt; the first does not look for a checkpoint.
            every_s: See the attribute.
            pauses_s: Pauses in seconds between tries while the storage cannot be reached; after the last
                the attempt starts over.
        """
        fresh = cls(folder=folder, trial_id=trial_id, attempt=attempt, every_s=every_s)
        if folder is None or attempt == 1:
            return fresh
        try:
            names, content = _newest(folder, trial_id, before=attempt, pauses_s=pauses_s)
            fresh._earlier = names
            return fresh if content is None else fresh._restored(content)
        except (OSError, *UNREADABLE) as error:
            logging.getLogger(__name__).warning(
                "%s starts over: its checkpoint could not be read: %s", trial_id, error
            )
            return fresh

    def take_state(self) -> StageState | None:
        """Return the state to resume from and forget it, as it may hold much memory."""
        state, self.stage_state = self.stage_state, None
        return state

    def epoch_done(self, state: Callable[[], StageState]) -> None:
        """Write a checkpoint if one is due, now that an epoch is done and reported."""
        self._write_if_due(state)

    def keep(self, state: Callable[[], StageState]) -> None:
        """Write a checkpoint now, because the trial is being stopped and may be resumed."""
        self._due_s = 0.0
        self._write_if_due(state)

    def stage_done(
        self, stage: str, why: StopReason, *, encoder_weights: Mapping[str, Tensor] | None
    ) -> None:
        """Record that a stage has ended, and write a checkpoint if one is due."""
        self.ended[stage] = why
        self.encoder_weights = encoder_weights
        self._write_if_due(lambda: None)

    def remove(self) -> None:
        """Delete the trial's checkpoints, because it has ended."""
        if self.folder is not None:
            for name in (*self._earlier, checkpoint_name(self.trial_id, self.attempt)):
                self.folder.delete(f"{CHECKPOINTS_FOLDER}/{name}")

    def _restored(self, content: bytes) -> "Checkpoint":
        """Return this checkpoint with the contents of a file; itself if the file's version is another."""
        kept = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if kept["version"] != VERSION:
            return self
        for report in kept["reports"]:
            EpochRecord.from_row(report)  # raises if invalid, as the driver relies on them
        return Checkpoint(
            folder=self.folder,
            trial_id=self.trial_id,
            attempt=self.attempt,
            every_s=self.every_s,
            reports=kept["reports"],
            ended={stage: StopReason(why) for stage, why in kept["ended"].items()},
            encoder_weights=kept["encoder_weights"],
            stage_state=kept["under_way"],
            _earlier=self._earlier,
        )

    def _write_if_due(self, stage_state: Callable[[], StageState | None]) -> None:
        """Write the checkpoint if it is due; a failure costs the checkpoint, never the training."""
        start_s = time.monotonic()
        if self.folder is None or math.isinf(self.every_s) or start_s < self._due_s:
            return
        try:
            self._write(self.folder, stage_state())
        except Exception as error:  # noqa: BLE001 - memory, storage, or a state that is not plain
            logging.getLogger(__name__).warning(
                "the checkpoint of %s was not written: %s", self.trial_id, error
            )
        now_s = time.monotonic()
        share_s = (now_s - start_s) / WRITING_SHARE if self.every_s else 0.0
        self._due_s = now_s + max(self.every_s, share_s)

    def _write(self, folder: StudyFolder, stage_state: StageState | None) -> None:
        content = io.BytesIO()
        kept = {
            "version": VERSION,
            "reports": self.reports,
            "ended": {str(stage): why.value for stage, why in self.ended.items()},
            "encoder_weights": self.encoder_weights,
            "under_way": stage_state,
        }
        torch.save(kept, content)
        name = checkpoint_name(self.trial_id, self.attempt)
        folder.write_bytes(f"{CHECKPOINTS_FOLDER}/{name}", content.getbuffer())
        for earlier in self._earlier:
            folder.delete(f"{CHECKPOINTS_FOLDER}/{earlier}")
        self._earlier.clear()


def _newest(
    folder: StudyFolder, trial_id: str, *, before: int, pauses_s: Sequence[float]
) -> tuple[list[str], bytes | None]:
    """Return the checkpoint files of a trial's earlier attempts, and the content of the latest.

    Raises:
        OSError: The storage cannot be reached after the last pause.
    """
    for pause_s in pauses_s:
        try:
            return _newest(folder, trial_id, before=before, pauses_s=())
        except OSError:
            time.sleep(pause_s)
    there = attempts_with_checkpoint(folder.names(CHECKPOINTS_FOLDER)).get(trial_id, [])
    names = [checkpoint_name(trial_id, attempt) for attempt in there if attempt < before]
    content = folder.read_bytes(f"{CHECKPOINTS_FOLDER}/{names[-1]}") if names else None
    return names, content
