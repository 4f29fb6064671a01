"""Power and energy of devices by trial, for live views."""

from dataclasses import dataclass, field

from trackers.node.ledger import BillItem
from trackers.node.live.device_uses import DeviceUses
from trackers.node.shares.accounts import Accounts
from trackers.sample import BoardState, Component, Device, Method, process_device

BOARD = Device(uuid="GPU-1", name="A board", component=Component.GPU)
OTHER = Device(uuid="GPU-2", name="A board", component=Component.GPU)
CPU = Device(uuid="cpu", name="A chip", component=Component.CPU)


@dataclass
class Meter:
    """A meter of constant powers; None for a device that is not observed."""

    powers_w: dict[str, float | None] = field(default_factory=dict)

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """The device's constant power."""
        return self.powers_w.get(device_uuid) if stop_s > start_s else None

    def method(self, device_uuid: str) -> Method:
        """Estimated for processes, a counter for boards."""
        return Method.ESTIMATED if device_uuid.startswith("process") else Method.COUNTER

    def state(self, device_uuid: str) -> BoardState:
        """A temperature for boards."""
        return BoardState(temperature_c=60.0 if device_uuid.startswith("GPU") else None)


def own_trial(name: str) -> str:
    """Name of a consumer's trial, where each trial is one process."""
    return name


def test_energies_add_up_from_the_first_call_on() -> None:
    """Energy is power x time since the first call, also of a device that no trial uses."""
    meter = Meter({"GPU-1": 100.0, "GPU-2": 10.0})
    uses = DeviceUses(meter, Accounts(meter), [BOARD, OTHER])

    assert uses.take(5.0, own_trial) == ()
    uses.take(7.0, own_trial)
    by_device = {each.device_uuid: each for each in uses.take(10.0, own_trial)}

    assert (by_device["GPU-1"].power_w, by_device["GPU-1"].energy_j) == (100.0, 500.0)
    assert (by_device["GPU-2"].energy_j, by_device["GPU-2"].trial_id) == (50.0, "")
    assert by_device["GPU-1"].state.temperature_c == 60.0


def test_a_trial_is_charged_from_its_start_on() -> None:
    """A trial that starts within an interval is charged only from then on, at its own power."""
    meter = Meter({"GPU-1": 100.0})
    accounts = Accounts(meter)
    uses = DeviceUses(meter, accounts, [BOARD])
    uses.take(0.0, own_trial)

    accounts.enter("a", (BillItem(target="GPU-1", device=BOARD),), 1.0)
    (use,) = uses.take(3.0, own_trial)

    assert (use.trial_id, use.power_w, use.energy_j) == ("a", 100.0, 200.0)


def test_trials_that_share_a_board_are_charged_equal_parts() -> None:
    """The rule is the same as for windows."""
    meter = Meter({"GPU-1": 100.0})
    accounts = Accounts(meter)
    for name in ("a", "b"):
        accounts.enter(name, (BillItem(target="GPU-1", device=BOARD),), 0.0)
    uses = DeviceUses(meter, accounts, [BOARD])
    uses.take(0.0, own_trial)

    shares = uses.take(2.0, own_trial)

    assert {each.trial_id: each.energy_j for each in shares} == {"a": 100.0, "b": 100.0}


def test_processes_of_one_trial_are_added_up() -> None:
    """A trial has one use of a device, however many processes it has."""
    meter = Meter({process_device(1): 3.0, process_device(2): 4.0})
    accounts = Accounts(meter)
    for rank, pid in (("a", 1), ("a#worker1", 2)):
        accounts.enter(rank, (BillItem(target=process_device(pid), device=CPU),), 0.0)
    uses = DeviceUses(meter, accounts, [CPU])
    uses.take(0.0, own_trial)

    (use,) = uses.take(2.0, lambda name: name.partition("#")[0])

    assert (use.trial_id, use.power_w, use.energy_j) == ("a", 7.0, 14.0)
    assert use.estimated


def test_a_device_that_was_never_observed_has_no_energy() -> None:
    """None and not 0: a board whose power cannot be read has used something."""
    meter = Meter({"GPU-1": None})
    uses = DeviceUses(meter, Accounts(meter), [BOARD])
    uses.take(0.0, own_trial)

    (use,) = uses.take(1.0, own_trial)

    assert (use.power_w, use.energy_j) == (None, None)


def test_a_device_that_stops_answering_has_no_power() -> None:
    """The power of a device that stops answering is None, and its energy stays as it was."""
    meter = Meter({"GPU-1": 100.0})
    uses = DeviceUses(meter, Accounts(meter), [BOARD])
    uses.take(0.0, own_trial)
    uses.take(1.0, own_trial)

    meter.powers_w["GPU-1"] = None
    (use,) = uses.take(2.0, own_trial)

    assert (use.power_w, use.energy_j) == (None, 100.0)
