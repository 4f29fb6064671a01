"""Direct connection (the lane) from a trial to its node's tracker: a Unix socket, beside Ray's calls.

A Ray call takes milliseconds, and as much CPU time on either side, which shows with epochs of a tenth of
a second. Here a call is one message and its answer. The lane is an optimization: where there is none, or
it breaks, the same call is made through Ray, which knows of restarts. Everything has a time limit, because
a hanging tracker must not hold up a training. That is why this is not `multiprocessing.connection`, whose
handshake has none.
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
"""Greatest number of simultaneous connections, each with a thread; far more than a machine has trials."""

QUEUE = 128
"""Length of the listen queue: trials that may connect at the same moment without being turned away."""

HANDSHAKE_S = 10.0
"""Time within which a caller must send the token."""

TRY_AGAIN_S = 0.02
"""Time between two attempts to connect while the listen queue is full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcAddress:
    """Address of a tracker's socket, and the token that it requires; sent through Ray only.

    Attributes:
        path: Name of the socket.
        token: Secret that a caller must send before it is answered.
    """

    path: str
    token: bytes = field(repr=False)


class RpcBrokenError(Exception):
    """The lane cannot be used any more; unanswered calls may have been executed all the same."""


def listen(answers: Mapping[str, Callable[..., Any]]) -> RpcAddress | None:
    """Start to answer calls, in threads that end with the process.

    Args:
        answers: Functions that may be called, by name. An exception that one raises is sent as its answer.

    Returns:
        The address to connect to; None where the system has no such sockets.
    """
    try:
        address = RpcAddress(path=_free_path(), token=secrets.token_bytes(TOKEN_BYTES))
        server = _Server(address, answers)
    except (OSError, AttributeError):
        return None
    serve = partial(server.serve_forever, poll_interval=3600.0)  # it is never told to end
    threading.Thread(target=serve, name="lane", daemon=True).start()
    return address


@final
class LocalRpc:
    """A trial's end of the lane to its tracker."""

    def __init__(self, link: socket.socket) -> None:
        """Wrap a connected socket; see `connected`."""
        self._link = link
        self._answers = link.makefile("rb")

    @classmethod
    def connected(cls, address: RpcAddress | None, *, timeout_s: float) -> Self | None:
        """Connect to an address within `timeout_s`; None where it cannot be reached."""
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
            except BlockingIOError:  # many trials connect at once, and the listen queue is full
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
        """Send a call without waiting for its answer; answers arrive in the order of the calls.

        Raises:
            RpcBrokenError: The tracker has hung up. Its earlier answers can still be read.
            TimeoutError: The call could not be sent in time. No further call may be sent.
        """
        with _told_as_broken():
            self._link.sendall(pickle.dumps((name, arguments)))

    def answer(self) -> Any:  # noqa: ANN401 - as the answer is
        """Wait for the answer to the oldest unanswered call and return it.

        Raises:
            RpcBrokenError: There is no answer, because the tracker has hung up. The lane is closed.
            TimeoutError: There was no answer in time. The lane is closed.
            Exception: Any exception that the called function raised.
        """
        with self._closed_unless_done(), _told_as_broken():
            answer = pickle.load(self._answers)  # noqa: S301 - from the tracker that Ray named
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Close the socket; may be called twice."""
        self._answers.close()
        self._link.close()

    @contextmanager
    def _closed_unless_done(self) -> Iterator[None]:
        """Close the lane if the block fails in any way, because later answers would belong to other calls."""
        is_done = False
        try:
            yield
            is_done = True
        finally:
            if not is_done:
                self.close()


@contextmanager
def _told_as_broken() -> Iterator[None]:
    """Convert all errors that mean that the other end is gone to `RpcBrokenError`."""
    try:
        yield
    except TimeoutError:
        raise
    except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
        message = f"the tracker has hung up ({type(error).__name__})"
        raise RpcBrokenError(message) from error


def _free_path() -> str:
    """Return a socket name; on Linux an abstract one, which leaves no file behind if we are killed."""
    if platform.system() == "Linux":
        return f"\0power-of-training-{secrets.token_hex(8)}"
    return os.path.join(tempfile.mkdtemp(), "lane")  # noqa: PTH118 - a socket's name is a string


def _is_own(link: socket.socket) -> bool:
    """Return whether the caller is the same user; True where the system cannot tell, and the token decides."""
    try:
        told = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    except (OSError, AttributeError):
        return True
    _, uid, _ = struct.unpack("3i", told)
    return bool(uid == os.getuid())


@final
class _Caller(socketserver.StreamRequestHandler):
    """Handler of one trial's connection, in a thread of its own."""

    def handle(self) -> None:
        """Answer calls until the trial hangs up."""
        server = cast("_Server", self.server)
        self.connection.settimeout(HANDSHAKE_S)
        if not (_is_own(self.connection) and self._shows_token(server.token)):
            return
        self.connection.settimeout(None)  # because an epoch may take days
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            while True:
                name, arguments = pickle.load(self.rfile)  # noqa: S301 - the caller has sent the token
                self.wfile.write(pickle.dumps(server.answer(name, arguments)))

    def _shows_token(self, token: bytes) -> bool:
        try:
            return hmac.compare_digest(self.rfile.read(TOKEN_BYTES), token)
        except OSError:
            return False


@final
class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Server on a Unix socket, with a thread for each connection."""

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
        """Start a thread for a connection, or close it where there are too many."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its base
        """Serve a connection until it ends, then free its place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def answer(self, name: str, arguments: tuple[object, ...]) -> object:
        """Call a function and return its result, or the exception that it raised."""
        try:
            return self._answers[name](*arguments)
        except Exception as error:  # noqa: BLE001 - it is sent to the caller
            return error

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing for a trial that has hung up, unlike the base class."""
