"""Power and energy of devices by trial, for those who look on."""

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
    """Knows constant powers; None for what is not observed."""

    powers_w: dict[str, float | None] = field(default_factory=dict)

    def mean_power_w(self, device_uuid: str, start_s: float, stop_s: float) -> float | None:
        """The power that it always has."""
        return self.powers_w.get(device_uuid) if stop_s > start_s else None

    def method(self, device_uuid: str) -> Method:
        """An estimate of processes, a counter of boards."""
        return Method.ESTIMATED if device_uuid.startswith("process") else Method.COUNTER

    def state(self, device_uuid: str) -> BoardState:
        """A temperature of boards."""
        return BoardState(temperature_c=60.0 if device_uuid.startswith("GPU") else None)


def itself(name: str) -> str:
    """A trial of one process."""
    return name


def test_the_first_call_begins_and_energies_add_up() -> None:
    """Energy is power x time from the first call on, of devices that no trial uses too."""
    meter = Meter({"GPU-1": 100.0, "GPU-2": 10.0})
    uses = DeviceUses(meter, Accounts(meter), [BOARD, OTHER])

    assert uses.take(5.0, itself) == ()
    uses.take(7.0, itself)
    told = {each.device_uuid: each for each in uses.take(10.0, itself)}

    assert (told["GPU-1"].power_w, told["GPU-1"].energy_j) == (100.0, 500.0)
    assert (told["GPU-2"].energy_j, told["GPU-2"].trial_id) == (50.0, "")
    assert told["GPU-1"].state.temperature_c == 60.0


def test_a_trial_is_charged_from_its_beginning_on() -> None:
    """Of the stretch in which it begins the trial has its own part, at its own power."""
    meter = Meter({"GPU-1": 100.0})
    accounts = Accounts(meter)
    uses = DeviceUses(meter, accounts, [BOARD])
    uses.take(0.0, itself)

    accounts.enter("a", (BillItem(target="GPU-1", device=BOARD),), 1.0)
    (told,) = uses.take(3.0, itself)

    assert (told.trial_id, told.power_w, told.energy_j) == ("a", 100.0, 200.0)


def test_trials_that_share_a_board_have_equal_parts() -> None:
    """The rule is that of windows."""
    meter = Meter({"GPU-1": 100.0})
    accounts = Accounts(meter)
    for name in ("a", "b"):
        accounts.enter(name, (BillItem(target="GPU-1", device=BOARD),), 0.0)
    uses = DeviceUses(meter, accounts, [BOARD])
    uses.take(0.0, itself)

    told = uses.take(2.0, itself)

    assert {each.trial_id: each.energy_j for each in told} == {"a": 100.0, "b": 100.0}


def test_processes_of_one_trial_are_added_up() -> None:
    """A trial has one use of a device, whatever the number of its processes."""
    meter = Meter({process_device(1): 3.0, process_device(2): 4.0})
    accounts = Accounts(meter)
    for rank, pid in (("a", 1), ("a#worker1", 2)):
        accounts.enter(rank, (BillItem(target=process_device(pid), device=CPU),), 0.0)
    uses = DeviceUses(meter, accounts, [CPU])
    uses.take(0.0, itself)

    (told,) = uses.take(2.0, lambda name: name.partition("#")[0])

    assert (told.trial_id, told.power_w, told.energy_j) == ("a", 7.0, 14.0)
    assert told.estimated


def test_what_was_never_observed_has_no_energy() -> None:
    """None and not 0: a board whose power cannot be read has used something."""
    meter = Meter({"GPU-1": None})
    uses = DeviceUses(meter, Accounts(meter), [BOARD])
    uses.take(0.0, itself)

    (told,) = uses.take(1.0, itself)

    assert (told.power_w, told.energy_j) == (None, None)


def test_what_is_not_observed_has_no_power() -> None:
    """A device that does not answer draws None, and its energy stays as it was."""
    meter = Meter({"GPU-1": 100.0})
    uses = DeviceUses(meter, Accounts(meter), [BOARD])
    uses.take(0.0, itself)
    uses.take(1.0, itself)

    meter.powers_w["GPU-1"] = None
    (told,) = uses.take(2.0, itself)

    assert (told.power_w, told.energy_j) == (None, 100.0)
