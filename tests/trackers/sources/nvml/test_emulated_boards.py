"""The emulated boards themselves, on which other tests rely."""

from pathlib import Path
from typing import Any

import pytest

from tests.fake_nvml import Boards
from tests.trackers.sources.nvml.emulated import run

SHORTEST_STEP_S = 0.002
"""Shorter than any step of the boards' curves."""


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["square", "ramp", "burst", "constant", "noise", "random"])
@pytest.mark.parametrize("board", [0, 3])
def test_python_and_c_know_the_same_curve(library: Path, shape: Any, board: int) -> None:  # noqa: ANN401
    """Counter and power of the C library agree with the energy and power that Python computes."""
    boards = Boards(boards=4, shape=shape, refresh_ms=0, power_refresh_ms=0)

    rows = run(
        f"""
        import pynvml as n
        n.nvmlInit()
        board = n.nvmlDeviceGetHandleByIndex({board})
        out = []
        for _ in range(40):
            rows = [time.monotonic()]
            rows.append(n.nvmlDeviceGetTotalEnergyConsumption(board) / 1000)
            rows.append(time.monotonic())
            rows.append(n.nvmlDeviceGetFieldValues(board, [186])[0].value.uiVal / 1000)
            rows.append(time.monotonic())
            out.append(rows)
            time.sleep(0.013)
        """,
        boards,
        library,
    )

    first_s, first_j = rows[0][0], rows[0][1]
    highest_w = 1.15 * boards.high_w
    for before_s, energy_j, between_s, power_w, after_s in rows:
        slack_j = 0.002 + highest_w * (between_s - before_s + rows[0][2] - first_s)
        known_j = boards.energy_j(board, first_s, before_s)
        assert abs(energy_j - first_j - known_j) <= slack_j
        steps = 100 + int((after_s - between_s) / SHORTEST_STEP_S)
        step_s = (after_s - between_s) / steps
        known_w = [boards.power_w(board, between_s + i * step_s) for i in range(steps + 1)]
        assert min(known_w) - 1 <= power_w <= max(known_w) + 1


@pytest.mark.slow
def test_energy_is_the_integral_of_power() -> None:
    """The closed form agrees with a fine sum over the power, for every shape."""
    for shape in ("square", "ramp", "burst", "constant", "noise", "random"):
        boards = Boards(shape=shape)
        steps = 200_000

        summed_j = sum(boards.power_w(1, 3 + 2 * (i + 0.5) / steps) for i in range(steps))

        assert boards.energy_j(1, 3, 5) == pytest.approx(summed_j * 2 / steps, rel=1e-4)


@pytest.mark.slow
def test_ray_sees_the_boards(library: Path) -> None:
    """Ray's own copy of pynvml counts and names the emulated boards."""
    out = run(
        """
        from ray._private.accelerators.nvidia_gpu import NvidiaGPUAcceleratorManager as gpus
        out = [gpus.get_current_node_num_accelerators(), gpus.get_current_node_accelerator_type()]
        """,
        Boards(boards=3),
        library,
    )

    assert out == [3, "Fake-RTX-6000"]
