"""Text of the interval of a saving."""

import math

import pytest

from analysis.energy.savings import Saving
from analysis.energy.spread import Interval95, Spread
from analysis.forms.savings_text import saved_interval_text


@pytest.mark.parametrize(
    ("share", "low", "high", "expected"),
    [
        (0.5, 0.2, 0.7, " (95 % interval 20 to 70 %)"),
        (0.5, -0.1, 0.7, " (95 % interval -10 to 70 % saved)"),
        (-0.5, -0.7, -0.2, " (95 % interval 20 to 70 %)"),
        (0.5, -math.inf, 0.91, " (95 % interval up to 91 % saved)"),
        (-0.5, -math.inf, -0.2, " (95 % interval from 20 % on)"),
    ],
)
def test_an_infinite_end_of_an_interval_is_put_in_words(
    share: float, low: float, high: float, expected: str
) -> None:
    """Two repeats may leave one end open, and infinity is no percentage."""
    energy = Spread.of([1.0])
    assert energy is not None
    saving = Saving(
        reference_j=energy,
        energy_j=energy,
        share=share,
        shares=energy,
        interval=Interval95(low=low, high=high),
    )

    assert saved_interval_text(saving) == expected
