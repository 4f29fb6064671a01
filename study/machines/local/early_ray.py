"""A local Ray that starts while its command still loads torch and reads the data.

Both take seconds, and in one process the one would wait for the other. So a process of its own starts Ray,
and holds it: no signal, thread or event loop of the command has to do with it, and a command that refuses
its input ends it at once.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from study.machines.dashboard import LOOPBACK
from study.machines.local.environment import QUIET
from study.machines.local.private_ray import private_ray
from study.machines.local.unheard_signals import deaf_to_schedulers
from study.options import StudyOptions

OWNER = Path(__file__).with_name("ray_owner.py")

ENDS_IN_S = 5.0
"""For how long Ray is waited for to end in order; then its guardian ends it."""


@final
class EarlyRay:
    """A Ray that is being started, or has been.

    Whoever makes one closes it. A guardian ends it where the command is killed before.
    """

    def __init__(self, options: StudyOptions) -> None:
        """Begin to start it.

        Args:
            options: `dashboard` alone.

        Raises:
            ClusterError: There is no place for it.
        """
        with contextlib.ExitStack() as ends:
            place = ends.enter_context(private_ray())
            keywords = json.dumps(ray_keywords(options, place))
            with deaf_to_schedulers():
                self._owner = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-P", str(OWNER), keywords],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**QUIET, **os.environ},
                    start_new_session=True,  # no terminal's signal reaches it
                )
            self._ends = ends.pop_all()
        self._needed, self._said = filter(None, (self._owner.stdin, self._owner.stdout))
        self._is_up = False

    def address(self) -> str:
        """Wait until it has started.

        Returns:
            Where a driver reaches it.

        Raises:
            ConnectionError: It could not be started.
        """
        said = self._said.readline()
        answer = json.loads(said) if said else {"error": "its first process has ended"}
        if "error" in answer:
            raise ConnectionError(answer["error"])
        self._is_up = True
        return str(answer["address"])

    def close(self) -> None:
        """End it; may be called twice. One that nobody has reached is ended at once."""
        if self._is_up:
            self._is_up = False
            self._needed.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._owner.wait(ENDS_IN_S)
        self._ends.close()
        self._needed.close()
        self._said.close()
        self._owner.wait()


def ray_keywords(options: StudyOptions, place: Path) -> dict[str, Any]:
    """Return what a local Ray is started with, as keywords of `ray.init`.

    Args:
        options: `dashboard` alone.
        place: Folder of its session.
    """
    return {
        "_temp_dir": str(place),
        "include_dashboard": options.dashboard,
        "dashboard_host": LOOPBACK,
    }


@contextlib.contextmanager
def early_ray(options: StudyOptions) -> Iterator[EarlyRay | None]:
    """Begin to start a local Ray, and end it at the latest at the end.

    None where a cluster is asked for, and where this process has loaded Ray before: it starts one sooner
    than another process could.

    Raises:
        ClusterError: There is no place for it.
    """
    if options.address is not None or "ray" in sys.modules:
        yield None
        return
    early = EarlyRay(options)
    try:
        yield early
    finally:
        early.close()
