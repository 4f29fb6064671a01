"""Options of a multitask study."""

import re

import pytest

from study.errors import OptionError
from study.multitask import MultitaskOptions


@pytest.mark.parametrize(
    ("alpha", "said"),
    [
        ((0.5, 1.5), "--alpha is 1.5; allowed: shares from 0 to 1."),
        ((float("nan"),), "--alpha is nan; allowed: shares from 0 to 1."),
        ((0.5, 0.5), "--alpha is 0.5 0.5; allowed: one value or more, each once."),
        ((), "--alpha is nothing; allowed: one value or more, each once."),
    ],
)
def test_a_weight_that_is_no_share_is_refused(alpha: tuple[float, ...], said: str) -> None:
    """Before anything is trained; the message says what is allowed."""
    with pytest.raises(OptionError, match=re.escape(said)):
        MultitaskOptions(alpha=alpha)


def test_the_ends_of_a_share_are_allowed() -> None:
    """They train one task alone, with the other's layers there."""
    assert MultitaskOptions(alpha=(0.0, 1.0)).alpha == (0.0, 1.0)
