"""CelebA: whose face it is, among forty; and which of forty attributes it has."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, final

import torch
from torch import Tensor, nn

from models.multitask import MultitaskClassifier
from models.published_weights import Published, fetch, read
from models.vision import VisionClassifier, VisionEncoder, VisionError, backbone
from study.data import celeba
from study.data.celeba_format import ATTRIBUTES
from study.data.progress import say
from study.errors import DataError, OptionError
from study.scenario import Data

DEFAULT_ENCODER = "resnet18"
IMAGENET, NO_WEIGHTS = "imagenet", "none"

IDENTITY, ATTRIBUTES_TASK = "identity", "attributes"
"""The names of the two tasks."""


@final
class Celeba:
    """Identity and attributes of faces; see `study.data.celeba_format` for the data.

    Targets have 41 columns: the identity's class, then the attributes.

    Attributes:
        name: The word that `--scenario` takes.
    """

    name = "celeba"

    def __init__(
        self,
        *,
        encoder: str = DEFAULT_ENCODER,
        weights: str | None = None,
        image_size: int = celeba.DEFAULT_IMAGE_SIZE,
        flip: bool = False,
    ) -> None:
        """Describe data and networks.

        Args:
            encoder: As timm knows it.
            weights: `imagenet`, `none`, or the path of a file; None: `imagenet` for real images,
                `none` for drawn ones, so that they can be tried without a network.
            image_size: Height and width of the images, in pixels.
            flip: Mirror training images at random.
        """
        self._encoder = encoder
        self._weights = weights
        self._image_size = image_size
        self._flip = flip

    def configured(self, settings: Mapping[str, Any]) -> Self:
        """See `study.scenario.Configurable`; the settings are the arguments of the class.

        Raises:
            OptionError: timm has no such encoder.
        """
        encoder = settings.get("encoder", self._encoder)
        try:
            backbone(encoder, image_size=settings.get("image_size", self._image_size))
        except VisionError as error:
            message = f"--encoder is {encoder!r}: {error}"
            raise OptionError(message) from error
        return type(self)(**settings)

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Read the data set, or the built-in sample where `data_dir` is None, and get the weights.

        Args:
            data_dir: The folder with images and lists.
            seed: Of the split.

        Raises:
            DataError: The folder or a file in it is not as it should be, or the weights cannot be
                had.
            OptionError: The encoder does not take images of this size.
        """
        size = self._image_size
        if data_dir is None:
            data = celeba.load_sample(seed=seed, image_size=size)
        else:
            data = celeba.load(data_dir, seed=seed, image_size=size)
        published = self._published(NO_WEIGHTS if data.synthetic else IMAGENET)
        data = replace(
            data,
            description=f"{data.description}; encoder {self._in_words(published)}",
            network_options={"encoder": self._encoder, "flip": self._flip},
            weights=published and published.weights,
            encoder_weights=published and published.source,
        )
        self._try_network(data)
        return data

    def network(self, data: Data) -> nn.Module:
        """The identity classifier; see `study.scenario.Scenario`."""
        return VisionClassifier(_encoder(data), classes=len(data.classes))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross entropy of the identity.

        Args:
            outputs: Logits; shape (batch, classes).
            targets: Shape (batch, 41).
        """
        return nn.functional.cross_entropy(outputs, targets[:, 0])

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Share of images whose identity has the largest logit; shapes as for `loss`."""
        return {"accuracy": self.task_accuracy(IDENTITY, outputs, targets)}

    def task_network(self, data: Data, tasks: tuple[str, ...]) -> nn.Module:
        """See `study.scenario.Multitask`."""
        outputs = {IDENTITY: len(data.classes), ATTRIBUTES_TASK: len(ATTRIBUTES)}
        return MultitaskClassifier(_encoder(data), outputs={task: outputs[task] for task in tasks})

    def task_loss(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross entropy of one task.

        Args:
            task: `identity` or `attributes`.
            outputs: Its logits; shape (batch, 40).
            targets: Shape (batch, 41).
        """
        if task == IDENTITY:
            return self.loss(outputs, targets)
        present = targets[:, 1:].to(outputs.dtype)
        return nn.functional.binary_cross_entropy_with_logits(outputs, present)

    def task_accuracy(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Share of identities, or of single attributes, that were recognised; as `task_loss`."""
        if task == IDENTITY:
            return (outputs.argmax(dim=1) == targets[:, 0]).float().mean()
        return ((outputs > 0) == (targets[:, 1:] > 0)).float().mean()

    def _published(self, default: str) -> Published | None:
        """The weights that encoders start from; None for random ones."""
        chosen = default if self._weights is None else self._weights
        if chosen == NO_WEIGHTS:
            return None
        try:
            if chosen == IMAGENET:
                say(f"fetching the weights of {self._encoder}")
                return fetch(self._encoder, image_size=self._image_size)
            return read(Path(chosen), self._encoder, image_size=self._image_size)
        except VisionError as error:
            message = f"--weights {chosen}: {error}"
            raise DataError(message) from error

    def _in_words(self, published: Published | None) -> str:
        if published is None:
            return f"{self._encoder} with random weights"
        if self._weights in (None, IMAGENET):
            return f"{self._encoder} with its published weights"
        return published.source

    def _try_network(self, data: Data) -> None:
        """One image through the network, so that what does not fit is told before the trials."""
        try:
            with torch.no_grad():
                self.network(data).eval()(torch.from_numpy(data.val.inputs[:1].copy()))
        except (RuntimeError, AssertionError, ValueError) as error:
            message = (
                f"--image-size {self._image_size}: the encoder {self._encoder} does not take such "
                f"images ({str(error).splitlines()[0]}). Give another size or --encoder."
            )
            raise OptionError(message) from error


def _encoder(data: Data) -> VisionEncoder:
    return VisionEncoder(
        data.network_options["encoder"],
        image_size=data.train.inputs.shape[-1],
        flip=data.network_options["flip"],
        weights=data.weights,
    )
