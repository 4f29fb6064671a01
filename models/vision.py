"""Networks for images: a timm encoder with its normalisation, and a classifier.

The paper uses a ResNet-18 with ImageNet weights for CelebA; any timm model name works.
Images stay uint8 until they are inside the network, on the device, which takes a quarter of the memory
and of the transfer of float32.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy.typing as npt
import timm
import torch
from torch import Tensor, nn

Weights = Mapping[str, npt.NDArray[Any]]
"""Parameters and buffers of an encoder's backbone by name, as numpy arrays."""

_LEVELS = 255


class VisionError(Exception):
    """Error: an encoder cannot be made as asked for; the message says what is allowed."""


@final
class Normalise(nn.Module):
    """Normalisation of uint8 images to the range of floats that a network's weights were trained on."""

    scale: Tensor
    shift: Tensor

    def __init__(self, *, mean: Sequence[float], deviation: Sequence[float]) -> None:
        """Normalise by a mean and a standard deviation for each channel, given for images from 0 to 1."""
        super().__init__()
        spread = torch.tensor(deviation).reshape(-1, 1, 1)
        # Not persistent: they follow from the encoder's name and are not part of its weights.
        self.register_buffer("scale", 1 / (_LEVELS * spread), persistent=False)
        centre = torch.tensor(mean).reshape(-1, 1, 1)
        self.register_buffer("shift", -centre / spread, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Normalise a batch.

        Args:
            images: uint8, shape (batch, channels, height, width).

        Returns:
            float32, of the same shape: ((images / 255) - mean) / deviation.
        """
        return images.to(self.scale.dtype) * self.scale + self.shift


@final
class RandomFlip(nn.Module):
    """Augmentation that flips each image left to right with probability 0.5, only in training mode."""

    def forward(self, images: Tensor) -> Tensor:
        """Flip about half of a batch, on the device and with its random number generator.

        Args:
            images: Shape (batch, channels, height, width).

        Returns:
            Images of the same shape and type.
        """
        if not self.training:
            return images
        mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 1 / 2
        return torch.where(mirrored, images.flip(-1), images)


@final
class VisionEncoder(nn.Module):
    """Encoder from images to latent features: flip, normalisation, timm backbone.

    Attributes:
        features: Number of latent features.
    """

    def __init__(
        self, name: str, *, image_size: int, flip: bool = False, weights: Weights | None = None
    ) -> None:
        """Make an encoder.

        Args:
            name: Name of the encoder in timm, for example `resnet18`.
            image_size: Height and width of the images in pixels, for encoders that are made for one size.
            flip: Whether to flip images at random while training.
            weights: Initial weights of the backbone; None for random weights.

        Raises:
            VisionError: timm does not know the name, or the weights are those of another network.
        """
        super().__init__()
        self.backbone = backbone(name, image_size=image_size)
        cfg = self.backbone.pretrained_cfg
        self.flip = RandomFlip() if flip else nn.Identity()
        self.normalise = Normalise(mean=cfg["mean"], deviation=cfg["std"])
        self.features = int(getattr(self.backbone, "head_hidden_size", self.backbone.num_features))
        if weights is not None:
            load_weights(self.backbone, weights)

    def forward(self, images: Tensor) -> Tensor:
        """Encode a batch.

        Args:
            images: uint8, shape (batch, 3, height, width).

        Returns:
            Latent features; shape (batch, features).
        """
        latents: Tensor = self.backbone(self.normalise(self.flip(images)))
        return latents


@final
class VisionClassifier(nn.Module):
    """Encoder plus a linear classifier."""

    def __init__(self, encoder: VisionEncoder, *, classes: int) -> None:
        """Classify images into `classes` classes from the latent features of `encoder`."""
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.features, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the class logits of a batch.

        Args:
            images: uint8, shape (batch, 3, height, width).

        Returns:
            Logits; shape (batch, classes).
        """
        scores: Tensor = self.head(self.encoder(images))
        return scores


def backbone(name: str, *, image_size: int, published: bool = False) -> Any:  # noqa: ANN401 - timm's
    """Return a timm model without its classifier.

    Args:
        name: Name of the model in timm; `resnet18.a1_in1k` chooses among several published weights.
        image_size: Height and width of the images, in pixels.
        published: Whether to load its published weights, which timm may have to download.

    Raises:
        VisionError: timm does not know the name, or cannot make the encoder for such images.
    """
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), n=3)
        message = (
            f"timm {timm.__version__} has no model {name!r}"
            f"{'; similar are ' + ', '.join(near) if near else ''}. "
            "`python -c 'import timm; print(timm.list_models())'` lists all."
        )
        raise VisionError(message)
    if published:
        return _made(name, image_size, pretrained=True)
    try:
        return _made(name, image_size, pretrained=False)
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        message = f"timm cannot make {name} for images of {image_size} pixels: {error}"
        raise VisionError(message) from error


def _made(name: str, image_size: int, *, pretrained: bool) -> Any:  # noqa: ANN401 - timm's
    cfg = timm.get_pretrained_cfg(name)
    # Encoders that take images of any size do not accept this argument.
    is_for_one_size = cfg is not None and cfg.fixed_input_size
    sized: dict[str, Any] = {"img_size": image_size} if is_for_one_size else {}
    return timm.create_model(name, pretrained=pretrained, num_classes=0, **sized)


def load_weights(network: nn.Module, weights: Weights) -> None:
    """Load weights into all parameters and buffers of a backbone.

    Weights of a classifier that the backbone does not have are ignored.

    Raises:
        VisionError: A weight is missing, unknown or of another shape, so that no part is trained from
            scratch by accident.
    """
    cfg: Any = network.pretrained_cfg
    classifier = cfg.get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    own = network.state_dict()
    taken = {
        name: torch.from_numpy(array.copy())
        for name, array in weights.items()
        if name in own or not name.startswith(tuple(f"{head}." for head in heads))
    }
    missing = [name for name in own if name not in taken]
    strange = [name for name in taken if name not in own]
    reshaped = [name for name in own if name in taken and own[name].shape != taken[name].shape]
    if missing or strange or reshaped:
        message = (
            f"these are not the weights of {cfg['architecture']}: "
            f"{len(missing)} are missing{_first(missing)}, {len(strange)} are of another network"
            f"{_first(strange)}, {len(reshaped)} have another shape{_first(reshaped)}"
        )
        raise VisionError(message)
    network.load_state_dict(taken)


def _first(names: list[str]) -> str:
    return f" (first {names[0]})" if names else ""
