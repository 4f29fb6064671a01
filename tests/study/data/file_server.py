"""A server on loopback that serves one file, correctly or with faults."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(slots=True, kw_only=True)
class FileServer:
    """A file, and how it is served.

    Attributes:
        content: The file.
        tag: Its ETag; empty for none.
        ranges: Whether parts can be requested.
        breaks: Number of answers that are cut after half of their bytes.
        status: HTTP status to answer instead of the file; 0 to answer with the file.
        sends_length: Whether answers have a Content-Length.
        asked: Range of each request so far; empty for a request without one.
        url: Address of the file.
    """

    content: bytes
    tag: str = '"1"'
    ranges: bool = True
    breaks: int = 0
    status: int = 0
    sends_length: bool = True
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(server: FileServer) -> Iterator[FileServer]:
    """Serve until the block ends."""
    # Made with `type`, as the names of the standard library, such as `do_GET`, break the naming rules.
    handler = type(
        "Handler",
        (BaseHTTPRequestHandler,),
        {"do_GET": lambda self: _answer(self, server), "log_message": lambda *_: None},
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}/file.zip"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, server: FileServer) -> None:
    asked = handler.headers.get("Range", "")
    server.asked.append(asked)
    if server.status:
        handler.send_error(server.status)
        return
    size, start, status = len(server.content), 0, 200
    same = handler.headers.get("If-Range", server.tag) == server.tag
    if asked and server.ranges and same:
        found = re.fullmatch(r"bytes=(\d+)-", asked)
        assert found is not None
        start, status = int(found[1]), 206
        if start >= size:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{size}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
    body = server.content[start:]
    handler.send_response(status)
    if server.sends_length:
        handler.send_header("Content-Length", str(len(body)))
    if status == 206:
        handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
    if server.tag:
        handler.send_header("ETag", server.tag)
    handler.end_headers()
    if server.breaks > 0:
        server.breaks -= 1
        body = body[: len(body) // 2]
    handler.wfile.write(body)
