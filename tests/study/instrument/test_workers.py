"""A worker of Ray Train: its windows end where its work ends."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from study.instrument import workers
from study.instrument.attempt_energy import WorkerAssignment
from study.instrument.workers import WorkerEnergy


def test_a_worker_waits_for_its_board_before_an_epoch_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its board computes still when the loop comes to its report."""
    done: list[str] = []
    client = SimpleNamespace(
        open=lambda key: done.append(f"open {key.stage} {key.epoch}"),
        close=lambda key: done.append(f"close {key.stage} {key.epoch}"),
    )
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 1,
        memory_reserved=lambda _: 1024,
        synchronize=lambda _: done.append("wait"),
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
    done.clear()

    with worker.on_report():
        done.append("report")

    assert done == ["wait", "close training 1", "report", "open training 2"]
