"""What the lane carries is what was said."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.node.ledger import BillItem, WindowKey
from trackers.node.plain import (
    bill_of,
    key_of,
    packed_bill,
    plain_key,
    plain_readings,
    readings_of,
)
from trackers.sample import BoardState, Component, Device, Method, Reading, Scope, Status

numbers = st.floats(min_value=0, max_value=1e9)
perhaps = st.none() | numbers
readings = st.builds(
    Reading,
    device_uuid=st.text(),
    start_s=numbers,
    duration_s=numbers,
    energy_j=numbers,
    method=st.sampled_from(Method),
    status=st.sampled_from([each for each in Status if each is not Status.MISSING]),
    coverage=st.floats(0, 1),
    power_samples=st.integers(0),
    uncertainty_common_j=perhaps,
    uncertainty_own_j=perhaps,
    note=st.text(),
    counter_over_power=perhaps,
    shared_by=st.none() | st.integers(1),
    state=st.builds(BoardState, **{each.name: perhaps for each in fields(BoardState)}),
    scope=st.sampled_from(Scope),
)


@given(st.dictionaries(st.text(), readings))
@pytest.mark.slow
def test_readings_come_back_as_they_were(said: dict[str, Reading]) -> None:
    """All fields, those that are words as members of their kinds, and what is None as None."""
    missing = {"missing": Reading.missing("board", note="it did not answer")}

    come_back = readings_of(plain_readings({**said, **missing}))

    assert come_back == {**said, **missing}
    assert all(isinstance(each.status, Status) for each in come_back.values())


def test_a_windows_name_and_bill_come_back_as_they_were() -> None:
    """Whoever asks for a window, and what for, is the same on both sides."""
    key = WindowKey(trial_id="setup01-seed0", attempt=2, stage="encoder", epoch=3)
    board = Device(uuid="GPU-1", name="a board", component=Component.GPU)
    bill = (BillItem(target="GPU-1", device=board),)

    assert key_of(plain_key(key)) == key
    assert bill_of(packed_bill(bill)) == bill
