"""Two processes that train together come to what one does: the same batches, sums and decisions."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import Dataset

from models.synchronized import with_common_statistics
from study.errors import OptionError
from study.record.vocabulary import StopReason
from study.scenario import Arrays, Data
from study.training.ranks import Ranks, backend_of
from study.training.recipe import TrainingSettings
from study.training.samples import Samples
from study.training.streams import Streamed
from study.training.task import Task, plain_task
from tests.study.tiny import Tiny, data
from tests.study.training.partner import CPU, Partner, partner, trained

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def together() -> Iterator[Partner]:
    """A second process that trains along."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with partner() as started:
        yield started
    torch.set_num_threads(threads)


def settings(**changes: Any) -> TrainingSettings:  # noqa: ANN401 - any field
    """Four epochs of batches of 7, so that parts are uneven and the last batch is small."""
    fields: dict[str, Any] = {
        "batch_size": 7,
        "learning_rate": 0.05,
        "max_epochs": 4,
        "patience": 100,
        "optimizer": "adam",
        "seed": 3,
    }
    return TrainingSettings(**{**fields, **changes})


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """The points as a map-style data set."""

    def __init__(self, arrays: Arrays) -> None:
        """Hold them."""
        self.arrays = arrays

    def __len__(self) -> int:
        """How many there are."""
        return len(self.arrays)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """One of them."""
        inputs, targets = self.arrays.inputs[index], self.arrays.targets[index]
        return torch.from_numpy(inputs), torch.tensor(targets)


class Rooted(Tiny):
    """Has a metric that is no mean of samples."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The root of a mean."""
        plain = super().metrics(outputs, targets)
        return {**plain, "root": plain["accuracy"].sqrt()}


class PartlyUnused(Tiny):
    """Has parameters that take no part in the loss."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A layer, and one that nobody calls."""
        network = nn.Linear(features, classes)
        network.spare = nn.Linear(2, 2)
        return network


class OwnLoaders(Tiny):
    """Makes its batches itself, nested."""

    def loaders(self, data: Data, batch_size: int, seed: int) -> dict[str, Any]:
        """Batches in their own order."""
        del seed
        return {
            name: [
                (
                    torch.from_numpy(part.inputs[at : at + size]),
                    torch.from_numpy(part.targets[at : at + size]),
                )
                for at in range(0, len(part), size)
            ]
            for name, part, size in (("train", data.train, batch_size), ("val", data.val, 5))
        }


def points(*, test: bool = False) -> Data:
    """61 points to train on and 21 to validate on."""
    drawn = data(train=61, val=21)
    return Data(
        train=drawn.train,
        val=drawn.val,
        test=drawn.val if test else None,
        classes=drawn.classes,
        synthetic=True,
        description="points",
    )


def task(scenario: Tiny, *, streamed: bool = False, test: bool = False) -> Task:
    """A training of a scenario's."""
    drawn = points(test=test)
    if streamed:
        drawn = Data(
            train=Pairs(drawn.train),
            val=Pairs(drawn.val),
            synthetic=True,
            description="points",
            fingerprint="1",
        )
        network = scenario.make(3, 3)
        return plain_task(scenario, drawn, network=network)
    return plain_task(scenario, drawn)


@pytest.mark.parametrize(
    ("make", "asked"),
    [
        pytest.param(partial(task, Tiny()), settings(), id="arrays"),
        pytest.param(partial(task, Tiny(), streamed=True), settings(), id="a data set"),
        pytest.param(partial(task, OwnLoaders()), settings(), id="loaders of its own"),
        pytest.param(partial(task, PartlyUnused()), settings(), id="unused parameters"),
        pytest.param(partial(task, Tiny()), settings(batch_size=2), id="less than two for each"),
        pytest.param(
            partial(task, Tiny()), settings(accumulate=3, batch_size=24), id="accumulated"
        ),
        pytest.param(partial(task, Tiny()), settings(clip_norm=0.1, optimizer="sgd"), id="clipped"),
        pytest.param(partial(task, Rooted()), settings(), id="a metric that is no mean"),
        pytest.param(partial(task, Tiny(), test=True), settings(), id="tested"),
        pytest.param(
            partial(task, Tiny()), settings(patience=2, max_epochs=60), id="stopped early"
        ),
    ],
)
def test_two_come_to_what_one_does(together: Partner, make: Any, asked: TrainingSettings) -> None:  # noqa: ANN401 - a task
    """Losses, metrics, the epoch of the end and its reason: the order of sums is all that differs."""
    alone = trained(make, asked)

    first, second = together.outcomes(make, asked)

    assert first == second
    assert [(each.epoch, each.stop_reason) for each in first] == [
        (each.epoch, each.stop_reason) for each in alone
    ]
    for one, several in zip(alone, first, strict=True):
        assert several.train_loss == pytest.approx(one.train_loss, rel=1e-5)
        assert several.val_loss == pytest.approx(one.val_loss, rel=1e-5)
        assert several.val_metrics == pytest.approx(one.val_metrics, rel=1e-5)
        assert (several.test_metrics or {}) == pytest.approx(one.test_metrics or {}, rel=1e-5)
    assert {each.train_loss for each in first} != {first[0].train_loss}


