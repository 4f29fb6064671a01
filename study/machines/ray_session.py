"""Connect to Ray or start it here: quietly, in a private folder, with a dashboard only on request."""

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray._private.authentication.authentication_token_setup import (
    AUTH_MODE_ENV_VAR,
)
from ray._raylet import (  # type: ignore[attr-defined]
    AuthenticationTokenLoader,
    Config,
)
from ray.air._internal import usage

from study.errors import ClusterError
from study.machines import own_packages
from study.machines.dashboard import dashboard_text
from study.machines.local.early_ray import EarlyRay, ray_keywords
from study.machines.local.environment import QUIET, kept_environment
from study.machines.local.signal_shielding import blocking_sigterm_under_slurm, ignoring_sighup
from study.machines.upload import Upload
from study.options import StudyOptions


@contextlib.contextmanager
def quiet_process() -> Iterator[None]:
    """Silence Ray's own output in this process, and restore everything at the end.

    Code that continues in the same process, as in a notebook, finds Ray as before: its tables, logs and
    handling of Ctrl-C, and its own authentication token instead of the study's.
    """
    loggers = [logging.getLogger(name) for name in ("ray.tune", "ray.train", "ray.air")]
    levels = [logger.level for logger in loggers]
    try:
        with kept_environment(*QUIET, AUTH_MODE_ENV_VAR), _no_callback_statistics():
            for name, value in QUIET.items():
                os.environ.setdefault(name, value)
            for logger in loggers:
                # Otherwise each failed trial prints its traceback, which is in its folder anyway.
                logger.setLevel(logging.CRITICAL)
            _reload_authentication()
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        _reload_authentication()


@contextlib.contextmanager
def _no_callback_statistics() -> Iterator[None]:
    """Keep Tune from counting the kinds of callbacks for usage statistics, which are off anyway.

    To count them it would import MLflow, W&B and Comet, if installed: seconds before the first trial.
    """
    count = getattr(usage, "tag_callbacks", None)
    if count is None:  # another version of Ray that has no such function
        yield
        return
    usage.tag_callbacks = lambda callbacks: False  # noqa: ARG005 - as Tune calls it
    try:
        yield
    finally:
        usage.tag_callbacks = count


def _reload_authentication() -> None:
    """Make Ray read its authentication settings from the environment again.

    Ray reads mode and token once per process. Otherwise, a cluster without authentication, reached after
    a local Ray with a token, could not answer this process: each actor would be dropped before it starts.
    """
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def _require_token() -> None:
    """Turn on token authentication for a local Ray.

    It is Ray's default, but unless it is set explicitly Ray prints advice on how to opt out.
    """
    os.environ.setdefault(AUTH_MODE_ENV_VAR, "token")
    _reload_authentication()


def start_ray(options: StudyOptions, where: Path | EarlyRay | Upload) -> str | None:
    """Connect to a cluster, or start a local Ray.

    Args:
        options: Options of the command; `address` and `dashboard` are used.
        where: For a cluster, the files to upload. For a local Ray, the folder of its session, or the
            Ray that is already starting.

    Returns:
        Text that says where the dashboard is; None unless it was asked for.

    Raises:
        ClusterError: Ray cannot be reached or started, or has no dashboard although one is asked for.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    setup = _worker_setup()
    try:
        if isinstance(where, Upload):
            sent = {"working_dir": str(where.folder), "excludes": list(where.excluded)}
            context = ray.init(address=options.address, runtime_env={**sent, **setup}, **quiet)
        elif isinstance(where, EarlyRay):
            _require_token()
            context = ray.init(address=where.address(), runtime_env=setup, **quiet)
        else:
            local = ray_keywords(options, where)
            _require_token()
            with ignoring_sighup(), blocking_sigterm_under_slurm():
                context = ray.init(address="local", runtime_env=setup, **local, **quiet)
    except Exception as error:
        raise ClusterError(_unreachable(options.address, error)) from error
    if not options.dashboard:
        return None
    return dashboard_text(context.dashboard_url, address=options.address)


def _unreachable(address: str | None, error: Exception) -> str:
    """Return the message for a Ray that cannot be reached or started: what is wrong, and what to try."""
    if address is None:
        return (
            f"Ray cannot be started on this machine: {error}. It needs a folder for its sockets "
            "whose name has at most 26 characters (RAY_TMPDIR names another), some free space there "
            "and in /dev/shm, and free ports; or use a running cluster, with --address."
        )
    return (
        f"--address {address}: Ray cannot be reached: {error}. Start a cluster with `ray up "
        "cluster.yaml` or `ray start --head`, or leave the option out to use this machine alone."
    )


def _worker_setup() -> dict[str, Any]:
    """Return the `runtime_env` entries that let workers find our packages; empty if nothing shadows them."""
    if not own_packages.shadowed_by(Path.cwd()):
        return {}
    cloudpickle.register_pickle_by_value(own_packages)  # type: ignore[no-untyped-call]
    return {"worker_process_setup_hook": own_packages.find_ours}
