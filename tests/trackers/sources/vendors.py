"""Stand-ins for vendors' packages that do not run here: amdsmi and zeus-apple-silicon."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, final


@final
class AmdSmi:
    """As much of `amdsmi` as is used, with boards that are all alike."""

    AmdSmiException = RuntimeError

    def __init__(
        self,
        *,
        power_w: Callable[[], float | str],
        energy_j: Callable[[], float | None],
        boards: int = 1,
    ) -> None:
        """Draw a power; count an energy, unless it is None."""
        self._power_w = power_w
        self._energy_j = energy_j
        self._boards = boards
        self.is_open = False

    def amdsmi_init(self) -> None:
        """Open."""
        self.is_open = True

    def amdsmi_shut_down(self) -> None:
        """Close."""
        self.is_open = False

    def amdsmi_get_processor_handles(self) -> list[int]:
        """The boards."""
        return list(range(self._boards))

    def amdsmi_get_gpu_device_bdf(self, handle: int) -> str:
        """A PCI address, in capitals as in some versions."""
        return f"0000:A{handle}:00.0"

    def amdsmi_get_gpu_asic_info(self, _: int) -> dict[str, str]:
        """The model."""
        return {"market_name": "AMD Instinct"}

    def amdsmi_get_energy_count(self, _: int) -> dict[str, float]:
        """The counter, in steps of 15.3 microjoules."""
        energy_j = self._energy_j()
        if energy_j is None:
            message = "AMDSMI_STATUS_NOT_SUPPORTED"
            raise self.AmdSmiException(message)
        return {"energy_accumulator": energy_j * 1e6 / 15.25, "counter_resolution": 15.25}

    def amdsmi_get_power_info(self, _: int) -> dict[str, Any]:
        """The power, under the name of newer boards."""
        return {"current_socket_power": self._power_w(), "average_socket_power": "N/A"}


@final
class AppleChip:
    """As much of `AppleEnergyMonitor` as is used; all parts count the same energy."""

    def __init__(
        self, energy_j: Callable[[], float], **changes: Callable[[], float | None]
    ) -> None:
        """Count `energy_j`, and in the fields of `changes` something else."""
        self._energy_j = energy_j
        self._changes = changes

    def get_cumulative_energy(self) -> SimpleNamespace:
        """The counters, in millijoules."""
        fields_mj: dict[str, float | None] = dict.fromkeys(
            ("gpu_mj", "cpu_total_mj", "dram_mj"), self._energy_j() * 1000
        )
        fields_mj |= {name: change() for name, change in self._changes.items()}
        return SimpleNamespace(**fields_mj)
