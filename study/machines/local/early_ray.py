"""Start of a local Ray in a separate process, while the command loads torch and reads the data.

Each takes seconds, and in one process they would run one after the other. The separate process starts and
owns Ray, so that the command's signals, threads and event loops do not affect it; a command that refuses
its input can end it at once.
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
from study.machines.local.signal_shielding import blocking_sigterm_under_slurm
from study.options import StudyOptions

OWNER = Path(__file__).with_name("ray_owner.py")

ENDS_IN_S = 5.0
"""Seconds to wait for Ray to shut down by itself before its guardian kills it."""


@final
class EarlyRay:
    """A local Ray that is starting or has started.

    Its creator must close it. If the command is killed before that, a guardian process ends it.
    """

    def __init__(self, options: StudyOptions) -> None:
        """Begin to start Ray, without waiting for it.

        Args:
            options: Options of the command; only `dashboard` is used.

        Raises:
            ClusterError: No folder can be created for Ray's session.
        """
        with contextlib.ExitStack() as ends:
            place = ends.enter_context(private_ray())
            keywords = json.dumps(ray_keywords(options, place))
            with blocking_sigterm_under_slurm():
                self._owner = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-P", str(OWNER), keywords],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**QUIET, **os.environ},
                    start_new_session=True,  # so that signals from the terminal do not reach it
                )
            self._ends = ends.pop_all()
        self._needed, self._said = filter(None, (self._owner.stdin, self._owner.stdout))
        self._is_up = False

    def address(self) -> str:
        """Wait until Ray has started.

        Returns:
            Address for `ray.init` in the driver.

        Raises:
            ConnectionError: Ray could not be started.
        """
        said = self._said.readline()
        answer = json.loads(said) if said else {"error": "its first process has ended"}
        if "error" in answer:
            raise ConnectionError(answer["error"])
        self._is_up = True
        return str(answer["address"])

    def close(self) -> None:
        """End Ray; may be called twice. If `address` has not returned, Ray is killed without waiting."""
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
    """Return the keyword arguments of `ray.init` for a local Ray.

    Args:
        options: Options of the command; only `dashboard` is used.
        place: Folder for Ray's session.
    """
    return {
        "_temp_dir": str(place),
        "include_dashboard": options.dashboard,
        "dashboard_host": LOOPBACK,
    }


@contextlib.contextmanager
def early_ray(options: StudyOptions) -> Iterator[EarlyRay | None]:
    """Begin to start a local Ray, and close it at the end of the context.

    Yields:
        The Ray that is starting; None if `--address` names a cluster, or if this process has imported
        Ray already and can start one faster than a new process could.

    Raises:
        ClusterError: No folder can be created for Ray's session.
    """
    if options.address is not None or "ray" in sys.modules:
        yield None
        return
    early = EarlyRay(options)
    try:
        yield early
    finally:
        early.close()
