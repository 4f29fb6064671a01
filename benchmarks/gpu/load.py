"""Loads on the board: idle, constant, in bursts."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch

from benchmarks.gpu.board import Board

BURST_S = 0.35
"""Length of a burst, and of the pause after it."""


@contextmanager
def idle(_: Board) -> Iterator[None]:
    """Run nothing."""
    yield


@contextmanager
def constant(board: Board) -> Iterator[None]:
    """Run matrix products, one after another."""
    with _busy(board, pause_s=0.0):
        yield


@contextmanager
def bursty(board: Board) -> Iterator[None]:
    """Run matrix products for 0.35 s, then nothing for 0.35 s, repeatedly."""
    with _busy(board, pause_s=BURST_S):
        yield


@contextmanager
def _busy(board: Board, *, pause_s: float) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        side = int(board.size(8192, 64))
        one = torch.randn(side, side, device=board.device)
        product = torch.empty_like(one)
        while not stop.is_set():
            end_s = time.monotonic() + BURST_S
            while time.monotonic() < end_s and not stop.is_set():
                torch.mm(one, one, out=product)
                if board.device.type == "cuda":
                    torch.cuda.synchronize()
                else:
                    time.sleep(0.001)
            stop.wait(pause_s)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


LOADS: dict[str, Callable[[Board], AbstractContextManager[None]]] = {
    "idle": idle,
    "constant": constant,
    "bursty": bursty,
}
