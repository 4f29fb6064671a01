"""Checkpoints, from which a lost trial resumes as if it had not been interrupted."""

import io
import math
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from study.record.vocabulary import Stage, StopReason
from study.store.folder import StudyFolder
from study.training.checkpoints import Checkpoint
from study.training.loop import EpochOutcome, train
from study.training.recipe import TrainingSettings
from study.training.stages import StageTasks
from study.training.task import Task, plain_task
from tests.study.rows import epoch
from tests.study.staged import Waves
from tests.study.tiny import Tiny, data

CPU = torch.device("cpu")
STAGE = Stage.ENCODER_CLASSIFIER
FILE = "checkpoints/t1-attempt1.pt"
EPOCHS = 7


class Forgetful(Tiny):
    """A scenario with all that a checkpoint must restore: dropout's random state, batch norm's statistics."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A small network with both."""
        return nn.Sequential(
            nn.Linear(features, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, classes)
        )


def settings(**changes: Any) -> TrainingSettings:  # noqa: ANN401 - any field
    """Settings of seven epochs with batches of 8."""
    fields = {
        "batch_size": 8,
        "learning_rate": 0.01,
        "max_epochs": EPOCHS,
        "patience": EPOCHS,
        "optimizer": "adam",
        "seed": 3,
    }
    return TrainingSettings(**{**fields, **changes})


def folder(tmp_path: Path) -> StudyFolder:
    """A study's folder."""
    return StudyFolder(str(tmp_path), "s")


def attempt(number: int, tmp_path: Path, *, every_s: float = 0.0) -> Checkpoint:
    """Checkpoint with which an attempt of trial t1 begins."""
    return Checkpoint.of_attempt(
        folder(tmp_path), "t1", attempt=number, every_s=every_s, pauses_s=(0.0, 0.0)
    )


def trained(
    make: Callable[[], Task],
    checkpoint: Checkpoint,
    *,
    until: int = EPOCHS,
    **changes: Any,  # noqa: ANN401 - any field
) -> list[EpochOutcome]:
    """Outcomes of an attempt that resumes from the checkpoint and is lost after epoch `until`."""
    outcomes = []
    for outcome in train(
        make,
        settings(**changes),
        device=CPU,
        window=lambda _: nullcontext(),
        begin=checkpoint.take_state(),
    ):
        outcomes.append(outcome)
        checkpoint.reports.append(epoch(outcome.epoch).to_row())
        if outcome.state is not None:
            checkpoint.epoch_done(outcome.state)
        if outcome.epoch == until:
            break
    return outcomes


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("lost_after", [1, 4, EPOCHS - 1])
def test_a_training_resumes_as_if_it_had_not_been_interrupted(
    tmp_path: Path, optimizer: str, lost_after: int
) -> None:
    """Losses and accuracies are those of an uninterrupted training, to the last bit."""
    make = partial(plain_task, Forgetful(), data())
    whole = trained(make, attempt(1, tmp_path, every_s=math.inf), optimizer=optimizer)

    first = trained(make, attempt(1, tmp_path), until=lost_after, optimizer=optimizer)
    torch.manual_seed(99)  # another process, other random numbers
    second = attempt(2, tmp_path)
    reported = list(second.reports)
    rest = trained(make, second, optimizer=optimizer)

    assert [*first, *rest] == whole
    assert [row["epoch"] for row in reported] == list(range(1, lost_after + 1))


def test_early_stopping_resumes_too(tmp_path: Path) -> None:
    """Epochs without a better accuracy keep counting across the interruption."""
    make = partial(plain_task, Tiny(), data())
    whole = trained(make, attempt(1, tmp_path, every_s=math.inf), patience=2, learning_rate=1e-12)

    trained(make, attempt(1, tmp_path), until=2, patience=2, learning_rate=1e-12)
    rest = trained(make, attempt(2, tmp_path), patience=2, learning_rate=1e-12)

    assert [each.epoch for each in rest] == [3]
    assert rest[-1] == whole[-1]
    assert rest[-1].stop_reason is StopReason.PATIENCE


