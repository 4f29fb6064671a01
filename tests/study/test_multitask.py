"""Options of a multitask study."""

import re

import pytest

from study.errors import OptionError
from study.multitask import MultitaskOptions


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        ((0.5, 1.5), "--alpha is 1.5; allowed: shares from 0 to 1."),
        ((float("nan"),), "--alpha is nan; allowed: shares from 0 to 1."),
        ((0.5, 0.5), "--alpha is 0.5 0.5; allowed: one value or more, each once."),
        ((), "--alpha is nothing; allowed: one value or more, each once."),
    ],
)
def test_an_alpha_outside_its_range_is_refused(alpha: tuple[float, ...], message: str) -> None:
    """So is one that is repeated or missing; the message says what is allowed."""
    with pytest.raises(OptionError, match=re.escape(message)):
        MultitaskOptions(alpha=alpha)


def test_alphas_of_zero_and_one_are_allowed() -> None:
    """They train one task alone, in a network that also has the other's layers."""
    assert MultitaskOptions(alpha=(0.0, 1.0)).alpha == (0.0, 1.0)
