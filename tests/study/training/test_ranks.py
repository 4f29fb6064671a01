"""Two processes that train together get the results of one: the same batches, sums and decisions."""

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
    """A second process that trains together with this one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with partner() as started:
        yield started
    torch.set_num_threads(threads)


def settings(**changes: Any) -> TrainingSettings:  # noqa: ANN401 - any field
    """Settings of four epochs with batches of 7: shares are uneven, and the last batch is smaller."""
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
        """Read from `arrays`."""
        self.arrays = arrays

    def __len__(self) -> int:
        """Number of points."""
        return len(self.arrays)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """A point and its class."""
        inputs, targets = self.arrays.inputs[index], self.arrays.targets[index]
        return torch.from_numpy(inputs), torch.tensor(targets)


class Rooted(Tiny):
    """A scenario with a metric that is not a mean over samples."""

    def metrics(self, outputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The accuracy and its square root."""
        plain = super().metrics(outputs, targets)
        return {**plain, "root": plain["accuracy"].sqrt()}


class PartlyUnused(Tiny):
    """A scenario with parameters that the loss does not depend on."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A layer that is used, and one that is not."""
        network = nn.Linear(features, classes)
        network.spare = nn.Linear(2, 2)
        return network


class OwnLoaders(Tiny):
    """A scenario that makes its own batches."""

    def loaders(self, data: Data, batch_size: int, seed: int) -> dict[str, Any]:
        """Batches in the order of the data."""
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
    """61 points for training and 21 for validation, and if wanted for testing."""
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
    """A training task of a scenario, on arrays or on map-style data sets."""
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
    ("make", "own_settings"),
    [
        pytest.param(partial(task, Tiny()), settings(), id="arrays"),
        pytest.param(partial(task, Tiny(), streamed=True), settings(), id="a data set"),
        pytest.param(partial(task, OwnLoaders()), settings(), id="loaders of its own"),
        pytest.param(partial(task, PartlyUnused()), settings(), id="unused parameters"),
        pytest.param(partial(task, Tiny()), settings(batch_size=2), id="one sample each"),
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
def test_two_processes_get_the_results_of_one(
    together: Partner,
    make: Any,  # noqa: ANN401 - a task
    own_settings: TrainingSettings,
) -> None:
    """Losses, metrics, the last epoch and its reason agree, except for the order of floating-point sums."""
    alone = trained(make, own_settings)

    first, second = together.outcomes(make, own_settings)

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
    """A scenario whose loss is NaN in one of the two processes."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """NaN for a share of four samples of a batch."""
        return super().loss(outputs, targets) * (float("nan") if len(targets) == 4 else 1.0)


def test_divergence_in_one_process_ends_the_training_in_both(together: Partner) -> None:
    """A loss that is not finite in one process only makes the training diverge in both."""
    first, second = together.outcomes(partial(task, Diverging()), settings())

    assert first[-1].stop_reason is StopReason.DIVERGED
    assert first == second


class Normed(Tiny):
    """A scenario with a batch norm."""

    def make(self, features: int, classes: int) -> nn.Module:
        """A batch norm before the layer."""
        return nn.Sequential(nn.BatchNorm1d(features), nn.Linear(features, classes))


def test_a_batch_norm_on_cpus_is_the_same_in_both(together: Partner) -> None:
    """Each process trains it on its own share; both validate with the statistics of the first."""
    first, second = together.outcomes(partial(task, Normed()), settings())

    assert first == second
    assert first[-1].stop_reason is StopReason.MAX_EPOCHS


def test_batch_norms_for_cuda_are_synchronised() -> None:
    """They become SyncBatchNorm, which sees the whole batch, with the same weights and statistics."""
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2))

    converted = with_common_statistics(network)

    assert isinstance(converted[0], nn.SyncBatchNorm)  # type: ignore[index]
    assert converted.state_dict().keys() == network.state_dict().keys()


def latents(streamed: bool, ranks: Ranks) -> tuple[Any, Any, int]:  # noqa: FBT001 - a case of a test
    """Latent features and targets of all samples, and how many of them were encoded in this process."""
    torch.manual_seed(0)
    encoder = nn.Linear(3, 2)
    sizes: list[int] = []
    encoder.register_forward_hook(lambda _, inputs, __: sizes.append(len(inputs[0])))
    arrays = points().train
    part: Any = (
        Streamed(source=Pairs(arrays), device=CPU, ranks=ranks)
        if streamed
        else Samples.of(arrays, CPU, reconstructs=False, ranks=ranks)
    )
    samples = part.encoded(encoder)
    return samples.inputs.detach().numpy(), samples.targets.numpy(), sum(sizes)


@pytest.mark.parametrize("streamed", [False, True])
def test_both_processes_have_all_latent_features(
    together: Partner,
    streamed: bool,  # noqa: FBT001 - a case of a test
) -> None:
    """Each encodes its part of the samples, and gets what one process computes, in the same order."""
    inputs, targets, encoded = latents(streamed, Ranks())

    both = together.both(latents, streamed)

    for found in both:
        assert np.allclose(found[0], inputs, rtol=1e-6)
        assert found[1].tolist() == targets.tolist()
    assert encoded == 61
    assert [found[2] for found in both] == [30, 31]


@given(st.integers(1, 5000), st.integers(1, 9))
def test_parts_of_a_batch_make_up_the_whole(size: int, count: int) -> None:
    """Each sample is in one part, in order, and shares add up to 1; a small batch goes to all processes whole."""
    parts = [Ranks(rank=rank, count=count).part(size) for rank in range(count)]

    samples = [index for own, _ in parts for index in range(size)[own]]
    assert samples == list(range(size)) * (count if size < 2 * count else 1)
    assert sum(share for _, share in parts) == pytest.approx(1)
    assert all(len(range(size)[own]) >= min(2, size) for own, _ in parts) or size < 2 * count


def test_a_device_without_a_communication_backend_is_refused() -> None:
    """The message says what to do instead."""
    with pytest.raises(OptionError, match="--workers-per-trial 1, or --device cpu"):
        backend_of(torch.device("mps"))
