"""What a trial leaves on storage while it is under way, so that a later attempt can go on from it.

One file per trial, put in the place of the one before, gone when the trial has ended. It holds
tensors and plain values and is read as such (`weights_only`): a file of somebody else's cannot run
code. It also holds what the trial has reported, which the driver may not have lived to write.
"""

import io
import logging
import math
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor

from study.records import Stage, StopReason
from study.results import StudyFolder
from study.training import StageState

CHECKPOINTS_FOLDER = "checkpoints"
VERSION = 1
"""Of the file; one of another version is passed over."""

UNREADABLE = (
    *(OSError, EOFError, RuntimeError, pickle.UnpicklingError),
    *(KeyError, TypeError, ValueError, AttributeError),
)
"""What reading a file raises that is away or cut, or that holds something else."""


@final
@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """How far a trial has come.

    Attributes:
        folder: The study's; None where nothing is to be kept.
        trial_id: The trial.
        every_s: At least so long from one writing to the next.
        reports: What the trial has reported, of all attempts that count.
        ended: The stages that are through, and why.
        encoder_weights: See `StageTasks`.
        under_way: State of the stage that is under way; None between stages.
    """

    folder: StudyFolder | None
    trial_id: str
    every_s: float
    reports: list[dict[str, Any]] = field(default_factory=list)
    ended: dict[Stage, StopReason] = field(default_factory=dict)
    encoder_weights: Mapping[str, Tensor] | None = None
    under_way: StageState | None = None
    _written_s: float = field(default_factory=time.monotonic)
    _on_storage: bool = False

    @classmethod
    def of_attempt(
        cls, folder: StudyFolder | None, trial_id: str, *, attempt: int, every_s: float
    ) -> "Checkpoint":
        """Where an attempt begins: at what an earlier one has left, else at the beginning."""
        fresh = cls(folder=folder, trial_id=trial_id, every_s=every_s)
        if folder is None or attempt == 1:
            return fresh
        try:
            content = folder.read_bytes(fresh._file)
            if content is None:
                return fresh
            kept = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            if kept["version"] != VERSION:
                return fresh
            return cls(
                folder=folder,
                trial_id=trial_id,
                every_s=every_s,
                reports=kept["reports"],
                ended={Stage(stage): StopReason(why) for stage, why in kept["ended"].items()},
                encoder_weights=kept["encoder_weights"],
                under_way=kept["under_way"],
                _on_storage=True,
            )
        except UNREADABLE as e:
            logging.getLogger(__name__).warning("%s begins anew: its checkpoint: %s", trial_id, e)
            return fresh

    def take_under_way(self) -> StageState | None:
        """The state to go on from, once; it is not kept, because it would hold much memory."""
        state, self.under_way = self.under_way, None
        return state

    def epoch_done(self, state: Callable[[], StageState]) -> None:
        """An epoch is done and reported; keep the state of its stage, if it is time to."""
        if self._is_due():
            self._write(state())

    def stage_done(
        self, stage: Stage, why: StopReason, *, encoder_weights: Mapping[str, Tensor] | None
    ) -> None:
        """A stage is through."""
        self.ended[stage] = why
        self.encoder_weights = encoder_weights
        if self._is_due():
            self._write(None)

    def remove(self) -> None:
        """The trial has ended: there is nothing to go on from."""
        if self.folder is not None and self._on_storage:
            self.folder.delete(self._file)

    @property
    def _file(self) -> str:
        return f"{CHECKPOINTS_FOLDER}/{self.trial_id}.pt"

    def _is_due(self) -> bool:
        if self.folder is None or math.isinf(self.every_s):
            return False
        return time.monotonic() - self._written_s >= self.every_s

    def _write(self, under_way: StageState | None) -> None:
        """Write it; a storage that fails costs the checkpoint, never the training."""
        content = io.BytesIO()
        kept = {
            "version": VERSION,
            "reports": self.reports,
            "ended": {stage.value: why.value for stage, why in self.ended.items()},
            "encoder_weights": self.encoder_weights,
            "under_way": under_way,
        }
        torch.save(kept, content)
        try:
            if self.folder is not None:
                self.folder.write_bytes(self._file, content.getvalue())
                self._on_storage = True
        except OSError as error:
            logging.getLogger(__name__).warning("no checkpoint of %s: %s", self.trial_id, error)
        self._written_s = time.monotonic()
