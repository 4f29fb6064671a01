"""PAMAP2 as a scenario."""

from pathlib import Path

import pytest
import torch

from study.data.pamap2.scenario import Pamap2
from study.scenario import Scenario
from tests.study.data.pamap2.pamap2_files import write_folder


def test_it_is_a_scenario() -> None:
    """It has all members that a study needs."""
    assert isinstance(Pamap2(), Scenario)


def test_a_step_of_training_lowers_the_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data, network, loss and metrics fit together, and the network learns."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    scenario = Pamap2()
    data = scenario.load(write_folder(tmp_path / "data"), seed=0)
    torch.manual_seed(0)
    network = scenario.network(data)
    inputs = torch.from_numpy(data.train.inputs)
    targets = torch.from_numpy(data.train.targets)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    first = scenario.loss(network(inputs), targets)

    for _ in range(5):
        optimizer.zero_grad()
        scenario.loss(network(inputs), targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    assert network(inputs).shape == (28, 12)
    assert scenario.loss(network(inputs), targets) < first


def test_accuracy_is_the_share_of_right_predictions() -> None:
    """Two of four right is 0.5, as a tensor without dimensions."""
    outputs = torch.eye(4)
    targets = torch.tensor([0, 1, 0, 0])

    metrics = Pamap2().metrics(outputs, targets)

    assert list(metrics) == ["accuracy"]
    assert metrics["accuracy"].shape == ()
    assert metrics["accuracy"] == 0.5
