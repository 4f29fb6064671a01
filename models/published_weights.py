"""Weights for an encoder: fetched from where timm publishes them, or read from a file.

Called once per study, in the driver; trials get arrays. What cannot be had is an error that says
how to get it. Nothing falls back to random weights.
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
    """Weights and where they come from, in words."""

    weights: Weights
    source: str


def fetch(encoder: str, *, image_size: int, make: Callable[..., nn.Module] = backbone) -> Published:
    """The published (ImageNet) weights of an encoder, from timm's cache or the network.

    Args:
        encoder: As timm knows it.
        image_size: Height and width of the images.
        make: Makes the encoder with its published weights.

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
        # timm, the hub's client and the network beneath raise anything from OSError to ValueError.
        reason = (str(error).strip().splitlines() or [""])[0][:200]
        message = (
            f"the published weights of {encoder} could not be fetched "
            f"({type(error).__name__}: {reason}). {_how_to_get(encoder, cfg)}"
        )
        raise VisionError(message) from error
    return Published(_arrays(network.state_dict()), _source(encoder, cfg))


def read(path: Path, encoder: str, *, image_size: int) -> Published:
    """Weights of an encoder from a file.

    Args:
        path: A `.safetensors` file, or a state dict that torch wrote; with or without the weights
            of a classifier. No code in it is run.
        encoder: Whose weights they are, as timm knows it.
        image_size: Height and width of the images.

    Raises:
        VisionError: The file cannot be read, or holds the weights of something else.
    """
    network = backbone(encoder, image_size=image_size)
    try:
        weights = _arrays(load_state_dict(str(path), use_ema=False, weights_only=True))
    except Exception as error:
        # A file of a user may be broken in any way.
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
    """Return the addresses where weights are published, the hub first."""
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
    """Arrays of a state dict; half precision, which numpy has not in all its forms, in single."""
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().numpy()
        for name, tensor in state.items()
    }
