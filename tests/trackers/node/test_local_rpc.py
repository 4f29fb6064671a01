"""The direct way to a tracker: calls are answered, and what goes wrong is told apart."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from trackers.node.local_rpc import LocalRpc, RpcAddress, RpcBrokenError, listen

PATIENCE_S = 30.0

Connect = Callable[..., LocalRpc]


def failing() -> None:
    """A call that goes wrong."""
    message = "no such device"
    raise KeyError(message)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Lanes to whatever is given."""
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
    """By name, with arguments, as often as one likes."""
    lane = connect(add=lambda a, b: a + b, nothing=lambda: None)

    assert [lane.call("add", n, 1) for n in range(5)] == [1, 2, 3, 4, 5]
    assert lane.call("nothing") is None


def test_an_error_of_a_call_is_raised_here(connect: Connect) -> None:
    """Also that there is no such call; the lane is as good as before."""
    lane = connect(failing=failing, one=lambda: 1)

    with pytest.raises(KeyError, match="no such device"):
        lane.call("failing")
    with pytest.raises(KeyError):
        lane.call("unknown")
    assert lane.call("one") == 1


def test_callers_do_not_wait_for_each_other() -> None:
    """Each has a thread of its own: one that is held up holds up nobody else."""
    free = threading.Event()
    address = listen({"wait": lambda: free.wait(PATIENCE_S), "one": lambda: 1})
    first, second = (LocalRpc.connected(address, timeout_s=PATIENCE_S) for _ in range(2))
    assert first is not None
    assert second is not None
    held_up = threading.Thread(target=first.call, args=("wait",))
    held_up.start()

    answer = second.call("one")
    free.set()
    held_up.join()

    assert answer == 1
    first.close()
    second.close()


def test_a_late_answer_breaks_the_lane(connect: Connect) -> None:
    """Else the next call would get it."""
    free = threading.Event()
    lane = connect(timeout_s=0.05, wait=lambda: free.wait(PATIENCE_S))

    with pytest.raises(TimeoutError):
        lane.call("wait")
    free.set()
    with pytest.raises(RpcBrokenError):
        lane.call("wait")


def test_who_does_not_know_the_token_is_not_answered() -> None:
    """The tracker hangs up before anything is called."""
    called = threading.Event()
    address = listen({"call": called.set})
    assert address is not None

    stranger = LocalRpc.connected(
        RpcAddress(path=address.path, token=bytes(len(address.token))), timeout_s=PATIENCE_S
    )

    assert stranger is not None
    with pytest.raises(RpcBrokenError):
        stranger.call("call")
    assert not called.is_set()


def test_where_nobody_listens_there_is_no_lane() -> None:
    """Nothing is raised: there is Ray."""
    gone = RpcAddress(path="\0nobody-listens-here", token=b"")

    assert LocalRpc.connected(gone, timeout_s=PATIENCE_S) is None
    assert LocalRpc.connected(None, timeout_s=PATIENCE_S) is None


def test_a_tracker_that_hangs_up_is_told_as_that() -> None:
    """So does one that was killed."""
    here, there = socket.socketpair()
    lane = LocalRpc(here)
    there.close()

    with pytest.raises(RpcBrokenError, match="hung up"):
        lane.call("anything")


def test_the_token_is_not_printed() -> None:
    """Addresses may come into logs."""
    address = listen({})

    assert address is not None
    assert repr(address.token) not in repr(address)


def test_answers_come_in_the_order_of_the_questions(connect: Connect) -> None:
    """Who asks need not wait; what was asked first is answered first."""
    lane = connect(double=lambda n: 2 * n)

    for number in (1, 2, 3):
        lane.ask("double", number)

    assert [lane.answer() for _ in range(3)] == [2, 4, 6]
    assert lane.call("double", 4) == 8
