"""A TensorBoard server on a folder, queried over HTTP as its page does."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE_S, waited_for

Ask = Callable[..., Any]
"""Function that returns a plugin's answer to a path below `/data/plugin` and an optional body."""


@contextmanager
def served(logs: Path, output: Path) -> Iterator[Ask]:
    """Serve `logs` on a free port of loopback; TensorBoard's messages go into the file `output`."""
    with output.open("w") as errors:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "tensorboard.main", "--logdir", str(logs)),
                *("--host", "127.0.0.1", "--port", "0"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        found = waited_for(
            lambda: re.search(r"http://127\.0\.0\.1:\d+", output.read_text()),
            "TensorBoard's address",
        )
        base = f"{found.group()}/data/plugin"

        def ask(path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(  # noqa: S310 - loopback
                f"{base}/{path}", data=data, headers={"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
                return json.loads(answer.read())

        yield ask
    finally:
        server.kill()
        server.wait()
