"""Program that starts a local Ray, prints its address, and keeps it running until standard input closes.

It is run as a file, so that it imports nothing but Ray. Its argument holds keyword arguments of `ray.init`
as JSON; it prints one line of JSON with the `address` of the Ray, or the `error`. Ray ends with it.
"""

import json
import logging
import os
import sys
from typing import Any


def main(keywords: str) -> None:
    """Start a Ray, print its address, and wait for the end of standard input."""
    # Whatever Ray or its libraries print goes to stderr, so that stdout has nothing but the answer.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        import ray  # noqa: PLC0415 - after the redirection, because the import may print

        context: Any = ray.init(
            address="local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **json.loads(keywords),
        )
        answer = {"address": context.address_info["gcs_address"]}
    except Exception as error:  # noqa: BLE001 - the command shows it, whatever it is
        answer = {"error": str(error)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main(sys.argv[1])
