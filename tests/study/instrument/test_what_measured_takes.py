"""What `measured` refuses, before a run begins."""

import pytest

from study.instrument.measured import measured


def train(config: dict[str, object]) -> None:
    """A trainable that does nothing."""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("PPO", "a function or a class of tune.Trainable, not 'PPO'"),
        (measured(train), "train is measured already"),
    ],
)
def test_what_is_no_trainable_is_refused(given: object, said: str) -> None:
    """By a name that Ray has registered, or twice."""
    with pytest.raises(TypeError, match=said):
        measured(given)  # type: ignore[arg-type]
