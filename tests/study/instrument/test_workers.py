"""Energy windows of a Ray Train worker."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from study.instrument import workers
from study.instrument.attempt_energy import WorkerAssignment
from study.instrument.workers import WorkerEnergy


def test_a_worker_synchronizes_its_gpu_before_it_closes_a_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The GPU may still be computing when the training loop reports."""
    calls: list[str] = []
    client = SimpleNamespace(
        open=lambda key: calls.append(f"open {key.stage} {key.epoch}"),
        close=lambda key: calls.append(f"close {key.stage} {key.epoch}"),
    )
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 1,
        memory_reserved=lambda _: 1024,
        synchronize=lambda _: calls.append("synchronize"),
    )
    keeper: Any = SimpleNamespace(
        join_worker=SimpleNamespace(remote=lambda *_: "1"),
        report=SimpleNamespace(remote=lambda *_: None),
    )
    context = SimpleNamespace(get_world_rank=lambda: 0)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(workers, "client_here", lambda _: client)
    monkeypatch.setattr(workers, "part_of_window", lambda *_: None)
    monkeypatch.setattr(workers, "train", SimpleNamespace(get_context=lambda: context))
    monkeypatch.setattr(workers, "ray", SimpleNamespace(get=lambda sent, **_: sent))
    monkeypatch.setattr(workers, "_follow_reports", lambda _: None)
    worker = WorkerEnergy(WorkerAssignment(keeper=keeper, trial_id="a", attempt=1, epoch=1))
    calls.clear()

    with worker.on_report():
        calls.append("report")

    assert calls == ["synchronize", "close training 1", "report", "open training 2"]
