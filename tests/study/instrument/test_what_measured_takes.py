"""Arguments that `measured` refuses, before a run begins."""

import pytest

from study.instrument.measured import measured


def train(config: dict[str, object]) -> None:
    """A trainable that does nothing."""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("PPO", "a function or a class of tune.Trainable, not 'PPO'"),
        (measured(train), "train is measured already"),
    ],
)
def test_only_an_unmeasured_trainable_is_accepted(given: object, message: str) -> None:
    """The name of a registered trainable is refused, and so is one that is measured already."""
    with pytest.raises(TypeError, match=message):
        measured(given)  # type: ignore[arg-type]
