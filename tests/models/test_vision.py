"""Image networks, from bytes to features and scores, and the loading of their weights."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.vision import (
    Normalise,
    RandomFlip,
    VisionClassifier,
    VisionEncoder,
    VisionError,
    backbone,
    load_weights,
)

SMALL = "test_resnet"
SIZE = 32


def some_images(count: int = 4, seed: int = 0) -> torch.Tensor:
    """Random images of bytes."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, SIZE, SIZE), dtype=torch.uint8, generator=draw)


@given(mean=st.floats(0, 1), deviation=st.floats(0.01, 1), byte=st.integers(0, 255))
def test_pixels_are_normalised_by_mean_and_deviation(
    mean: float, deviation: float, byte: int
) -> None:
    """Each byte b becomes ((b / 255) - mean) / deviation of its channel."""
    layer = Normalise(mean=(mean, 0, 0), deviation=(deviation, 1, 1))
    image = torch.full((1, 3, 2, 2), byte, dtype=torch.uint8)

    out = layer(image)

    expected = (byte / 255 - mean) / deviation
    assert out.dtype == torch.float32
    np.testing.assert_allclose(out[0, 0].numpy(), expected, atol=2e-5 / deviation)
    np.testing.assert_allclose(out[0, 1:].numpy(), byte / 255, atol=1e-6)


def test_images_are_mirrored_while_training_only() -> None:
    """About half of them are, each as a whole, and none in validation."""
    images = some_images(400)
    flip = RandomFlip()
    torch.manual_seed(0)

    trained = flip.train()(images)
    validated = flip.eval()(images)

    mirrored = (trained == images.flip(-1)).all(dim=(1, 2, 3))
    kept = (trained == images).all(dim=(1, 2, 3))
    assert (mirrored ^ kept).all()
    assert 140 < mirrored.sum() < 260
    assert torch.equal(validated, images)


def test_the_seed_decides_which_images_are_mirrored() -> None:
    """Two trainings with one seed see the same images."""
    images = some_images(50)
    flip = RandomFlip().train()

    torch.manual_seed(7)
    first = flip(images)
    torch.manual_seed(7)
    again = flip(images)
    other = flip(images)

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", [SMALL, "test_vit", "mobilenetv3_small_050", "resnet18"])
def test_encoders_state_their_number_of_features(name: str) -> None:
    """This includes encoders made for one image size, and those with a layer before the head."""
    encoder = VisionEncoder(name, image_size=SIZE).eval()

    latents = encoder(some_images())

    assert latents.shape == (4, encoder.features)
    assert latents.dtype == torch.float32


def test_a_classifier_is_a_head_on_an_encoder() -> None:
    """Its parts have the names by which stages find them."""
    network = VisionClassifier(VisionEncoder(SMALL, image_size=SIZE), classes=5).eval()

    scores = network(some_images())

    assert scores.shape == (4, 5)
    assert torch.equal(scores, network.head(network.encoder(some_images())))


@pytest.mark.parametrize(("flip", "differ"), [(True, True), (False, False)])
def test_an_encoder_mirrors_images_only_if_asked_to(*, flip: bool, differ: bool) -> None:
    """In training, features of the same images then differ each time; in evaluation they never do."""
    encoder = VisionEncoder(SMALL, image_size=SIZE, flip=flip)
    validated = [encoder.eval()(some_images(32)) for _ in range(2)]
    encoder.train()
    torch.manual_seed(0)

    first, second = (encoder(some_images(32)) for _ in range(2))

    assert torch.allclose(first, second) is not differ
    assert torch.equal(*validated)


def test_encoders_with_the_same_weights_give_the_same_features() -> None:
    """Weights include the statistics of normalisation layers."""
    torch.manual_seed(0)
    first = VisionEncoder(SMALL, image_size=SIZE)
    first.train()(some_images(16))
    weights = {name: tensor.numpy() for name, tensor in first.backbone.state_dict().items()}

    second = VisionEncoder(SMALL, image_size=SIZE, weights=weights)

    assert torch.equal(first.eval()(some_images()), second.eval()(some_images()))


def test_weights_are_copied() -> None:
    """A training does not write to arrays that trials share."""
    weights = {name: t.numpy() for name, t in backbone(SMALL, image_size=SIZE).state_dict().items()}
    before = {name: array.copy() for name, array in weights.items()}
    encoder = VisionEncoder(SMALL, image_size=SIZE, weights=weights)

    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(1)

    assert all(np.array_equal(before[name], array) for name, array in weights.items())


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_weight_that_does_not_fit_is_refused(data: st.DataObject) -> None:
    """Whichever weight is missing, unknown or of another shape, none starts at random silently."""
    network = backbone(SMALL, image_size=SIZE)
    weights = {name: tensor.numpy().copy() for name, tensor in network.state_dict().items()}
    name = data.draw(st.sampled_from(sorted(weights)))
    change = data.draw(st.sampled_from(["missing", "of another network", "another shape"]))
    array = weights.pop(name)
    if change == "of another network":
        weights |= {name: array, f"strange.{name}": array}
    elif change == "another shape":
        weights[name] = np.zeros((3, 5, 7), np.float32)

    with pytest.raises(VisionError, match=f"1 (are|have) {change} ") as caught:
        load_weights(network, weights)

    assert name in str(caught.value)


def test_weights_of_a_classifier_are_ignored() -> None:
    """Published files also hold the classifier of ImageNet, which the backbone lacks."""
    network = backbone("resnet18", image_size=SIZE)
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}

    load_weights(network, {**weights, "fc.weight": np.zeros((1000, 512), np.float32)})

    assert torch.equal(network.state_dict()["conv1.weight"], torch.tensor(weights["conv1.weight"]))


def test_an_unknown_encoder_is_refused_with_similar_names() -> None:
    """The error suggests names for a misspelt one."""
    with pytest.raises(VisionError, match=r"no model 'resnet81'; similar are .*resnet18"):
        backbone("resnet81", image_size=SIZE)


def test_an_encoder_that_cannot_be_created_is_refused() -> None:
    """Any error of timm becomes one that names the encoder and the image size."""
    with pytest.raises(VisionError, match=r"cannot make resnet18\.no_such_tag for images of 32"):
        backbone("resnet18.no_such_tag", image_size=SIZE)