class Diverging(Tiny):
    """Its loss is not a number for one sample, which one of two processes sees."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Not a number where the second half of a batch is looked at."""
        return super().loss(outputs, targets) * (float("nan") if len(targets) == 4 else 1.0)


def test_what_one_process_sees_ends_the_training_of_both(together: Partner) -> None:
    """A loss that is not finite in one of them."""
    first, second = together.outcomes(partial(task, Diverging()), settings())

    assert first[-1].stop_reason is StopReason.DIVERGED
    assert first == second


class Normed(Tiny):
    """Has a batch norm."""

    def make(self, features: int, classes: int) -> nn.Module:
        """One before its layer."""
        return nn.Sequential(nn.BatchNorm1d(features), nn.Linear(features, classes))


def test_a_batch_norm_on_cpus_is_the_same_in_both(together: Partner) -> None:
    """It is trained on each one's part, and validated with the first one's statistics."""
    first, second = together.outcomes(partial(task, Normed()), settings())

    assert first == second
    assert first[-1].stop_reason is StopReason.MAX_EPOCHS


def test_on_cuda_batch_norms_see_the_whole_batch() -> None:
    """They are converted, with their weights and running statistics."""
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))

    converted = with_common_statistics(network)

    assert isinstance(converted[0], nn.SyncBatchNorm)  # type: ignore[index]
    assert converted.state_dict().keys() == network.state_dict().keys()


def latents(streamed: bool, ranks: Ranks) -> tuple[Any, Any]:  # noqa: FBT001 - a case of a test
    """All samples as latent features."""
    torch.manual_seed(0)
    encoder = nn.Linear(3, 2)
    arrays = points().train
    part: Any = (
        Streamed(source=Pairs(arrays), device=CPU, ranks=ranks)
        if streamed
        else Samples.of(arrays, CPU, reconstructs=False, ranks=ranks)
    )
    samples = part.encoded(encoder)
    return samples.inputs.numpy(), samples.targets.numpy()


@pytest.mark.parametrize("streamed", [False, True])
def test_latent_features_are_computed_once_and_known_to_both(
    together: Partner,
    streamed: bool,  # noqa: FBT001 - a case of a test
) -> None:
    """Each encodes its part."""
    inputs, targets = latents(streamed, Ranks())

    for found in together.both(latents, streamed):
        assert np.allclose(found[0], inputs, rtol=1e-6)
        assert found[1].tolist() == targets.tolist()


@given(st.integers(1, 5000), st.integers(1, 9))
def test_parts_of_a_batch_are_the_whole(size: int, count: int) -> None:
    """Each sample is in one part, in its place, and shares add up; or all have the whole."""
    parts = [Ranks(rank=rank, count=count).part(size) for rank in range(count)]

    samples = [index for own, _ in parts for index in range(size)[own]]
    assert samples == list(range(size)) * (count if size < 2 * count else 1)
    assert sum(share for _, share in parts) == pytest.approx(1)
    assert all(len(range(size)[own]) >= min(2, size) for own, _ in parts) or size < 2 * count


def test_a_device_without_a_way_to_talk_is_refused() -> None:
    """With what to do."""
    with pytest.raises(OptionError, match="--workers-per-trial 1, or --device cpu"):
        backend_of(torch.device("mps"))
