"""Transfer of an encoder from one training to another."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sensor import SensorDecoder, SensorEncoder
from models.transfer import Autoencoder, FrozenEncoder, weights_of, with_weights


@given(batch=st.integers(2, 5), channels=st.integers(1, 6), time=st.integers(9, 70))
@settings(max_examples=20, deadline=None)
def test_an_autoencoder_keeps_the_shape_of_its_input(batch: int, channels: int, time: int) -> None:
    """This holds also where the length is no multiple of the strides."""
    network = Autoencoder(
        encoder=SensorEncoder(channels), decoder=SensorDecoder(channels=channels, time=time)
    )
    windows = torch.randn(batch, channels, time)

    assert network(windows).shape == windows.shape


def test_a_frozen_encoder_stays_in_evaluation_mode() -> None:
    """In a network that trains, its batch norms keep their statistics, and its features stay the same."""
    encoder = FrozenEncoder(SensorEncoder(2))
    before = weights_of(encoder)
    windows = torch.randn(4, 2, 20)

    first = encoder.train()(windows)
    again = torch.nn.Sequential(encoder).train()(windows)

    assert torch.equal(first, again)
    assert all(torch.equal(before[name], each) for name, each in encoder.state_dict().items())
    assert not any(each.requires_grad for each in encoder.parameters())


def test_weights_are_copies() -> None:
    """Later training of the source or of the receiver does not change them or the other."""
    source, receiver = SensorEncoder(2), SensorEncoder(2)
    kept = weights_of(source)

    with_weights(receiver, kept)
    with torch.no_grad():
        for each in (*source.parameters(), *receiver.parameters()):
            each.add_(1.0)

    assert all(not torch.equal(kept[name], each) for name, each in source.named_parameters())
    assert all(torch.equal(kept[name] + 1, each) for name, each in receiver.named_parameters())


def test_weights_of_another_network_are_refused() -> None:
    """Names and shapes must be the same."""
    with pytest.raises(RuntimeError, match="size mismatch"):
        with_weights(SensorEncoder(3), weights_of(SensorEncoder(2)))
