"""Use of devices, summed over readings."""

import pytest

from trackers.exports.summed_uses import SummedUses
from trackers.sample import Component, Device, Method, Reading, Status

CPU = Device(uuid="cpu-0", name="a processor", component=Component.CPU)


def reading(energy_j: float | None, method: Method | None) -> Reading:
    """A reading of the processor over two seconds."""
    status = Status.MISSING if energy_j is None else Status.OK
    return Reading(
        device_uuid=CPU.uuid,
        start_s=0.0,
        duration_s=2.0,
        energy_j=energy_j,
        method=method,
        status=status,
        coverage=0.0 if energy_j is None else 1.0,
        power_samples=2,
    )


def test_energies_are_summed_and_powers_are_not() -> None:
    """A missing reading leaves the sum unchanged, and has no power."""
    uses = SummedUses(host="a", trial_id="run")
    reported = [
        uses.add([CPU], {CPU.uuid: each})[0]
        for each in (
            reading(4.0, Method.COUNTER),
            reading(None, None),
            reading(6.0, Method.COUNTER),
        )
    ]

    assert [each.energy_j for each in reported] == [4.0, 4.0, 10.0]
    assert [each.power_w for each in reported] == [2.0, None, 3.0]
    assert {each.estimated for each in reported} == {False}


def test_a_sum_with_an_estimate_stays_an_estimate() -> None:
    """It keeps the label while later readings are missing."""
    uses = SummedUses(host="a", trial_id="run")
    first = uses.add([CPU], {CPU.uuid: reading(4.0, Method.ESTIMATED)})[0]
    second = uses.add([CPU], {CPU.uuid: reading(None, None)})[0]

    assert (first.estimated, second.estimated) == (True, True)
    assert second.energy_j == pytest.approx(4.0)


def test_a_device_without_a_reading_has_no_use() -> None:
    """Its energy is not reported as 0."""
    assert SummedUses(host="a", trial_id="run").add([CPU], {}) == []
