"""The layout of TensorBoard's custom scalars, read by TensorBoard's own plugin over HTTP."""

from pathlib import Path

import pytest

from study.record.objective import ACCURACY, Objective
from study.store.tensorboard_layout import LAYOUT_FILE, layout_events
from tests.tensorboard_server import served
from tests.waiting import waited_for


def test_tensorboard_serves_accuracy_energy_and_power_side_by_side(tmp_path: Path) -> None:
    """The first row of charts is what the paper puts beside each other, by the names Ray logs."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / LAYOUT_FILE).write_bytes(layout_events(ACCURACY, tasks=(), estimated=False))

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


@pytest.mark.parametrize(("tasks", "shown"), [(("depth", "identity"), True), ((), False)])
def test_only_a_study_of_several_tasks_has_a_chart_for_each(
    tasks: tuple[str, ...], *, shown: bool
) -> None:
    """A chart that stays empty is left out."""
    events = layout_events(ACCURACY, tasks=tasks, estimated=False)

    assert (b"identity/accuracy" in events) is shown
    assert (b"depth/accuracy" in events) is shown


def test_the_first_chart_has_the_name_of_the_objective() -> None:
    """Its curve is `val_score` whatever the objective is."""
    events = layout_events(Objective("rmse", "min"), tasks=(), estimated=False)

    assert b"Validation rmse" in events


@pytest.mark.parametrize("estimated", [True, False])
def test_charts_of_an_estimate_say_so(*, estimated: bool) -> None:
    """Energy and power are labelled; accuracy and losses are what they are."""
    events = layout_events(ACCURACY, tasks=(), estimated=estimated)

    assert events.count(b" (estimated)") == (3 if estimated else 0)


def test_several_components_have_a_chart_each() -> None:
    """A single one is what ranks, and has its chart already; an estimate says so."""
    alone = layout_events(ACCURACY, tasks=(), estimated=False, components={"gpu": False})
    several = layout_events(
        ACCURACY, tasks=(), estimated=False, components={"gpu": False, "cpu": True}
    )

    assert b"Energy by component" not in alone
    assert b"ray/tune/gpu_energy_mwh" in several
    assert b"CPU: energy of an epoch, mWh (estimated)" in several
