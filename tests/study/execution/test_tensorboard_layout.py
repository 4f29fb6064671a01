"""The layout of TensorBoard's custom scalars, read by TensorBoard's own plugin over HTTP."""

from pathlib import Path

import pytest

from study.execution.tensorboard_layout import LAYOUT_FILE, layout_events
from study.record.records import Paradigm
from tests.tensorboard_server import served
from tests.waiting import waited_for


def test_tensorboard_serves_accuracy_energy_and_power_side_by_side(tmp_path: Path) -> None:
    """The first row of charts is what the paper puts beside each other, by the names Ray logs."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / LAYOUT_FILE).write_bytes(layout_events(Paradigm.REGIME, estimated=False))

    with served(logs, tmp_path / "said") as ask:
        layout = waited_for(lambda: ask("custom_scalars/layout"), "a layout")
    categories = layout["category"]

    tags = [chart["multiline"]["tag"] for chart in categories[0]["chart"]]
    assert tags == [
        ["^ray/tune/val_score$"],
        ["^ray/tune/epoch_energy_mwh$"],
        ["^ray/tune/mean_power_w$"],
    ]
    assert len(categories) == 2


@pytest.mark.parametrize(("paradigm", "shown"), [("multitask", True), ("pretraining", False)])
def test_only_a_study_of_two_tasks_has_charts_for_each(paradigm: str, *, shown: bool) -> None:
    """A chart that stays empty is left out."""
    events = layout_events(Paradigm(paradigm), estimated=False)

    assert (b"identity/accuracy" in events) is shown


@pytest.mark.parametrize("estimated", [True, False])
def test_charts_of_an_estimate_say_so(*, estimated: bool) -> None:
    """Energy and power are labelled; accuracy and losses are what they are."""
    events = layout_events(Paradigm.REGIME, estimated=estimated)

    assert events.count(b" (estimated)") == (3 if estimated else 0)
