"""NVML's errors, and times of observations, with a scripted `pynvml`."""

import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pynvml
import pytest

from tests.fake_nvml import UUIDS
from tests.trackers.sources.nvml.emulated import ROOT
from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
)
from trackers.sources.nvml.errors import READING_ERRORS
from trackers.sources.nvml.source import NvmlSource


class ScriptedNvml(ModuleType):
    """`pynvml` with one board, whose calls take time on a clock and may fail."""

    def __init__(self, clock: ManualClock, *, count: int = 1) -> None:
        """Answer to the clock's time."""
        super().__init__("pynvml")
        self.__dict__.update({k: v for k, v in vars(pynvml).items() if k.startswith("NVML")})
        self.failure: Exception | None = None
        self.clock = clock
        self.shutdowns = 0
        self.count = count

    def nvmlInit(self) -> None:  # noqa: N802
        """Open."""

    def nvmlShutdown(self) -> None:  # noqa: N802
        """Count how often it was closed."""
        self.shutdowns += 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """Number of boards."""
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        """The index itself."""
        if self.failure:
            raise self.failure
        return index

    def nvmlDeviceGetPciInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        """An address that follows the index."""
        return SimpleNamespace(domain=0, bus=handle, device=0)

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        """A UUID in NVML's form."""
        return UUIDS[handle]

    def nvmlDeviceGetTotalEnergyConsumption(self, _: int) -> int:  # noqa: N802
        """5 J, after 4 ms."""
        self.clock.advance(0.004)
        return 5000

    def nvmlDeviceGetFieldValues(self, _: int, __: list[int]) -> list[SimpleNamespace]:  # noqa: N802
        """100 W, after 10 ms."""
        self.clock.advance(0.010)
        if self.failure:
            raise self.failure
        return [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=100_000))]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Support no other function."""
        if name.startswith("nvml"):
            return self._unsupported
        raise AttributeError(name)

    @staticmethod
    def _unsupported(*_: object) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


def test_time_is_the_middle_of_the_call_that_matters() -> None:
    """With a counter it is the middle of the counter's call, not of the slow one for power that follows."""
    clock = ManualClock(10)
    source = NvmlSource(nvml=ScriptedNvml(clock), clock=clock)
    start_s = clock.now_s()

    with_counter = source.observe(UUIDS[0], counter=True)
    between_s = clock.now_s()
    power_only = source.observe(UUIDS[0], counter=False)

    assert with_counter.time_s == pytest.approx(start_s + 0.002)
    assert (with_counter.counter_j, with_counter.power_w) == (5, 100)
    assert power_only.time_s == pytest.approx(between_s + 0.005)


def test_one_failing_call_does_not_hide_the_other() -> None:
    """Where power fails and the counter answers, the counter is given."""
    clock = ManualClock()
    nvml = ScriptedNvml(clock)
    source = NvmlSource(nvml=nvml, clock=clock)
    nvml.failure = pynvml.NVMLError(pynvml.NVML_ERROR_TIMEOUT)

    seen = source.observe(UUIDS[0], counter=True)

    assert (seen.counter_j, seen.power_w) == (5, None)


def vendor_errors() -> list[str]:
    """Every error code that the installed pynvml knows."""
    return [name for name in vars(pynvml) if name.startswith("NVML_ERROR_")]


@pytest.mark.parametrize("name", vendor_errors())
def test_every_vendor_error_is_mapped(name: str) -> None:
    """Each NVML error in a reading becomes the error that the table has for it."""
    clock = ManualClock()
    nvml = ScriptedNvml(clock)
    source = NvmlSource(nvml=nvml, clock=clock)
    nvml.failure = pynvml.NVMLError(getattr(pynvml, name))

    with pytest.raises(ReadError) as caught:
        source.observe(UUIDS[0], counter=False)

    assert type(caught.value) is READING_ERRORS[name]
    assert caught.value.__cause__ is nvml.failure


def test_lost_boards_are_lost_for_good() -> None:
    """Errors after which no reading can succeed are told apart from sporadic ones."""
    lost = {name for name, kind in READING_ERRORS.items() if kind is DeviceLostError}

    assert {"NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_RESET_REQUIRED"} <= lost
    assert not {"NVML_ERROR_UNKNOWN", "NVML_ERROR_TIMEOUT", "NVML_ERROR_NOT_READY"} & lost


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (pynvml.NVML_ERROR_NO_PERMISSION, SourcePermissionError),
        (pynvml.NVML_ERROR_UNKNOWN, SourceUnavailableError),
    ],
)
def test_boards_that_all_refuse_are_no_source(code: int, kind: type[Exception]) -> None:
    """A source that can open no board shuts NVML down and says why."""
    nvml = ScriptedNvml(ManualClock())
    nvml.failure = pynvml.NVMLError(code)

    with pytest.raises(SourceUnavailableError) as caught:
        NvmlSource(nvml=nvml)

    assert type(caught.value) is kind
    assert nvml.shutdowns == 1


def test_a_library_that_fails_in_an_unforeseen_way_is_shut_down() -> None:
    """The error is passed on, and nobody else could close the library."""
    nvml = ScriptedNvml(ManualClock())
    nvml.failure = MemoryError()

    with pytest.raises(MemoryError):
        NvmlSource(nvml=nvml)

    assert nvml.shutdowns == 1


def test_importing_and_opening_without_pynvml() -> None:
    """The module imports where pynvml is missing; opening says which package to install."""
    code = """
import sys
sys.modules["pynvml"] = None
from trackers.sources.nvml.source import NvmlSource
from trackers.errors import SourceUnavailableError
try:
    NvmlSource()
except SourceUnavailableError as error:
    assert "pip install nvidia-ml-py" in str(error), error
else:
    raise AssertionError
"""

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
