"""Versions of `pynvml` and of drivers other than those used in development."""

from types import ModuleType
from typing import Any

import pytest

from trackers.errors import SourceUnavailableError
from trackers.sources.nvml.library import NvmlLibrary
from trackers.sources.nvml.source import NvmlSource


class RefusedError(Exception):
    """NVML's error for what is not supported."""

    value = 3


class Pci:
    """A PCI address."""

    domain, bus, device = 0, 1, 0


def binding(**changes: Any) -> ModuleType:  # noqa: ANN401 - functions of any kind
    """An old `pynvml` with one board, which reports its power and has none of the later functions."""
    made = ModuleType("pynvml")
    functions: dict[str, Any] = {
        "NVMLError": RefusedError,
        "NVML_TEMPERATURE_GPU": 0,
        "NVML_CLOCK_SM": 1,
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetPciInfo": lambda _: Pci(),
        "nvmlDeviceGetUUID": lambda _: b"GPU-1",
        "nvmlDeviceGetName": lambda _: b"Tesla K80",
        "nvmlSystemGetDriverVersion": lambda: b"470.57",
        "nvmlDeviceGetPowerUsage": lambda _: 60_000,
        **changes,
    }
    for name, each in functions.items():
        setattr(made, name, each)
    return made


def undecodable(_: object) -> str:
    """Decode what a driver gave in place of a name."""
    return b"\xf8\x01".decode()


def test_bytes_are_decoded() -> None:
    """`pynvml` before 11.5, another package of the same name, returned bytes."""
    source = NvmlSource(nvml=binding())

    (device,) = source.devices()
    assert (device.uuid, device.name, device.driver) == ("GPU-1", "Tesla K80", "470.57")


def test_power_is_measured_without_later_functions() -> None:
    """Without energy counter, fields, MIG, limits and clocks the power is still measured."""
    source = NvmlSource(nvml=binding())

    assert source.observe("GPU-1", counter=True).power_w == 60.0
    assert source.state("GPU-1").temperature_c is None
    assert source.users("GPU-1") == frozenset()
    assert [(each.counter, each.mig) for each in source.probes] == [(False, False)]


def test_an_undecodable_name_is_replaced() -> None:
    """WSL's driver 555 gives such a name."""
    source = NvmlSource(nvml=binding(nvmlDeviceGetName=undecodable))

    assert [each.name for each in source.devices()] == ["NVIDIA board"]


def test_a_board_without_an_identifier_is_refused_and_the_others_are_not() -> None:
    """Nobody could say which board it is."""
    broken = binding(
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetUUID=lambda handle: undecodable(handle) if handle else "GPU-1",
    )

    boards, refused = NvmlLibrary(broken).boards()

    assert [each.uuid for each in boards] == ["GPU-1"]
    assert "nvmlDeviceGetUUID" in str(refused[0])


@pytest.mark.parametrize("function", ["nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"])
def test_a_missing_essential_function_refuses_the_source(function: str) -> None:
    """The refusal names the function, instead of an AttributeError."""
    lacking = binding()
    delattr(lacking, function)

    with pytest.raises(SourceUnavailableError, match=function):
        NvmlSource(nvml=lacking)
