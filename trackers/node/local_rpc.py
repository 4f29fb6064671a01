"""A direct way from a trial to its node's tracker: a socket of their machine, beside Ray's calls.

A call of Ray's takes milliseconds, and as much CPU time on either side; with epochs of a tenth of a
second that shows. Here it is a message and its answer. The lane is a convenience: where there is
none, or it breaks, the same is asked for through Ray, which knows of restarts. Everything has a time
limit, which is why it is not `multiprocessing.connection`: that one's handshake has none, and a tracker
that hangs must not hold up a training.
"""

import hmac
import os
import pickle
import platform
import secrets
import socket
import socketserver
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self, cast, final

TOKEN_BYTES = 32

MOST_AT_ONCE = 512
"""Connections that are held at a time; each has a thread. More than a machine has trials, by far."""

QUEUE = 128
"""Trials that may begin at the same moment without being kept waiting."""

HANDSHAKE_S = 10.0
"""Who has not shown the token by then is not waited for."""

TRY_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcAddress:
    """Address of a tracker's socket, and the token that it asks for; only Ray hands it out.

    Attributes:
        path: The socket's name.
        token: Who does not know it is not answered.
    """

    path: str
    token: bytes = field(repr=False)


class RpcBrokenError(Exception):
    """The lane cannot be used any more; what was asked may have been done all the same."""


def listen(answers: Mapping[str, Callable[..., Any]]) -> RpcAddress | None:
    """Answer calls by name from now on, in threads that end with the process.

    Args:
        answers: What may be called. An exception is an answer too.

    Returns:
        None where the system has no such sockets.
    """
    try:
        address = RpcAddress(path=_free_path(), token=secrets.token_bytes(TOKEN_BYTES))
        server = _Server(address, answers)
    except (OSError, AttributeError):
        return None
    serve = partial(server.serve_forever, poll_interval=3600.0)  # nobody will end it
    threading.Thread(target=serve, name="lane", daemon=True).start()
    return address


@final
class LocalRpc:
    """A trial's end."""

    def __init__(self, link: socket.socket) -> None:
        """Use a socket that is connected; see `connected`."""
        self._link = link
        self._answers = link.makefile("rb")

    @classmethod
    def connected(cls, address: RpcAddress | None, *, timeout_s: float) -> Self | None:
        """The lane to an address; None where it cannot be reached."""
        if address is None:
            return None
        if not hasattr(socket, "AF_UNIX"):
            return None
        until_s = time.monotonic() + timeout_s
        while True:
            link = socket.socket(socket.AF_UNIX)
            try:
                link.settimeout(timeout_s)
                link.connect(address.path)
                link.sendall(address.token)
            except BlockingIOError:  # many trials come at once, and the queue is full
                link.close()
                if time.monotonic() > until_s:
                    return None
                time.sleep(TRY_AGAIN_S)
            except OSError:
                link.close()
                return None
            else:
                return cls(link)

    def ask(self, name: str, *arguments: object) -> None:
        """Ask, and do not wait; answers come in the order of what was asked.

        Raises:
            RpcBrokenError: The tracker has hung up. What it has answered before can be taken still.
            TimeoutError: It could not be asked in time. Nothing more may be asked here.
        """
        with _told_as_broken():
            self._link.sendall(pickle.dumps((name, arguments)))

    def answer(self) -> Any:  # noqa: ANN401 - as the answer is
        """The answer to the first question whose answer was not taken yet.

        Raises:
            RpcBrokenError: There was none. The lane is closed.
            TimeoutError: There was none in time. The lane is closed.
            Exception: What was called has raised it.
        """
        with self._closed_unless_done(), _told_as_broken():
            answer = pickle.load(self._answers)  # noqa: S301 - from the tracker that Ray named
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Let go of the socket; may be called twice."""
        self._answers.close()
        self._link.close()

    @contextmanager
    def _closed_unless_done(self) -> Iterator[None]:
        """Close where what is done here fails, whatever came between: answers would be mixed up."""
        is_done = False
        try:
            yield
            is_done = True
        finally:
            if not is_done:
                self.close()


@contextmanager
def _told_as_broken() -> Iterator[None]:
    """One kind of error for all that says that the other end is gone."""
    try:
        yield
    except TimeoutError:
        raise
    except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
        message = f"the tracker has hung up ({type(error).__name__})"
        raise RpcBrokenError(message) from error


def _free_path() -> str:
    """A name for a socket: on Linux one that is no file, so that none is left by who is killed."""
    if platform.system() == "Linux":
        return f"\0power-of-training-{secrets.token_hex(8)}"
    return os.path.join(tempfile.mkdtemp(), "lane")  # noqa: PTH118 - a socket's name is a string


def _is_own(link: socket.socket) -> bool:
    """Return whether the caller is this user; True where only the token can tell."""
    try:
        told = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except (OSError, AttributeError):
        return True
    _, uid, _ = struct.unpack("3i", told)
    return bool(uid == os.getuid())


@final
class _Caller(socketserver.StreamRequestHandler):
    """One trial that calls, in a thread of its own."""

    def handle(self) -> None:
        """Answer until the trial hangs up."""
        server = cast("_Server", self.server)
        self.connection.settimeout(HANDSHAKE_S)
        if not (_is_own(self.connection) and self._shows_token(server.token)):
            return
        self.connection.settimeout(None)  # an epoch may take days
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            while True:
                name, arguments = pickle.load(self.rfile)  # noqa: S301 - it has shown the token
                self.wfile.write(pickle.dumps(server.answer(name, arguments)))

    def _shows_token(self, token: bytes) -> bool:
        try:
            return hmac.compare_digest(self.rfile.read(TOKEN_BYTES), token)
        except OSError:
            return False


@final
class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens on a socket of the machine."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = QUEUE

    def __init__(self, address: RpcAddress, answers: Mapping[str, Callable[..., Any]]) -> None:
        self.address_family = socket.AF_UNIX
        self.token = address.token
        self._answers = answers
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(cast("Any", address.path), _Caller)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its base
        """Give a connection a thread, where there are not too many."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its base
        """Serve a connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def answer(self, name: str, arguments: tuple[object, ...]) -> object:
        """Result of a call."""
        try:
            return self._answers[name](*arguments)
        except Exception as error:  # noqa: BLE001 - it goes to who has called
            return error

    def handle_error(self, request: object, client_address: object) -> None:
        """A trial that has gone is nothing to print."""
