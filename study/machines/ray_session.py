"""Reaches Ray, or starts one here: quietly, without its own dashboard unless asked for, and in a private place."""

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
from study.machines.local.unheard_signals import deaf_to_hangups, deaf_to_schedulers
from study.machines.upload import Upload
from study.options import StudyOptions


@contextlib.contextmanager
def quiet_process() -> Iterator[None]:
    """Have Ray say nothing in this process by itself, and take it all back at the end.

    Whoever goes on in the same process, as in a notebook, has Ray as it was: its tables, its logs, its way
    with Ctrl-C, and a token of its own instead of the study's.
    """
    loggers = [logging.getLogger(name) for name in ("ray.tune", "ray.train", "ray.air")]
    levels = [logger.level for logger in loggers]
    try:
        with kept_environment(*QUIET, AUTH_MODE_ENV_VAR), _callbacks_uncounted():
            for name, value in QUIET.items():
                os.environ.setdefault(name, value)
            for logger in loggers:
                # Else each failed trial prints a traceback; it is kept in the trial's folder.
                logger.setLevel(logging.CRITICAL)
            _read_authentication_anew()
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        _read_authentication_anew()


@contextlib.contextmanager
def _callbacks_uncounted() -> Iterator[None]:
    """Keep Tune from counting kinds of callbacks for its makers, whose statistics are off.

    It would load MLflow, W&B and Comet for that, where they are installed: seconds before the first trial.
    """
    count = getattr(usage, "tag_callbacks", None)
    if count is None:  # a Ray that counts otherwise
        yield
        return
    usage.tag_callbacks = lambda callbacks: False  # noqa: ARG005 - as Tune calls it
    try:
        yield
    finally:
        usage.tag_callbacks = count


def _read_authentication_anew() -> None:
    """Have Ray read from the environment whether it asks for a token, and for which.

    It reads both once in a process. A cluster without token, reached after a local Ray which had one, could not
    answer this process else: it drops each actor before that has begun.
    """
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def _ask_for_a_token() -> None:
    """Have a local Ray ask for a token, as it does by default; being asked it does not advise people to opt out."""
    os.environ.setdefault(AUTH_MODE_ENV_VAR, "token")
    _read_authentication_anew()


def start_ray(options: StudyOptions, where: Path | EarlyRay | Upload) -> str | None:
    """Reach Ray, or start one.

    Args:
        options: `address` and `dashboard`.
        where: Of a local Ray the folder of its session, or itself where its start has begun; of a cluster
            what travels to its machines.

    Returns:
        Where its dashboard is, for people; None unless it was asked for.

    Raises:
        ClusterError: It cannot be reached or started.
    """
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    setup = _worker_setup()
    try:
        if isinstance(where, Upload):
            sent = {"working_dir": str(where.folder), "excludes": list(where.excluded)}
            context = ray.init(address=options.address, runtime_env={**sent, **setup}, **quiet)
        elif isinstance(where, EarlyRay):
            _ask_for_a_token()
            context = ray.init(address=where.address(), runtime_env=setup, **quiet)
        else:
            local = ray_keywords(options, where)
            _ask_for_a_token()
            with deaf_to_hangups(), deaf_to_schedulers():
                context = ray.init(address="local", runtime_env=setup, **local, **quiet)
    except Exception as error:
        raise ClusterError(_unreachable(options.address, error)) from error
    if not options.dashboard:
        return None
    return dashboard_text(context.dashboard_url, address=options.address)


def _unreachable(address: str | None, error: Exception) -> str:
    """Say what is wrong, and what to do that was not done."""
    if address is None:
        return (
            f"Ray cannot be started on this machine: {error}. It needs a folder for its sockets "
            "whose name has at most 26 characters (RAY_TMPDIR names another), some free space there "
            "and in /dev/shm, and free ports; or run on a cluster that is there, by --address."
        )
    return (
        f"--address {address}: Ray cannot be reached: {error}. Start a cluster with `ray up "
        "cluster.yaml` or `ray start --head`, or leave the option out to use this machine alone."
    )


def _worker_setup() -> dict[str, Any]:
    """Set-up of Ray's workers; empty where no folder hides our packages from them."""
    if not own_packages.hidden_in(Path.cwd()):
        return {}
    cloudpickle.register_pickle_by_value(own_packages)  # type: ignore[no-untyped-call]
    return {"worker_process_setup_hook": own_packages.find_ours}
