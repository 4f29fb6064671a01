"""A server on loopback that answers in JSON, as plugs and management controllers do."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class JsonServer:
    """Answers of a server, and the requests that it got.

    Attributes:
        answers: Answers by path with its query; a callable is called for each request.
        url: Its address.
        delay_s: Time before each answer.
        status: HTTP status of each answer.
        credentials: User and password that are needed; None for none.
        token: Bearer token that is needed; None for none.
        asked: Paths of the requests.
    """

    answers: dict[str, Any]
    url: str = ""
    delay_s: float = 0.0
    status: int = 200
    credentials: tuple[str, str] | None = None
    token: str | None = None
    asked: list[str] = field(default_factory=list)

    def lets_in(self, authorization: str) -> bool:
        """Check an Authorization header."""
        if self.credentials is not None:
            wanted = base64.b64encode(":".join(self.credentials).encode()).decode()
            return authorization == f"Basic {wanted}"
        return self.token is None or authorization == f"Bearer {self.token}"


@contextmanager
def serving(
    answers: dict[str, Any],
    *,
    certificate: tuple[Path, Path] | None = None,
    **options: Any,  # noqa: ANN401
) -> Iterator[JsonServer]:
    """Serve until the block ends; over TLS where a certificate and its key are given."""
    state = JsonServer(answers, **options)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            time.sleep(state.delay_s)
            status = state.status
            if not state.lets_in(self.headers.get("Authorization", "")):
                status = 401
            elif self.path not in state.answers:
                status = 404
            body = state.answers.get(self.path, "")
            body = body() if callable(body) else body
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if certificate is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
