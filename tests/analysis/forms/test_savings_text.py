"""The interval of a saving in words."""

import math

import pytest

from analysis.energy.savings import Saving
from analysis.energy.spread import Interval95, Spread
from analysis.forms.savings_text import saved_interval_text


@pytest.mark.parametrize(
    ("share", "low", "high", "said"),
    [
        (0.5, 0.2, 0.7, " (95 % interval 20 to 70 %)"),
        (0.5, -0.1, 0.7, " (95 % interval -10 to 70 % saved)"),
        (-0.5, -0.7, -0.2, " (95 % interval 20 to 70 %)"),
        (0.5, -math.inf, 0.91, " (95 % interval up to 91 % saved)"),
        (-0.5, -math.inf, -0.2, " (95 % interval from 20 % on)"),
    ],
)
def test_an_interval_without_a_lower_end_is_said_in_words(
    share: float, low: float, high: float, said: str
) -> None:
    """Two repeats may know nothing of how much more it could be; infinity is no percentage."""
    energy = Spread.of([1.0])
    assert energy is not None
    saving = Saving(
        reference_j=energy,
        energy_j=energy,
        share=share,
        shares=energy,
        interval=Interval95(low=low, high=high),
    )

    assert saved_interval_text(saving) == said
