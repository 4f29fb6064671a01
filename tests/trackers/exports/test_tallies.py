"""Totals of devices for monitoring."""

from trackers.exports.exporter import DeviceUse
from trackers.exports.tallies import Tallies
from trackers.sample import Component


def use(uuid: str, energy_j: float | None) -> DeviceUse:
    """The use of a board."""
    return DeviceUse(
        host="h1",
        device_uuid=uuid,
        device_name="A board",
        component=Component.GPU,
        trial_id="a",
        estimated=False,
        power_w=None,
        energy_j=energy_j,
    )


def test_an_unknown_energy_is_absent() -> None:
    """It is not exported as a counter at 0."""
    tallies = Tallies()

    tallies.add_uses([use("GPU-1", None), use("GPU-2", 5.0)])

    assert [(each.device_uuid, energy_j) for each, energy_j in tallies.energies()] == [
        ("GPU-2", 5.0)
    ]
