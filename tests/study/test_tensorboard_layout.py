"""The layout of TensorBoard's custom scalars, read by TensorBoard's own plugin over HTTP."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from study.records import Paradigm
from study.tensorboard_layout import LAYOUT_FILE, layout_events


def served_layout(folder: Path) -> Any:  # noqa: ANN401 - JSON
    """What TensorBoard's custom scalars plugin says of a folder, once it has read it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "tensorboard.main", "--logdir", str(folder)),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/data/plugin/custom_scalars/layout"
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(url, timeout=10) as answer:
                    layout = json.loads(answer.read())
            except OSError:
                layout = {}
            if layout:
                return layout
            time.sleep(0.25)
    finally:
        server.terminate()
        server.wait(timeout=20)
    return {}


def test_tensorboard_serves_accuracy_energy_and_power_side_by_side(tmp_path: Path) -> None:
    """The first row of charts is what the paper puts beside each other, by the names Ray logs."""
    (tmp_path / LAYOUT_FILE).write_bytes(layout_events(Paradigm.REGIME, estimated=False))

    categories = served_layout(tmp_path)["category"]

    tags = [chart["multiline"]["tag"] for chart in categories[0]["chart"]]
    assert tags == [
        ["^ray/tune/val_accuracy$"],
        ["^ray/tune/epoch_energy_mwh$"],
        ["^ray/tune/mean_power_w$"],
    ]
    assert len(categories) == 2


@pytest.mark.parametrize(("paradigm", "shown"), [("multitask", True), ("pretraining", False)])
def test_only_a_study_of_two_tasks_has_charts_for_each(paradigm: str, *, shown: bool) -> None:
    """A chart that stays empty is left out."""
    events = layout_events(Paradigm(paradigm), estimated=False)

    assert (b"val_accuracy_identity" in events) is shown


@pytest.mark.parametrize("estimated", [True, False])
def test_charts_of_an_estimate_say_so(*, estimated: bool) -> None:
    """Energy and power are labelled; accuracy and losses are what they are."""
    events = layout_events(Paradigm.REGIME, estimated=estimated)

    assert events.count(b" (estimated)") == (3 if estimated else 0)
