"""The networks for windows of sensor data."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from models.sensor import WIDTHS, SensorClassifier, SensorEncoder


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Use one thread, because waiting for others on a busy machine makes small networks slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@given(batch=st.integers(1, 4), channels=st.integers(1, 9), time=st.integers(8, 70))
def test_any_window_becomes_latent_features(batch: int, channels: int, time: int) -> None:
    """This includes odd lengths and single channels, on which the number of features does not depend."""
    encoder = SensorEncoder(channels).eval()

    latent = encoder(torch.zeros(batch, channels, time))

    assert latent.shape == (batch, encoder.features)
    assert encoder.features == WIDTHS[-1]


@given(classes=st.integers(1, 40), channels=st.integers(1, 30), time=st.sampled_from([8, 99, 200]))
def test_a_classifier_scores_every_class(classes: int, channels: int, time: int) -> None:
    """One score for each class and window."""
    network = SensorClassifier(channels=channels, classes=classes).eval()

    scores = network(torch.zeros(3, channels, time))

    assert scores.shape == (3, classes)


def test_the_gradient_reaches_every_parameter() -> None:
    """No part of the network is left out of training."""
    torch.manual_seed(0)
    network = SensorClassifier(channels=6, classes=7)

    loss = functional.cross_entropy(network(torch.randn(16, 6, 100)), torch.arange(16) % 7)
    loss.backward()  # type: ignore[no-untyped-call]

    reached = {
        name: parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        for name, parameter in network.named_parameters()
    }
    assert all(reached.values()), reached


def test_a_window_is_classified_independently_of_its_batch() -> None:
    """In evaluation, the other windows of a batch change nothing."""
    torch.manual_seed(0)
    network = SensorClassifier(channels=3, classes=4).eval()
    windows = torch.randn(5, 3, 50)

    together = network(windows)

    torch.testing.assert_close(network(windows[2:3]), together[2:3])


def test_a_batch_of_training_may_have_a_single_window() -> None:
    """The last batch of an epoch may be that small."""
    network = SensorClassifier(channels=2, classes=2).train()

    scores = network(torch.randn(1, 2, 9))

    assert torch.isfinite(scores).all()


@pytest.mark.parametrize("channels", [6, 27])
def test_the_input_is_not_modified(channels: int) -> None:
    """In-place operations of the network do not reach its input."""
    windows = torch.randn(4, channels, 100)
    before = windows.clone()

    SensorClassifier(channels=channels, classes=3)(windows)

    assert torch.equal(before, windows)
