"""A process that starts a local Ray, says where it is, and holds it until nobody needs it.

Run as a file, so that it imports nothing but Ray. Its argument are keywords of `ray.init`, as JSON; it
answers with a line of JSON: the Ray's `address`, or the `error`. Ray ends with it, and it ends when its
standard input does.
"""

import json
import logging
import os
import sys
from typing import Any


def main(keywords: str) -> None:
    """Start a Ray, and hold it."""
    # What Ray or a library of its prints is no answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        import ray  # noqa: PLC0415 - it may print, too

        context: Any = ray.init(
            address="local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **json.loads(keywords),
        )
        answer = {"address": context.address_info["gcs_address"]}
    except Exception as error:  # noqa: BLE001 - whatever it is, the command says it
        answer = {"error": str(error)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(sys.argv[1])