@pytest.mark.parametrize("cache_latents", [True, False])
@pytest.mark.slow
def test_a_frozen_encoder_is_restored(tmp_path: Path, *, cache_latents: bool) -> None:
    """The encoder's weights come from the checkpoint; latent features are computed again."""
    scenario = Waves()

    def tasks(**changes: Any) -> StageTasks:  # noqa: ANN401 - any field
        return StageTasks(
            scenario=scenario,
            data=scenario.load(None, seed=0),
            parameters={},
            cache_latents=cache_latents,
            **changes,
        )

    def with_encoder(checkpoint: Checkpoint) -> StageTasks:
        pretrained = tasks()
        trained(partial(pretrained.start, Stage.ENCODER), checkpoint)
        pretrained.finish()
        checkpoint.stage_done(
            Stage.ENCODER, StopReason.MAX_EPOCHS, encoder_weights=pretrained.encoder_weights
        )
        return pretrained

    unwritten = attempt(1, tmp_path, every_s=math.inf)
    whole = trained(partial(with_encoder(unwritten).start, Stage.CLASSIFIER_FROZEN), unwritten)

    first = attempt(1, tmp_path)
    trained(partial(with_encoder(first).start, Stage.CLASSIFIER_FROZEN), first, until=3)
    second = attempt(2, tmp_path)
    again = tasks(encoder_weights=second.encoder_weights)
    ended = dict(second.ended)
    rest = trained(partial(again.start, Stage.CLASSIFIER_FROZEN), second)

    assert ended == {Stage.ENCODER: StopReason.MAX_EPOCHS}
    assert rest == whole[3:]


def test_a_trial_lost_between_stages_begins_the_next_one(tmp_path: Path) -> None:
    """There is no training state to resume, but the ended stage and the encoder's weights are known."""
    weights = {"weight": torch.ones(2, 2)}

    attempt(1, tmp_path).stage_done(Stage.ENCODER, StopReason.PATIENCE, encoder_weights=weights)
    second = attempt(2, tmp_path)

    assert second.take_state() is None
    assert second.ended == {Stage.ENCODER: StopReason.PATIENCE}
    assert second.encoder_weights is not None
    assert torch.equal(second.encoder_weights["weight"], weights["weight"])


def test_the_first_attempt_begins_at_the_beginning(tmp_path: Path) -> None:
    """It ignores a checkpoint that another study of that name may have left."""
    attempt(1, tmp_path).stage_done(STAGE, StopReason.PATIENCE, encoder_weights=None)

    assert attempt(1, tmp_path).ended == {}


@pytest.mark.parametrize(("every_s", "written"), [(0.0, True), (3600.0, False), (math.inf, False)])
def test_a_checkpoint_is_written_as_often_as_asked(
    tmp_path: Path, every_s: float, *, written: bool
) -> None:
    """`every_s` limits how often a state is written: many megabytes of it cost energy too."""
    attempt(1, tmp_path, every_s=every_s).epoch_done(dict)

    assert (tmp_path / "s" / FILE).exists() is written


def test_a_checkpoint_is_removed_when_its_trial_has_ended(tmp_path: Path) -> None:
    """It is removed whichever attempt wrote it; removing it twice is no error."""
    attempt(1, tmp_path).epoch_done(dict)
    second = attempt(2, tmp_path, every_s=math.inf)
    second.remove()
    attempt(1, tmp_path).remove()

    assert not (tmp_path / "s" / FILE).exists()


