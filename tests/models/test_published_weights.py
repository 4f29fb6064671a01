"""Loading of weights from a file or from where they are published."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from models.published_weights import fetch, read
from models.vision import VisionError, backbone

SMALL = "test_resnet"
FETCH_SCRIPT = """
import sys, numpy as np
from models.published_weights import fetch
from models.vision import VisionError
np.savez(sys.argv[1], **fetch("test_resnet", image_size=32).weights)
try:
    fetch("resnet18", image_size=32)
except VisionError as error:
    print(error)
"""
SIZE = 32


def state() -> dict[str, torch.Tensor]:
    """Random weights, as a file holds them."""
    torch.manual_seed(11)
    tensors: dict[str, torch.Tensor] = backbone(SMALL, image_size=SIZE).state_dict()
    return tensors


def write(path: Path, tensors: dict[str, torch.Tensor], *, nested: bool = False) -> Path:
    """Write weights in the format that the name's suffix says."""
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save({"state_dict": tensors} if nested else tensors, path)
    return path


@pytest.mark.parametrize(
    ("name", "nested"), [("a.safetensors", False), ("a.pth", False), ("a.pt", True)]
)
def test_weights_are_read_from_a_file(tmp_path: Path, name: str, *, nested: bool) -> None:
    """Every value is that of the file, and the source names it."""
    tensors = state()
    path = write(tmp_path / name, tensors, nested=nested)

    found = read(path, SMALL, image_size=SIZE)

    assert found.source == f"test_resnet from {name}"
    assert set(found.weights) == set(tensors)
    for key, tensor in tensors.items():
        np.testing.assert_array_equal(found.weights[key], tensor.numpy())


def test_half_precision_is_read_as_single(tmp_path: Path) -> None:
    """NumPy has no bfloat16; the values are kept."""
    tensors = {
        name: tensor.bfloat16() if tensor.is_floating_point() else tensor
        for name, tensor in state().items()
    }

    found = read(write(tmp_path / "a.safetensors", tensors), SMALL, image_size=SIZE)

    for key, tensor in tensors.items():
        np.testing.assert_array_equal(found.weights[key], tensor.float().numpy())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """The message names the file, what does not fit, and what to do."""
    path = write(tmp_path / "a.pth", state())

    with pytest.raises(VisionError) as caught:
        read(path, "resnet18", image_size=SIZE)

    message = str(caught.value)
    assert message.startswith(f"{path}: these are not the weights of resnet18: ")
    assert "Give another file, or the --encoder that it belongs to" in message


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense" * 100])
def test_a_file_that_holds_no_weights_is_refused(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    """The file is missing, empty or something else."""
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(VisionError, match=r"no weights could be read .* Give a .safetensors file"):
        read(tmp_path / name, SMALL, image_size=SIZE)


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    """A pickled object is refused instead of loaded."""
    torch.save({"conv1.weight": nn.Linear(2, 2)}, tmp_path / "a.pth")

    with pytest.raises(VisionError, match="no weights could be read"):
        read(tmp_path / "a.pth", SMALL, image_size=SIZE)


def test_published_weights_become_arrays_with_their_source() -> None:
    """The source has an address, so that a reader of the results can look it up."""
    network: nn.Module = backbone(SMALL, image_size=SIZE)
    calls: list[object] = []

    def fake_create(encoder: str, **options: object) -> nn.Module:
        calls.append((encoder, options))
        return network

    found = fetch(SMALL, image_size=SIZE, make=fake_create)

    assert calls == [(SMALL, {"image_size": SIZE, "published": True})]
    assert "https://huggingface.co/timm/test_resnet" in found.source
    for name, tensor in network.state_dict().items():
        np.testing.assert_array_equal(found.weights[name], tensor.numpy())


def test_without_a_connection_the_message_says_how_to_get_weights() -> None:
    """It has the address, the option for a file, and the alternative without weights."""

    def unreachable(*_: object, **__: object) -> nn.Module:
        message = "cannot reach the hub\nand more"
        raise OSError(message)

    with pytest.raises(VisionError) as caught:
        fetch("resnet18", image_size=SIZE, make=unreachable)

    message = str(caught.value)
    assert "resnet18 could not be fetched (OSError: cannot reach the hub)" in message
    assert "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors" in message
    assert "`--encoder resnet18 --weights PATH`" in message
    assert "`--weights none`" in message


def test_an_encoder_without_published_weights_is_refused() -> None:
    """The message differs from that of a failed download."""
    with pytest.raises(VisionError, match="publishes no weights for darknet17"):
        fetch("darknet17", image_size=SIZE)


@pytest.mark.slow
def test_weights_are_found_in_the_cache_of_the_hub(tmp_path: Path) -> None:
    """Offline, timm and the hub's client find weights that the cache holds, and others are refused."""
    place = tmp_path / "hub" / "models--timm--test_resnet.r160_in1k"
    for folder in ("refs", "snapshots/1"):
        (place / folder).mkdir(parents=True)
    (place / "refs" / "main").write_text("1")
    tensors = state()
    write(place / "snapshots" / "1" / "model.safetensors", tensors)

    done = subprocess.run(
        [sys.executable, "-c", FETCH_SCRIPT, str(tmp_path / "out.npz")],
        cwd=Path(__file__).parent.parent.parent,
        # The hub's client reads these on import, hence a separate process.
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    with np.load(tmp_path / "out.npz") as found:
        assert set(found) == set(tensors)
        assert all(np.array_equal(found[name], tensor) for name, tensor in tensors.items())
    assert "the published weights of resnet18 could not be fetched" in done.stdout
