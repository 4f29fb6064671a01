"""Pretrained weights of an encoder: downloaded from where timm publishes them, or read from a file.

Used once per study, in the driver; trials receive arrays. Weights that cannot be had raise an error that says
how to get them: nothing falls back to random weights.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import timm
from timm.models import load_state_dict
from torch import Tensor, nn

from models.vision import VisionError, Weights, backbone, load_weights

_HUB = "https://huggingface.co"


class Published(NamedTuple):
    """Weights of an encoder, and a description of where they come from."""

    weights: Weights
    source: str


def fetch(encoder: str, *, image_size: int, make: Callable[..., nn.Module] = backbone) -> Published:
    """Return the published (ImageNet) weights of an encoder, from timm's cache or the network.

    Args:
        encoder: Name of the encoder in timm.
        image_size: Height and width of the images, in pixels.
        make: Function that makes the encoder with its published weights; called as `backbone` is.

    Raises:
        VisionError: timm does not know the encoder, publishes no weights for it, or they cannot be
            fetched.
    """
    cfg = _published_cfg(encoder)
    try:
        network = make(encoder, image_size=image_size, published=True)
    except VisionError:
        raise
    except Exception as error:
        # timm, the client of the Hugging Face Hub and the network raise anything from OSError to ValueError.
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        message = (
            f"the published weights of {encoder} could not be fetched "
            f"({type(error).__name__}: {reason}). {_how_to_get(encoder, cfg)}"
        )
        raise VisionError(message) from error
    return Published(_arrays(network.state_dict()), _source(encoder, cfg))


def read(path: Path, encoder: str, *, image_size: int) -> Published:
    """Read the weights of an encoder from a file.

    Args:
        path: A `.safetensors` file, or a state dict written by torch; with or without the weights
            of a classifier. Code in it is not run.
        encoder: Name in timm of the encoder that the weights belong to.
        image_size: Height and width of the images, in pixels.

    Raises:
        VisionError: The file cannot be read, or holds weights of another network.
    """
    network = backbone(encoder, image_size=image_size)
    try:
        weights = _arrays(load_state_dict(str(path), use_ema=False, weights_only=True))
    except Exception as error:
        # A user's file may be broken in any way.
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        message = (
            f"{path}: no weights could be read ({type(error).__name__}: {reason}). Give a "
            ".safetensors file, or a state dict written by torch.save."
        )
        raise VisionError(message) from error
    try:
        load_weights(network, weights)
    except VisionError as error:
        message = f"{path}: {error}. Give another file, or the --encoder that it belongs to."
        raise VisionError(message) from error
    return Published(_arrays(network.state_dict()), f"{encoder} from {path.name}")


def _published_cfg(encoder: str) -> Any:  # noqa: ANN401 - timm's
    backbone_cfg = timm.get_pretrained_cfg(encoder) if timm.is_model(encoder) else None
    if timm.is_model(encoder) and (backbone_cfg is None or not _places(backbone_cfg)):
        with_weights = timm.list_pretrained(f"{encoder.split('_', maxsplit=1)[0]}*")[:3]
        message = (
            f"timm {timm.__version__} publishes no weights for {encoder}. Give the path of some, "
            f"or none for random weights, or an encoder that has some"
            f"{': ' + ', '.join(with_weights) if with_weights else ''}."
        )
        raise VisionError(message)
    return backbone_cfg


def _places(cfg: Any) -> tuple[str, ...]:  # noqa: ANN401 - timm's
    """Return the URLs at which weights are published, that of the Hugging Face Hub first."""
    hub = f"{_HUB}/{cfg.hf_hub_id}/resolve/main/model.safetensors" if cfg.hf_hub_id else None
    return tuple(place for place in (hub, cfg.url) if place)


def _source(encoder: str, cfg: Any) -> str:  # noqa: ANN401 - timm's
    return f"{encoder.split('.', maxsplit=1)[0]}, {_places(cfg)[0]}"


def _how_to_get(encoder: str, cfg: Any) -> str:  # noqa: ANN401 - timm's
    return (
        f"On a machine with a network download {' or '.join(_places(cfg))}, bring the file here "
        f"and give its path: `--encoder {encoder} --weights PATH`. Or train from scratch, if that "
        "is what you want: `--weights none`."
    )


def _arrays(state: dict[str, Tensor]) -> Weights:
    """Return a state dict as arrays, floats as float32, because numpy has no bfloat16."""
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().numpy()
        for name, tensor in state.items()
    }
