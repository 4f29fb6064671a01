"""AMD boards behind a stand-in for `amdsmi`; no board of AMD's was ever asked."""

import pytest

from tests.trackers.sources.vendors import AmdSmi
from trackers.clock import ManualClock
from trackers.errors import ReadError, SourceUnavailableError, UnknownDeviceError
from trackers.sources.amdsmi import AmdSmiSource, import_amdsmi

BOARD = "pci:0000:a0:00.0"


def test_counter_and_power_are_told_together_at_an_edge() -> None:
    """Accumulator x resolution in joules; between edges the power alone."""
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
def test_a_guest_has_the_power_alone(energy_j: float | None) -> None:
    """Without a counter, or with one that stands at 0."""
    source = AmdSmiSource(module=lambda: AmdSmi(power_w=lambda: 250.0, energy_j=lambda: energy_j))

    seen = source.observe(BOARD, counter=True)

    assert (seen.power_w, seen.counter_j) == (250, None)


def test_a_board_that_tells_nothing_is_refused_and_later_a_gap() -> None:
    """`N/A` and 0 W are no measurements."""
    told: dict[str, float | str] = {"power": "N/A"}
    smi = AmdSmi(power_w=lambda: told["power"], energy_j=lambda: None)
    with pytest.raises(SourceUnavailableError, match="no board reports"):
        AmdSmiSource(module=lambda: smi)
    assert not smi.is_open
    told["power"] = 90.0
    source = AmdSmiSource(module=lambda: smi)
    told["power"] = 0

    with pytest.raises(ReadError, match="neither power nor energy"):
        source.observe(BOARD, counter=True)
    with pytest.raises(UnknownDeviceError, match=BOARD):
        source.observe("GPU-1", counter=True)


def test_a_machine_without_rocm_is_refused() -> None:
    """The other way to its boards is named."""
    with pytest.raises(SourceUnavailableError, match="`hwmon` measures without it"):
        import_amdsmi()


def test_ctrl_c_while_boards_are_asked_closes_the_library() -> None:
    """In a notebook the process goes on."""

    def interrupted() -> float:
        raise KeyboardInterrupt

    smi = AmdSmi(power_w=interrupted, energy_j=lambda: None)

    with pytest.raises(KeyboardInterrupt):
        AmdSmiSource(module=lambda: smi)

    assert not smi.is_open
