"""Options of the scenario `celeba`; imports nothing heavy, so that `--help` need not load torch."""

from dataclasses import dataclass, replace
from typing import Annotated, Self

import tyro

from study.errors import refuse

SMALLEST_IMAGE, LARGEST_IMAGE = 32, 1024
IMAGE_SIZE = 64
"""Height and width in pixels: our choice, small enough for a CPU, as the paper gives none."""
SMOKE_IMAGE_SIZE = 32


@dataclass(frozen=True, kw_only=True)
class CelebaOptions:
    """Options of the image encoder and of the images it is trained on.

    Attributes:
        encoder: Name of the image encoder in timm.
        weights: Initial weights of the encoder: imagenet, none (random), or a PATH (safetensors or a torch
            state dict); left out: imagenet for real images, none for synthetic ones.
        image_size: Height and width of the images, in pixels, which the paper does not give; left
            out: 64, and 32 with --smoke.
        flip: Flip training images left to right at random.
    """

    encoder: Annotated[str, tyro.conf.arg(metavar="NAME")] = "resnet18"
    weights: Annotated[str | None, tyro.conf.arg(metavar="WEIGHTS", help_behavior_hint="")] = None
    image_size: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None
    flip: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False

    def __post_init__(self) -> None:
        """Refuse values that are not allowed.

        Raises:
            OptionError: An option has a value that is not allowed; the message names the first.
        """
        if not self.encoder:
            refuse("--encoder is empty", "a name that timm knows")
        if self.weights == "":
            refuse("--weights is empty", "imagenet, none, or the path of a file")
        if self.image_size is not None and not SMALLEST_IMAGE <= self.image_size <= LARGEST_IMAGE:
            allowed = f"whole pixels from {SMALLEST_IMAGE} to {LARGEST_IMAGE}"
            refuse(f"--image-size is {self.image_size}", allowed)

    @property
    def pixels(self) -> int:
        """Height and width of the images, in pixels."""
        return IMAGE_SIZE if self.image_size is None else self.image_size

    def reduced(self) -> Self:
        """Return these options reduced for a smoke run; an image size that was given is kept."""
        return self if self.image_size is not None else replace(self, image_size=SMOKE_IMAGE_SIZE)
