"""Files that Tune keeps of each trial: what a reader of them finds."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.plugins.hparams import metadata

from study.execution.reporting.reports import REPORTED_AT
from study.execution.reporting.trial_files import Curves, ResultLines


class Trial(SimpleNamespace):
    """As much of a trial of Tune's as is looked at."""

    def __init__(self, folder: Path) -> None:
        """A trial of two parameters."""
        super().__init__(
            local_path=str(folder), config={"trial_id": "a"}, evaluated_params={"batch_size": 64}
        )

    def __hash__(self) -> int:
        """Tune's are told apart by identity too."""
        return id(self)

    def init_local_path(self) -> None:
        """Its folder is there."""


def result(step: int, **values: Any) -> dict[str, Any]:  # noqa: ANN401 - any value
    """A result of Tune's."""
    return {"training_iteration": step, REPORTED_AT: 100.0 + step, **values}


def test_tensorboard_finds_the_numbers_of_each_row(tmp_path: Path) -> None:
    """By name, epoch and time; words, and what is missing, have no curve."""
    trial, curves = Trial(tmp_path), Curves()
    curves.log_trial_start(trial)

    for step in (1, 2):
        values = {"energy_wh": 0.5 * step, "stage": "a", "val_loss": None, "test": float("nan")}
        curves.log_trial_result(1, trial, result(step, **values))
    curves.log_trial_end(trial)

    (file,) = tmp_path.glob("events.out.tfevents.*")
    events = list(EventFileLoader(str(file)).Load())
    points = [
        (event.step, event.wall_time, value.tag, value.tensor.float_val[0])
        for event in events
        for value in event.summary.value
        if value.tag.startswith("ray/")
    ]
    assert points == [(1, 101.0, "ray/tune/energy_wh", 0.5), (2, 102.0, "ray/tune/energy_wh", 1.0)]


def test_tensorboard_finds_the_parameters_at_the_end(tmp_path: Path) -> None:
    """It compares trials by them."""
    trial, curves = Trial(tmp_path), Curves()
    curves.log_trial_result(1, trial, result(1, energy_wh=0.5))

    curves.log_trial_end(trial)

    (file,) = tmp_path.glob("events.out.tfevents.*")
    tags = {
        value.tag for event in EventFileLoader(str(file)).Load() for value in event.summary.value
    }
    assert metadata.SESSION_START_INFO_TAG in tags
    assert metadata.SESSION_END_INFO_TAG in tags


def test_each_row_is_a_line(tmp_path: Path) -> None:
    """Whoever reads a study that was killed relies on whole lines."""
    trial, lines = Trial(tmp_path), ResultLines()  # type: ignore[no-untyped-call]
    lines._restore_from_remote = lambda *_: None  # noqa: SLF001 - nothing is there to go on with

    for step in (1, 2):
        lines.log_trial_result(1, trial, result(step, stage="a"))

    found = [json.loads(line) for line in (tmp_path / "result.json").read_text().splitlines()]
    assert [each["training_iteration"] for each in found] == [1, 2]
