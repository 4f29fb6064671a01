"""Charges of several trials on one node: nothing twice, and together all of it."""

import math
from collections.abc import Sequence
from typing import final

import pytest

from trackers.node.ledger import Bill, BillItem
from trackers.node.shares.accounts import Accounts
from trackers.sample import Component, Device, Method, Reading, Status, process_device

BOARDS = [Device(uuid=f"GPU-{n}", name="board", component=Component.GPU) for n in range(3)]
CPU = Device(uuid="cpu:n", name="CPU", component=Component.CPU)
MEMORY = Device(uuid="memory:n", name="DIMMs", component=Component.MEMORY)
PLUG = Device(uuid="plug:n", name="plug", component=Component.NODE)
PLUG_W = 1000.0
POWERS_W = {
    "GPU-0": 200.0,
    "GPU-1": 300.0,
    process_device(1): 40.0,
    process_device(2): 60.0,
    process_device(1, MEMORY.uuid): 4.0,
    process_device(2, MEMORY.uuid): 6.0,
    PLUG.uuid: PLUG_W,
}
WHOLE_W = {CPU.uuid: 120.0, MEMORY.uuid: 12.0}
"""Whole devices that processes share; 20 W and 2 W of them are of processes of no trial."""


@final
class KnownPowers:
    """A meter whose targets always draw the powers of the tables."""

    def __init__(self, *, estimated: str = "", silent: Sequence[str] = ()) -> None:
        """Estimate one target, and know no power of the silent ones."""
        self._estimated, self._silent = estimated, silent

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """See `EnergyMeter`."""
        assert stop_s > start_s
        return None if device_uuid in self._silent else {**POWERS_W, **WHOLE_W}[device_uuid]

    def method(self, device_uuid: str) -> Method:
        """See `EnergyMeter`."""
        return Method.ESTIMATED if device_uuid == self._estimated else Method.COUNTER

    def readings(self, bill: Bill, start_s: float, stop_s: float) -> dict[str, Reading]:
        """Readings of a window, of all items on a bill."""
        return {
            item.target: Reading(
                device_uuid=item.target,
                start_s=start_s,
                duration_s=stop_s - start_s,
                energy_j=POWERS_W[item.target] * (stop_s - start_s),
                method=self.method(item.target),
                status=Status.OK,
                coverage=1.0,
                power_samples=10,
                uncertainty_common_j=1.0,
                uncertainty_own_j=1.0,
            )
            for item in bill
        }


def bill(pid: int, board: Device) -> Bill:
    """The bill of a trial on its own board, in one process."""
    return (
        BillItem(target=board.uuid, device=board),
        BillItem(target=process_device(pid), device=CPU),
        BillItem(target=process_device(pid, MEMORY.uuid), device=MEMORY),
        BillItem(target=PLUG.uuid, device=PLUG),
    )


def charges(
    accounts: Accounts, meter: KnownPowers, trial: str, own: Bill, *, stop_s: float = 10.0
) -> dict[str, float | None]:
    """Energies that a trial is charged from 0 s on, by device."""
    found = accounts.charges(trial, own, meter.readings(own, 0.0, stop_s))
    return {uuid: reading.energy_j for uuid, reading in found.items()}


def test_charges_of_all_trials_add_up_to_the_plug() -> None:
    """Each trial pays for its components and for half of what no trial's components used."""
    meter = KnownPowers()
    accounts, one, two = Accounts(meter), bill(1, BOARDS[0]), bill(2, BOARDS[1])
    accounts.enter("a", one, 0.0)
    accounts.enter("b", two, 0.0)

    first, second = charges(accounts, meter, "a", one), charges(accounts, meter, "b", two)

    rest_j = 10 * (PLUG_W - sum(power_w for uuid, power_w in POWERS_W.items() if uuid != PLUG.uuid))
    assert first == {
        "GPU-0": 2000.0,
        CPU.uuid: 400.0,
        MEMORY.uuid: 40.0,
        PLUG.uuid: pytest.approx(2440.0 + rest_j / 2),
    }
    assert math.fsum(filter(None, (first[PLUG.uuid], second[PLUG.uuid]))) == pytest.approx(
        10 * PLUG_W
    )


def test_a_trial_alone_pays_for_the_whole_plug() -> None:
    """It pays for the idle boards of its machine, too."""
    meter = KnownPowers()
    accounts, one = Accounts(meter), bill(1, BOARDS[0])
    accounts.enter("a", one, 0.0)

    assert charges(accounts, meter, "a", one)[PLUG.uuid] == pytest.approx(10 * PLUG_W)


