"""The lane, a trial's direct connection to its tracker: answers and errors."""

import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trackers.node import local_rpc
from trackers.node.local_rpc import LocalRpc, RpcAddress, RpcBrokenError, listen

PATIENCE_S = 30.0

Connect = Callable[..., LocalRpc]


def call(lane: LocalRpc, name: str, *arguments: object) -> Any:  # noqa: ANN401 - as the answer is
    """Ask, and wait for the answer."""
    lane.ask(name, *arguments)
    return lane.answer()


def failing() -> None:
    """Raise, as a call that fails."""
    message = "no such device"
    raise KeyError(message)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A function that makes lanes to given answers."""
    lanes: list[LocalRpc] = []

    def connected(timeout_s: float = PATIENCE_S, **answers: Callable[..., Any]) -> LocalRpc:
        lane = LocalRpc.connected(listen(answers), timeout_s=timeout_s)
        assert lane is not None
        lanes.append(lane)
        return lane

    yield connected
    for lane in lanes:
        lane.close()


def test_a_call_has_its_answer(connect: Connect) -> None:
    """Calls are made by name, with arguments, any number of times."""
    lane = connect(add=lambda a, b: a + b, nothing=lambda: None)

    assert [call(lane, "add", n, 1) for n in range(5)] == [1, 2, 3, 4, 5]
    assert call(lane, "nothing") is None


def test_an_error_of_a_call_is_raised_in_the_caller(connect: Connect) -> None:
    """An unknown name raises, too; the lane can be used afterwards."""
    lane = connect(failing=failing, one=lambda: 1)

    with pytest.raises(KeyError, match="no such device"):
        call(lane, "failing")
    with pytest.raises(KeyError):
        call(lane, "unknown")
    assert call(lane, "one") == 1


def test_callers_do_not_wait_for_each_other() -> None:
    """Each caller has its own thread, so a slow call holds up nobody else."""
    free = threading.Event()
    address = listen({"wait": lambda: free.wait(PATIENCE_S), "one": lambda: 1})
    first, second = (LocalRpc.connected(address, timeout_s=PATIENCE_S) for _ in range(2))
    assert first is not None
    assert second is not None
    held_up = threading.Thread(target=call, args=(first, "wait"))
    held_up.start()

    answer = call(second, "one")
    free.set()
    held_up.join()

    assert answer == 1
    first.close()
    second.close()


def test_a_late_answer_breaks_the_lane(connect: Connect) -> None:
    """Otherwise the next call would receive the late answer."""
    free = threading.Event()
    lane = connect(timeout_s=0.05, wait=lambda: free.wait(PATIENCE_S))

    with pytest.raises(TimeoutError):
        call(lane, "wait")
    free.set()
    with pytest.raises(RpcBrokenError):
        call(lane, "wait")


def test_a_caller_with_a_wrong_token_is_not_answered() -> None:
    """The tracker hangs up before anything is called."""
    called = threading.Event()
    address = listen({"call": called.set})
    assert address is not None

    stranger = LocalRpc.connected(
        RpcAddress(path=address.path, token=bytes(len(address.token))), timeout_s=PATIENCE_S
    )

    assert stranger is not None
    with pytest.raises(RpcBrokenError):
        call(stranger, "call")
    assert not called.is_set()


def test_where_nobody_listens_there_is_no_lane() -> None:
    """Nothing is raised, because calls can go through Ray."""
    gone = RpcAddress(path="\0nobody-listens-here", token=b"")

    assert LocalRpc.connected(gone, timeout_s=PATIENCE_S) is None
    assert LocalRpc.connected(None, timeout_s=PATIENCE_S) is None


def test_a_tracker_that_hangs_up_is_a_broken_lane() -> None:
    """A tracker that was killed hangs up in the same way."""
    here, there = socket.socketpair()
    lane = LocalRpc(here)
    there.close()

    with pytest.raises(RpcBrokenError, match="hung up"):
        call(lane, "anything")


def test_the_token_is_not_printed() -> None:
    """Addresses may end up in logs."""
    address = listen({})

    assert address is not None
    assert repr(address.token) not in repr(address)


def test_answers_come_in_the_order_of_the_calls(connect: Connect) -> None:
    """A caller need not wait between calls; the first call is answered first."""
    lane = connect(double=lambda n: 2 * n)

    for number in (1, 2, 3):
        lane.ask("double", number)

    assert [lane.answer() for _ in range(3)] == [2, 4, 6]
    assert call(lane, "double", 4) == 8


def test_many_trials_can_connect_at_once() -> None:
    """A machine with 64 slots starts as many trials at the same moment."""
    address = listen({"one": lambda: 1})
    ready = threading.Barrier(64)
    answers: list[int] = []

    def trial() -> None:
        ready.wait()
        lane = LocalRpc.connected(address, timeout_s=PATIENCE_S)
        assert lane is not None
        answers.append(call(lane, "one"))
        lane.close()

    threads = [threading.Thread(target=trial) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [1] * 64


AS_NOBODY = """
import os, pickle, socket, sys
os.setgid(65534); os.setuid(65534)
link = socket.socket(socket.AF_UNIX)
link.settimeout(30)
link.connect(bytes.fromhex(sys.argv[1]))
try:
    link.sendall(bytes.fromhex(sys.argv[2]) + pickle.dumps(("one", ())))
    answered = bool(link.recv(1))
except ConnectionError:
    answered = False
sys.exit(3 if answered else 0)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0,
    reason="only root can act as another user",
)
def test_another_user_gets_no_answer_even_with_the_token() -> None:
    """A leaked token is not enough: the kernel tells which user calls."""
    address = listen({"one": lambda: 1})
    assert address is not None

    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, address.path.encode().hex(), address.token.hex()],
        check=False,
    )
    own = LocalRpc.connected(address, timeout_s=PATIENCE_S)

    assert done.returncode == 0
    assert own is not None
    assert call(own, "one") == 1


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection beyond the limit is closed, and holds no thread."""
    monkeypatch.setattr(local_rpc, "MOST_AT_ONCE", 2)
    address = listen({"one": lambda: 1})
    lanes = [LocalRpc.connected(address, timeout_s=PATIENCE_S) for _ in range(2)]
    answers = [call(lane, "one") for lane in lanes if lane is not None]

    before = set(threading.enumerate())
    excess = LocalRpc.connected(address, timeout_s=PATIENCE_S)

    assert answers == [1, 1]
    if excess is not None:  # it was closed only after it had sent its token
        with pytest.raises(RpcBrokenError):
            call(excess, "one")
    assert set(threading.enumerate()) <= before


def test_a_connection_without_a_token_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tracker waits for a token only for a limited time."""
    monkeypatch.setattr(local_rpc, "HANDSHAKE_S", 0.05)
    address = listen({})
    assert address is not None
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(PATIENCE_S)
    link.connect(address.path)

    assert link.recv(1) == b""


def test_an_answer_sent_before_the_end_can_be_read_after_it() -> None:
    """A failed call loses no earlier answer, such as what a killed tracker saw at a window's start."""
    ours, theirs = socket.socketpair()
    lane = LocalRpc(ours)
    theirs.sendall(pickle.dumps("seen at the start"))
    theirs.close()

    with pytest.raises(RpcBrokenError, match="hung up"):
        lane.ask("close")

    assert lane.answer() == "seen at the start"
    with pytest.raises(RpcBrokenError):
        lane.answer()
