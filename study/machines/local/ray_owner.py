"""A process that starts a local Ray, says where it is, and holds it until nobody needs it.

Run as a file, so that it imports nothing but Ray. Its argument are keywords of `ray.init`, as JSON; it
answers with a line of JSON: the Ray's `address`, or the `error`. Ray ends with it, and it ends when its
standard input does.
"""

import json
import logging
import sys
from typing import Any

import ray


def main(keywords: str) -> None:
    """Start a Ray, and hold it."""
    try:
        context: Any = ray.init(
            address="local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **json.loads(keywords),
        )
        answer = {"address": context.address_info["gcs_address"]}
    except Exception as error:  # noqa: BLE001 - whatever it is, the command says it
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(sys.argv[1])