def test_a_trial_that_starts_later_counts_from_then_on() -> None:
    """For the first 4 s the earlier trial pays for everything, the idle board included."""
    meter = KnownPowers()
    accounts, one, two = Accounts(meter), bill(1, BOARDS[0]), bill(2, BOARDS[1])
    accounts.enter("a", one, 0.0)
    accounts.enter("b", two, 4.0)

    paid_j = charges(accounts, meter, "a", one)[PLUG.uuid]

    alone_j, both_j = 4 * PLUG_W, 6 * (244 + (PLUG_W - 244 - 366) / 2)
    assert paid_j == pytest.approx(alone_j + both_j)


def test_trials_on_one_board_pay_for_it_once() -> None:
    """Each pays for half of it, in the plug's charge, too."""
    meter = KnownPowers()
    accounts, one, two = Accounts(meter), bill(1, BOARDS[0]), bill(2, BOARDS[0])
    accounts.enter("a", one, 0.0)
    accounts.enter("b", two, 0.0)

    paid = [charges(accounts, meter, trial, own) for trial, own in (("a", one), ("b", two))]

    assert [each["GPU-0"] for each in paid] == [1000.0, 1000.0]
    assert sum(each[PLUG.uuid] or 0 for each in paid) == pytest.approx(10 * PLUG_W)


@pytest.mark.parametrize("silent", [[process_device(2), CPU.uuid], [BOARDS[1].uuid]])
def test_an_unknown_neighbour_leaves_the_plugs_charge_missing(silent: list[str]) -> None:
    """A total with a missing part is not a number."""
    meter = KnownPowers(silent=silent)
    accounts, one = Accounts(meter), bill(1, BOARDS[0])
    accounts.enter("a", one, 0.0)
    accounts.enter("b", bill(2, BOARDS[1]), 0.0)

    found = charges(accounts, meter, "a", one)

    assert found[PLUG.uuid] is None
    assert found["GPU-0"] == 2000.0


def test_a_neighbour_that_has_just_begun_leaves_the_plug_within_bounds() -> None:
    """A new trial has no sample of its CPU share yet: it may have used nothing, or all that others leave."""
    meter, known = KnownPowers(silent=[process_device(2)]), KnownPowers()
    one, two = bill(1, BOARDS[0]), bill(2, BOARDS[1])
    charged = []
    for each in (known, meter):
        accounts = Accounts(each)
        accounts.enter("a", one, 0.0)
        accounts.enter("b", two, 9.0)
        charged.append(accounts.charges("a", one, each.readings(one, 0.0, 10.0))[PLUG.uuid])

    truth, found = charged

    assert truth.status is Status.OK
    assert found.status is Status.DEGRADED
    assert "has just begun" in found.note
    assert found.energy_j is not None
    assert truth.energy_j is not None
    assert truth.uncertainty_own_j is not None
    assert found.uncertainty_own_j is not None
    wider_j = found.uncertainty_own_j - truth.uncertainty_own_j
    assert abs(found.energy_j - truth.energy_j) <= wider_j
    assert wider_j < 0.01 * truth.energy_j


def test_an_estimate_is_not_in_the_plugs_charge() -> None:
    """The energy that an estimate stands for is part of the measured rest, which both trials share."""
    meter = KnownPowers(estimated=process_device(1))
    accounts, one, two = Accounts(meter), bill(1, BOARDS[0]), bill(2, BOARDS[1])
    accounts.enter("a", one, 0.0)
    accounts.enter("b", two, 0.0)

    with_estimate, without = (
        charges(accounts, meter, trial, own)[PLUG.uuid] for trial, own in (("a", one), ("b", two))
    )

    measured_j, others_j = 2000.0 + 40.0, 3000.0 + 600.0 + 60.0
    rest_j = 10 * PLUG_W - measured_j - others_j
    assert with_estimate == pytest.approx(measured_j + rest_j / 2)
    assert without == pytest.approx(others_j + rest_j / 2)


def test_components_above_the_plug_are_reported() -> None:
    """The plug's charge is then that of the components, and the note says that they do not fit."""
    meter = KnownPowers()
    accounts, one = Accounts(meter), bill(1, BOARDS[0])
    accounts.enter("a", one, 0.0)
    readings = meter.readings(one, 0.0, 10.0)
    plug = meter.readings(one, 0.0, 1.0)[PLUG.uuid]

    found = accounts.charges("a", one, {**readings, PLUG.uuid: plug})[PLUG.uuid]

    assert found.energy_j == pytest.approx(2440.0)
    assert found.status is Status.DEGRADED
    assert "more than the plug reports" in found.note


def test_a_trial_that_has_left_is_no_consumer() -> None:
    """When one of two trials has left, the other one pays for the whole plug."""
    meter = KnownPowers()
    accounts, one, two = Accounts(meter), bill(1, BOARDS[0]), bill(2, BOARDS[1])
    accounts.enter("a", one, 0.0)
    accounts.enter("b", two, 0.0)
    accounts.leave("b", 0.0)

    assert charges(accounts, meter, "a", one)[PLUG.uuid] == pytest.approx(10 * PLUG_W)
