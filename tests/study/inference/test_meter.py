"""What a meter is uncertain by, on the scale of logarithms."""

import pytest

from study.inference.meter import relative_deviation


def test_a_half_width_is_two_deviations() -> None:
    """1.96 J of 10 J are 0.1 on the scale of logarithms."""
    assert relative_deviation(1.96, 10.0) == pytest.approx(0.1)
