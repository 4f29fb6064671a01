"""Speed of our training loop relative to a bare one, and gain from number formats and compilation."""

import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.gpu.board import Board
from benchmarks.training_loop import Options, measure
from models.vision import backbone
from trackers.meter.meter import EnergyMeter
from trackers.sources.nvml.source import NvmlSource


def loop_against_bare(board: Board) -> list[dict[str, Any]]:
    """Return the samples per second of our loop and their ratio to a bare loop's, for each batch size."""
    options = Options(
        device=board.device.type,
        rounds=int(board.size(9, 3)),
        samples=int(board.size(49152, 64)),
        batch_sizes=(64, 256, 1024, 4096) if not board.emulated else (64,),
    )
    rows = []
    for batch_size in options.batch_sizes:
        speeds = measure(options, batch_size)
        low, median, high = statistics.quantiles(speeds.ratios, n=4)
        rows.append(
            {
                "batch_size": batch_size,
                "samples_per_s": statistics.median(speeds.ours),
                "ratio": median,
                "low": low,
                "high": high,
            }
        )
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Kind of arithmetic: precision of float32 matrix products, dtype of autocast, compilation."""

    matmul: str = "highest"
    autocast: torch.dtype | None = None
    compiled: bool = False


PRECISIONS = {
    "fp32": Precision(),
    "tf32": Precision(matmul="high"),
    "bf16": Precision(autocast=torch.bfloat16),
    "fp16": Precision(autocast=torch.float16),
    "bf16, compiled": Precision(autocast=torch.bfloat16, compiled=True),
}


def precisions(board: Board) -> list[dict[str, Any]]:
    """Return energy and time of training steps of a ResNet-18 per 1,000 images, by number format."""
    images = int(board.size(256, 4))
    side = int(board.size(160, 32))
    rows = []
    cudnn_tf32, matmul = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    try:
        with EnergyMeter(NvmlSource()) as meter:
            for name, precision in PRECISIONS.items():
                torch.set_float32_matmul_precision(precision.matmul)
                torch.backends.cudnn.allow_tf32 = precision.matmul == "high"
                rows.append({"precision": name, **_measured(board, meter, precision, images, side)})
    finally:
        torch.backends.cudnn.allow_tf32 = cudnn_tf32
        torch.set_float32_matmul_precision(matmul)
    return rows


def _measured(
    board: Board, meter: EnergyMeter, precision: Precision, images: int, side: int
) -> dict[str, Any]:
    step = _step(board, precision, images, side)
    for _ in range(int(board.size(10, 1))):
        step()
    steps = int(board.size(100, 2))
    rows = []
    for number in range(3):
        _wait(board)
        meter.open(number, devices=[board.uuid])
        for _ in range(steps):
            step()
        _wait(board)
        rows.append(meter.close(number)[board.uuid])
    thousands = steps * images / 1000
    energies_j = [each.energy_j / thousands for each in rows if each.energy_j is not None]
    return {
        "j_per_1000_images": statistics.median(energies_j) if energies_j else None,
        "s_per_1000_images": statistics.median(each.duration_s for each in rows) / thousands,
        "mean_power_w": statistics.median(each.mean_power_w or 0.0 for each in rows) or None,
    }


def _step(board: Board, precision: Precision, images: int, side: int) -> Callable[[], None]:
    torch.manual_seed(0)
    network: Any = (
        nn.Sequential(backbone("resnet18", image_size=side), nn.LazyLinear(40))
        .to(board.device)
        .train()
    )
    batch = torch.randn(images, 3, side, side, device=board.device)
    targets = torch.randint(0, 40, (images,), device=board.device)
    network(batch)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    if precision.compiled and not board.emulated:
        network = torch.compile(network)
    scaler = torch.amp.GradScaler(board.device.type, enabled=precision.autocast is torch.float16)

    def autocast() -> AbstractContextManager[object]:
        if precision.autocast is None:
            return nullcontext()
        return torch.autocast(board.device.type, dtype=precision.autocast)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast():
            loss = functional.cross_entropy(network(batch), targets)
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()

    return step


def _wait(board: Board) -> None:
    if board.device.type == "cuda":
        torch.cuda.synchronize()
