"""AMD boards, by a stand-in for `amdsmi`; never tested on a real board."""

import pytest

from tests.trackers.sources.vendors import AmdSmi
from trackers.clock import ManualClock
from trackers.errors import ReadError, SourceUnavailableError, UnknownDeviceError
from trackers.sources.amdsmi import AmdSmiSource, import_amdsmi

BOARD = "pci:0000:a0:00.0"


def test_counter_and_power_are_read_together_at_an_edge() -> None:
    """The counter is accumulator x resolution; between edges only the power is read."""
    smi = AmdSmi(power_w=lambda: 250.0, energy_j=lambda: 5000.0)
    source = AmdSmiSource(module=lambda: smi, clock=ManualClock(7))

    at_edge, between = (source.observe(BOARD, counter=each) for each in (True, False))

    assert [device.uuid for device in source.devices()] == [BOARD]
    assert at_edge.counter_j == pytest.approx(5000)
    assert (at_edge.power_w, between.power_w, between.counter_j) == (250, 250, None)
    source.close()
    source.close()
    assert not smi.is_open


@pytest.mark.parametrize("energy_j", [None, 0.0])
def test_a_virtual_machine_has_only_power(energy_j: float | None) -> None:
    """A virtual machine has no counter, or one that stays at 0."""
    source = AmdSmiSource(module=lambda: AmdSmi(power_w=lambda: 250.0, energy_j=lambda: energy_j))

    seen = source.observe(BOARD, counter=True)

    assert (seen.power_w, seen.counter_j) == (250, None)


def test_a_board_without_power_is_refused_and_later_a_read_error() -> None:
    """`N/A` and 0 W are not measurements."""
    reported: dict[str, float | str] = {"power": "N/A"}
    smi = AmdSmi(power_w=lambda: reported["power"], energy_j=lambda: None)
    with pytest.raises(SourceUnavailableError, match="no board reports"):
        AmdSmiSource(module=lambda: smi)
    assert not smi.is_open
    reported["power"] = 90.0
    source = AmdSmiSource(module=lambda: smi)
    reported["power"] = 0

    with pytest.raises(ReadError, match="neither power nor energy"):
        source.observe(BOARD, counter=True)
    with pytest.raises(UnknownDeviceError, match=BOARD):
        source.observe("GPU-1", counter=True)


def test_a_machine_without_rocm_is_refused() -> None:
    """The message names the source that needs no ROCm."""
    with pytest.raises(SourceUnavailableError, match="`hwmon` measures without it"):
        import_amdsmi()


def test_ctrl_c_while_boards_are_probed_closes_the_library() -> None:
    """In a notebook the process goes on, so the library must be closed."""

    def interrupted() -> float:
        raise KeyboardInterrupt

    smi = AmdSmi(power_w=interrupted, energy_j=lambda: None)

    with pytest.raises(KeyboardInterrupt):
        AmdSmiSource(module=lambda: smi)

    assert not smi.is_open
