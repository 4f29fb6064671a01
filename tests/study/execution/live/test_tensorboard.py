"""A study with synthetic trials in TensorBoard, queried over HTTP as by its page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from study.execution.live.tensorboard import StudyTensorBoard
from tests.study.record.test_manifest import MANIFEST
from tests.study.rows import epoch
from tests.tensorboard_server import served
from tests.waiting import waited_for

pytestmark = pytest.mark.slow


class Trial:
    """Stand-in for Tune's trial, as far as the logger reads it."""

    def __init__(self, folder: Path, number: int) -> None:
        """Describe a trial with a folder of its own."""
        self.trial_id = f"{number}"
        self.evaluated_params = {"batch_size": 64 * number, "learning_rate": 0.1}
        self.local_path = str(folder / f"setup0{number}")

    def init_local_path(self) -> None:
        """Make its folder."""
        Path(self.local_path).mkdir(parents=True)


def write_event_files(logs: Path) -> Path:
    """Write event files of two trials of three epochs; returns their folder."""
    logger = StudyTensorBoard(MANIFEST, first_epoch_j=None)
    for number in (1, 2):
        trial = Trial(logs, number)
        for at in (1, 2, 3):
            row = epoch(at, 36.0 * number, 0.25 * at, mean_power_w=18.0).to_row()
            logger.log_trial_result(at, trial, {**row, "training_iteration": at, "done": at == 3})
        logger.log_trial_end(trial)
    return logs


@pytest.fixture(name="ask", scope="module")
def fixture_ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Function that queries a TensorBoard of the study."""
    folder = tmp_path_factory.mktemp("served")
    with served(write_event_files(folder / "logs"), folder / "log") as ask:
        waited_for(lambda: len(ask("scalars/tags")) == 2, "both runs")
        yield ask


def test_each_run_is_a_trial_and_each_curve_is_described(ask: Any) -> None:  # noqa: ANN401 - JSON
    """There is no run without curves, and no curve without a description."""
    runs = ask("timeseries/tags")["scalars"]

    assert set(runs["runTagInfo"]) == {"setup01", "setup02"}
    tags = set(runs["runTagInfo"]["setup01"])
    assert {tag.split("/")[0] for tag in tags} == {"energy", "loss", "objective", "power", "speed"}
    assert set(runs["tagDescriptions"]) == tags
    assert all(runs["tagDescriptions"].values())


def test_the_page_shows_accuracy_energy_and_power_side_by_side(ask: Any) -> None:  # noqa: ANN401 - JSON
    """Each trial's file has the layout, but it appears once; its charts find their curves in each run."""
    layout = ask("custom_scalars/layout")
    first = layout["category"][0]["chart"]

    titles = [chart["title"] for chart in first]
    tags = [chart["multiline"]["tag"][0] for chart in first]

    assert [title.split(",")[0] for title in titles] == [
        "Validation accuracy",
        "Energy of an epoch",
        "Mean power of an epoch",
    ]
    for run in ("setup01", "setup02"):
        found = [
            ask(f"custom_scalars/scalars?run={run}&tag={tag}")["tag_to_events"] for tag in tags
        ]
        assert [len(points) for curves in found for points in curves.values()] == [3, 3, 3]


def test_setups_are_compared_by_their_parameters(ask: Any) -> None:  # noqa: ANN401 - JSON
    """TensorBoard has batch size and learning rate as hyper-parameters, not as curves."""
    experiment = ask("hparams/experiment", {"experimentName": ""})

    assert {each["name"] for each in experiment["hparamInfos"]} == {"batch_size", "learning_rate"}


def test_a_script_finds_all_epochs_of_a_curve(tmp_path: Path) -> None:
    """TensorBoard's own reader returns every epoch, including the first."""
    events = EventAccumulator(str(write_event_files(tmp_path) / "setup01"))
    events.Reload()

    curves = {tag: [each.step for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}

    assert curves["energy/epoch_mwh"] == [1, 2, 3]
    assert set(map(tuple, curves.values())) == {(1, 2, 3)}
