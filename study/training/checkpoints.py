"""State of a trial under way on storage, so that a later attempt can go on from it.

One file, put in the place of the one before, gone when the trial has ended. It holds tensors and
plain values and is read as such (`weights_only`): a file of somebody else's cannot run code. It also
holds what the trial has reported, which the driver may not have lived to write.
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
"""Of the file; one of another version is passed over."""

WRITING_SHARE = 0.05
"""Most of a trial's time that writing takes."""

PAUSES_S = (1.0, 5.0, 15.0, 20.0, 20.0)
"""Between tries to read what an earlier attempt has left, where the storage is away."""

UNREADABLE = (
    *(EOFError, RuntimeError, pickle.UnpicklingError),
    *(KeyError, TypeError, ValueError, AttributeError),
)
"""What reading a file raises that is cut off, or that holds something else."""


@final
@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """State of a trial under way.

    Attributes:
        folder: The study's; None where nothing is to be kept.
        trial_id: The trial.
        attempt: The attempt that writes it.
        every_s: At least so long from one writing to the next; longer where writing takes long.
        reports: What the trial has reported, of all attempts that count.
        ended: The stages that are through, and why.
        encoder_weights: See `StageTasks`.
        under_way: State of the stage that is under way, to go on from; None between stages.
    """

    folder: StudyFolder | None
    trial_id: str
    attempt: int
    every_s: float
    reports: list[dict[str, Any]] = field(default_factory=list)
    ended: dict[str, StopReason] = field(default_factory=dict)
    encoder_weights: Mapping[str, Tensor] | None = None
    under_way: StageState | None = None
    _earlier: list[str] = field(default_factory=list)
    _due_s: float = 0.0

    def __post_init__(self) -> None:
        """Write for the first time when it has run for a while."""
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
        """Return where an attempt begins: at an earlier one's checkpoint, else at the beginning.

        Args:
            folder: The study's; None where nothing is to be kept.
            trial_id: The trial.
            attempt: The first attempt looks for nothing.
            every_s: See above.
            pauses_s: Between tries, where the storage is away; then the attempt begins anew.
        """
        fresh = cls(folder=folder, trial_id=trial_id, attempt=attempt, every_s=every_s)
        if folder is None or attempt == 1:
            return fresh
        try:
            names, content = _newest(folder, trial_id, before=attempt, pauses_s=pauses_s)
            fresh._earlier = names
            return fresh if content is None else fresh._with(content)
        except (OSError, *UNREADABLE) as error:
            logging.getLogger(__name__).warning(
                "%s begins anew: its checkpoint: %s", trial_id, error
            )
            return fresh

    def take_under_way(self) -> StageState | None:
        """The state to go on from, once; it is not kept, because it would hold much memory."""
        state, self.under_way = self.under_way, None
        return state

    def epoch_done(self, state: Callable[[], StageState]) -> None:
        """An epoch is done and reported; keep the state of its stage, if it is time to."""
        self._write_if_due(state)

    def keep(self, state: Callable[[], StageState]) -> None:
        """Keep the state of its stage now: the trial is stopped, and may be gone on with."""
        self._due_s = 0.0
        self._write_if_due(state)

    def stage_done(
        self, stage: str, why: StopReason, *, encoder_weights: Mapping[str, Tensor] | None
    ) -> None:
        """A stage is through."""
        self.ended[stage] = why
        self.encoder_weights = encoder_weights
        self._write_if_due(lambda: None)

    def remove(self) -> None:
        """The trial has ended: there is nothing to go on from."""
        if self.folder is not None:
            for name in (*self._earlier, checkpoint_name(self.trial_id, self.attempt)):
                self.folder.delete(f"{CHECKPOINTS_FOLDER}/{name}")

    def _with(self, content: bytes) -> "Checkpoint":
        """This beginning, moved to where a file says."""
        kept = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        if kept["version"] != VERSION:
            return self
        for report in kept["reports"]:
            EpochRecord.from_row(report)  # the driver relies on them
        return Checkpoint(
            folder=self.folder,
            trial_id=self.trial_id,
            attempt=self.attempt,
            every_s=self.every_s,
            reports=kept["reports"],
            ended={stage: StopReason(why) for stage, why in kept["ended"].items()},
            encoder_weights=kept["encoder_weights"],
            under_way=kept["under_way"],
            _earlier=self._earlier,
        )

    def _write_if_due(self, under_way: Callable[[], StageState | None]) -> None:
        """Write it; whatever fails costs the checkpoint, never the training."""
        start_s = time.monotonic()
        if self.folder is None or math.isinf(self.every_s) or start_s < self._due_s:
            return
        try:
            self._write(self.folder, under_way())
        except Exception as error:  # noqa: BLE001 - memory, storage, or a state that is not plain
            logging.getLogger(__name__).warning("no checkpoint of %s: %s", self.trial_id, error)
        now_s = time.monotonic()
        share_s = (now_s - start_s) / WRITING_SHARE if self.every_s else 0.0
        self._due_s = now_s + max(self.every_s, share_s)

    def _write(self, folder: StudyFolder, under_way: StageState | None) -> None:
        content = io.BytesIO()
        kept = {
            "version": VERSION,
            "reports": self.reports,
            "ended": {str(stage): why.value for stage, why in self.ended.items()},
            "encoder_weights": self.encoder_weights,
            "under_way": under_way,
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
    """The files of a trial's earlier attempts, and what the last of them holds.

    Raises:
        OSError: The storage is still away.
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