class Evil:
    """An object that runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        """Create the folder `path` on unpickling."""
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """The call that pickle makes."""
        return os.mkdir, (str(self.path),)


def saved(content: object) -> bytes:
    """Content as torch saves it."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a checkpoint",
        saved({"version": 1})[:-200],
        saved({"version": 1}),
        saved({"version": 0}),
        saved([1, 2]),
        saved({"version": 1, "reports": [], "ended": {"no stage": "patience"}}),
        saved({"version": 1, "reports": [{"epoch": 1}], "ended": {}}),
    ],
    ids=[
        *("empty", "other", "cut", "lacking", "another version", "a list", "unknown stage"),
        "reports that are no rows",
    ],
)
def test_an_unreadable_checkpoint_is_ignored(tmp_path: Path, content: bytes) -> None:
    """The trial starts over."""
    folder(tmp_path).write_bytes(FILE, content)

    checkpoint = attempt(2, tmp_path)

    assert (checkpoint.reports, checkpoint.ended, checkpoint.take_state()) == ([], {}, None)


def test_a_checkpoint_from_others_runs_no_code(tmp_path: Path) -> None:
    """A checkpoint is loaded as weights only, so a malicious pickle is not executed."""
    made = tmp_path / "made-by-a-pickle"
    folder(tmp_path).write_bytes(FILE, saved({"version": 1, "reports": Evil(made)}))
    proof = tmp_path / "proof"
    pickle.loads(pickle.dumps(Evil(proof)))  # noqa: S301 - proves that it is malicious

    checkpoint = attempt(2, tmp_path)

    assert checkpoint.reports == []
    assert proof.exists()
    assert not made.exists()


def test_a_state_that_cannot_be_pickled_costs_the_checkpoint_only(tmp_path: Path) -> None:
    """No error reaches the training, and no file is left."""
    checkpoint = attempt(1, tmp_path)

    checkpoint.epoch_done(lambda: {"cannot be pickled": lambda: None})

    assert not (tmp_path / "s" / FILE).exists()


def test_a_later_attempts_checkpoint_replaces_the_earlier(tmp_path: Path) -> None:
    """The next attempt resumes from the checkpoint that was written last."""
    attempt(1, tmp_path).stage_done(STAGE, StopReason.PATIENCE, encoder_weights=None)
    second = attempt(2, tmp_path)
    second.stage_done(Stage.ENCODER, StopReason.PATIENCE, encoder_weights=None)

    third = attempt(3, tmp_path)

    assert set(third.ended) == {STAGE, Stage.ENCODER}
    assert folder(tmp_path).names("checkpoints") == ["t1-attempt2.pt"]


def test_reading_a_checkpoint_is_retried(tmp_path: Path) -> None:
    """A storage that is unavailable for a moment does not cost the checkpoint."""
    attempt(1, tmp_path).stage_done(STAGE, StopReason.PATIENCE, encoder_weights=None)
    place = tmp_path / "s" / "checkpoints"
    aside = place.rename(tmp_path / "aside")
    place.write_text("no folder")

    class Recovering(list[float]):
        """Pauses during which the storage comes back."""

        def __iter__(self) -> Iterator[float]:
            """Pauses; the storage is back after the first."""
            yield 0.0
            place.unlink()
            aside.rename(place)
            yield 0.0

    found = Checkpoint.of_attempt(
        folder(tmp_path), "t1", attempt=2, every_s=0.0, pauses_s=Recovering()
    )

    assert set(found.ended) == {STAGE}


def test_a_storage_that_fails_costs_the_checkpoint_only(tmp_path: Path) -> None:
    """The training continues to its end without one."""
    (tmp_path / "s").write_text("in the way")

    outcomes = trained(partial(plain_task, Tiny(), data()), attempt(1, tmp_path))

    assert len(outcomes) == EPOCHS


def test_nothing_is_written_without_a_folder(tmp_path: Path) -> None:
    """A machine that cannot access the study's folder keeps no checkpoints."""
    checkpoint = Checkpoint.of_attempt(None, "t1", attempt=2, every_s=0.0)
    checkpoint.epoch_done(dict)
    checkpoint.remove()

    assert checkpoint.ended == {}
    assert list(tmp_path.iterdir()) == []
