"""Energy of a part of the stretch between two values of a counter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.meter.counted import _stepped_j

POWER_W = st.floats(1.0, 500.0)
SHARE = st.floats(0.05, 0.95)


@given(before_w=POWER_W, after_w=POWER_W, changed=SHARE, part=SHARE, whole_s=st.floats(0.01, 10.0))
def test_one_change_of_power_is_found_from_what_was_counted(
    before_w: float, after_w: float, changed: float, part: float, whole_s: float
) -> None:
    """The energy up to any moment of the stretch is that of a power which changed once, up or down."""
    if abs(after_w - before_w) < 1.0:
        return

    def until_j(share: float) -> float:
        return whole_s * (before_w * min(share, changed) + after_w * max(0.0, share - changed))

    found = _stepped_j(before_w, after_w, until_j(1.0), part_s=part * whole_s, whole_s=whole_s)

    assert found == pytest.approx(until_j(part), rel=1e-6)


@pytest.mark.parametrize(
    ("after_w", "counted_j"), [(None, 200.0), (300.0, 99.0), (300.0, 301.0), (100.0, 100.0)]
)
def test_more_than_one_change_is_not_told(after_w: float | None, counted_j: float) -> None:
    """A mean beyond both powers was of others, and of one power there is no change."""
    assert _stepped_j(100.0, after_w, counted_j, part_s=0.5, whole_s=1.0) is None
