"""Scenario `celeba`: recognise the identity of a face among 40, and which of 40 attributes it has."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from models.multitask import MultitaskClassifier
from models.published_weights import Published, fetch, read
from models.vision import VisionClassifier, VisionEncoder, VisionError, Weights, backbone
from study.data.celeba import load as celeba
from study.data.celeba.format import ATTRIBUTES
from study.data.celeba.options import CelebaOptions
from study.data.progress import report_status
from study.errors import DataError, OptionError
from study.scenario import Data

IMAGENET, NO_WEIGHTS = "imagenet", "none"

IDENTITY, ATTRIBUTES_TASK = "identity", "attributes"
"""Names of the two tasks."""


@final
class Celeba:
    """Identity and attributes of faces; see `study.data.celeba.format` for the data.

    Targets have 41 columns: the identity's class, then the attributes.

    Attributes:
        name: Name of the scenario for `--scenario`.
    """

    name = "celeba"
    options = CelebaOptions
    tasks = (ATTRIBUTES_TASK, IDENTITY)

    def __init__(
        self, options: CelebaOptions | None = None, *, more_encoders: tuple[str, ...] = ()
    ) -> None:
        """Set the encoders and the images; nothing is read before `load`.

        Args:
            options: Options of the encoder and the images; None takes the defaults.
            more_encoders: Names in timm of other encoders that a setup may choose.
        """
        self._options = options or CelebaOptions()
        self._more_encoders = more_encoders

    def configured(self, options: CelebaOptions) -> "Celeba":
        """See `study.scenario.Configurable`.

        Raises:
            OptionError: timm has no such encoder, or cannot make it for images of this size.
        """
        _check_encoder("--encoder", options.encoder, options.pixels)
        return Celeba(options)

    @property
    def own_axes(self) -> Mapping[str, tuple[Any, ...]]:
        """See `study.scenario.Searchable`: the encoder, if `--space` gives values for it."""
        return {"encoder": ()}

    def offering(self, choices: Mapping[str, tuple[Any, ...]]) -> "Celeba":
        """See `study.scenario.Searchable`.

        Raises:
            OptionError: timm has no such encoder, or there are several and `--weights` is a file, which has
                those of a single one.
        """
        encoders = choices.get("encoder", ())
        if not encoders:
            return self
        for encoder in encoders:
            _check_encoder("--space: encoder", encoder, self._options.pixels)
        weights = self._options.weights
        if len(encoders) > 1 and weights not in (None, IMAGENET, NO_WEIGHTS):
            message = (
                f"--weights {weights}: a file has the weights of one encoder, and --space has "
                f"{len(encoders)}. Give {IMAGENET} or {NO_WEIGHTS}."
            )
            raise OptionError(message)
        return Celeba(
            replace(self._options, encoder=encoders[0]), more_encoders=tuple(encoders[1:])
        )

    def chosen(self, data: Data, parameters: Mapping[str, Any]) -> Data:
        """See `study.scenario.Searchable`."""
        if "encoder" not in parameters:
            return data
        options = {**data.network_options, "encoder": parameters["encoder"]}
        return replace(data, network_options=options)

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """Read the data set, and read or download the encoders' weights.

        Args:
            data_dir: Folder with images and lists; None takes the built-in synthetic sample.
            seed: Seed of the split into training and validation.

        Raises:
            DataError: The folder or a file in it is not as it should be, or the weights cannot be
                had.
            OptionError: An encoder does not take images of this size.
        """
        size = self._options.pixels
        if data_dir is None:
            data = celeba.load_sample(seed=seed, image_size=size)
        else:
            data = celeba.load(data_dir, seed=seed, image_size=size)
        default = NO_WEIGHTS if data.synthetic else IMAGENET
        encoders = (self._options.encoder, *self._more_encoders)
        published = {each: self._published(each, default) for each in encoders}
        known = {name: found for name, found in published.items() if found is not None}
        said = [self._in_words(each, published[each]) for each in encoders]
        data = replace(
            data,
            description=f"{data.description}; encoder {' or '.join(said)}",
            network_options={"encoder": self._options.encoder, "flip": self._options.flip},
            weights=_by_encoder({name: found.weights for name, found in known.items()}) or None,
            encoder_weights="; ".join(found.source for found in known.values()) or None,
        )
        for encoder in encoders:
            self._try_network(self.chosen(data, {"encoder": encoder}), encoder)
        return data

    def network(self, data: Data) -> nn.Module:
        """Return the identity classifier; see `study.scenario.Scenario`."""
        return VisionClassifier(_encoder(data), classes=len(data.classes))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy of the identity.

        Args:
            outputs: Logits; shape (batch, classes).
            targets: Identity and attributes; shape (batch, 41).
        """
        return nn.functional.cross_entropy(outputs, targets[:, 0])

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Return the share of images whose identity has the largest logit; shapes as for `loss`."""
        return {"accuracy": self.task_score(IDENTITY, outputs, targets)}

    def task_network(self, data: Data, tasks: tuple[str, ...]) -> nn.Module:
        """See `study.scenario.Multitask`."""
        outputs = {IDENTITY: len(data.classes), ATTRIBUTES_TASK: len(ATTRIBUTES)}
        return MultitaskClassifier(_encoder(data), outputs={task: outputs[task] for task in tasks})

    def task_loss(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross entropy of one task (binary, over all attributes, for `attributes`).

        Args:
            task: `identity` or `attributes`.
            outputs: Logits of the task; shape (batch, 40).
            targets: Identity and attributes; shape (batch, 41).
        """
        if task == IDENTITY:
            return self.loss(outputs, targets)
        present = targets[:, 1:].to(outputs.dtype)
        return nn.functional.binary_cross_entropy_with_logits(outputs, present)

    def task_score(self, task: str, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the share of identities, or of single attributes, recognised; arguments as for `task_loss`."""
        if task == IDENTITY:
            return (outputs.argmax(dim=1) == targets[:, 0]).float().mean()
        return ((outputs > 0) == (targets[:, 1:] > 0)).float().mean()

    def _published(self, encoder: str, default: str) -> Published | None:
        """Return an encoder's initial weights; None for random ones."""
        chosen = default if self._options.weights is None else self._options.weights
        if chosen == NO_WEIGHTS:
            return None
        try:
            if chosen == IMAGENET:
                report_status(f"fetching the weights of {encoder}")
                return fetch(encoder, image_size=self._options.pixels)
            return read(Path(chosen), encoder, image_size=self._options.pixels)
        except VisionError as error:
            message = f"--weights {chosen}: {error}"
            raise DataError(message) from error

    def _in_words(self, encoder: str, published: Published | None) -> str:
        if published is None:
            return f"{encoder} with random weights"
        if self._options.weights in (None, IMAGENET):
            return f"{encoder} with its published weights"
        return published.source

    def _try_network(self, data: Data, encoder: str) -> None:
        """Pass one image through the network, so that a size that does not fit is found before the trials."""
        try:
            with torch.no_grad():
                self.network(data).eval()(torch.from_numpy(data.val.inputs[:1].copy()))
        except (RuntimeError, AssertionError, ValueError) as error:
            message = (
                f"--image-size {self._options.pixels}: the encoder {encoder} does not take such "
                f"images ({str(error).splitlines()[0]}). Give another size or --encoder."
            )
            raise OptionError(message) from error


def _check_encoder(option: str, encoder: str, image_size: int) -> None:
    try:
        backbone(encoder, image_size=image_size)
    except VisionError as error:
        message = f"{option} is {encoder!r}: {error}"
        raise OptionError(message) from error


def _by_encoder(weights: Mapping[str, Weights]) -> dict[str, Any]:
    """Return weights by name; with several encoders, each name is preceded by the encoder's and a slash."""
    if len(weights) == 1:
        return dict(*weights.values())
    return {f"{of}/{name}": array for of, own in weights.items() for name, array in own.items()}


def _weights(data: Data) -> Weights | None:
    """Return the weights of the encoder chosen in `data.network_options`; None for random ones."""
    if data.weights is None:
        return None
    of = f"{data.network_options['encoder']}/"
    own = {name[len(of) :]: each for name, each in data.weights.items() if name.startswith(of)}
    return own or data.weights


def _encoder(data: Data) -> VisionEncoder:
    return VisionEncoder(
        data.network_options["encoder"],
        image_size=data.train.inputs.shape[-1],
        flip=data.network_options["flip"],
        weights=_weights(data),
    )
