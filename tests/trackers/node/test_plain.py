"""Plain values that the lane carries, and their conversion back."""

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
optional = st.none() | numbers
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
    uncertainty_common_j=optional,
    uncertainty_own_j=optional,
    note=st.text(),
    counter_over_power=optional,
    shared_by=st.none() | st.integers(1),
    state=st.builds(BoardState, **{each.name: optional for each in fields(BoardState)}),
    scope=st.sampled_from(Scope),
)


@given(st.dictionaries(st.text(), readings))
@pytest.mark.slow
def test_readings_survive_the_round_trip(sent: dict[str, Reading]) -> None:
    """All fields survive: enumerations as their members, and None as None."""
    missing = {"missing": Reading.missing("board", note="it did not answer")}

    received = readings_of(plain_readings({**sent, **missing}))

    assert received == {**sent, **missing}
    assert all(isinstance(each.status, Status) for each in received.values())


def test_a_windows_key_and_bill_survive_the_round_trip() -> None:
    """A window's key and its bill are the same on both sides."""
    key = WindowKey(trial_id="setup01-seed0", attempt=2, stage="encoder", epoch=3)
    board = Device(uuid="GPU-1", name="a board", component=Component.GPU)
    bill = (BillItem(target="GPU-1", device=board),)

    assert key_of(plain_key(key)) == key
    assert bill_of(packed_bill(bill)) == bill
