"""Reaches Ray, or starts one here: quietly, without its own dashboard unless asked for, and in a private place."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray._private.authentication.authentication_token_setup import AUTH_MODE_ENV_VAR
from ray._raylet import (  # type: ignore[attr-defined]
    AuthenticationTokenLoader,
    Config,
)
from ray.air._internal import usage

from study.errors import ClusterError
from study.machines import own_packages
from study.machines.dashboard import LOOPBACK, dashboard_text
from study.machines.environment import kept_environment
from study.machines.upload import Upload
from study.options import StudyOptions

LONGEST_OUTPUT_BYTES = 20_000_000
"""A process of a local Ray keeps so much of what it prints, and as much again of what it printed before."""

SCHEDULER = "SLURM_JOB_ID"
"""Variable of all processes of a job of SLURM."""

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_ROTATION_MAX_BYTES": str(LONGEST_OUTPUT_BYTES),
    "RAY_ROTATION_BACKUP_COUNT": "1",
}
"""Ray's own tables, statistics and events off: what a user sees comes from `study.execution.live.progress`. And
its way with Ctrl-C, for that of `study.execution.interrupts`, and its files of trials, for those of
`study.execution.reporting` and `study.execution.live.tensorboard`."""


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


def start_ray(options: StudyOptions, place: Path | None, sent: Upload | None) -> str | None:
    """Reach Ray, or start one.

    Args:
        options: `address` and `dashboard`.
        place: Folder of its session, where one is started.
        sent: What travels to a cluster's machines, where one is reached.

    Returns:
        Where its dashboard is, for people; None unless it was asked for.

    Raises:
        ClusterError: It cannot be reached or started.
    """
    try:
        if sent is None:
            with _deaf_to_hangups(), deaf_to_schedulers():
                context = ray.init(
                    address="local",
                    _temp_dir=str(place),
                    include_dashboard=options.dashboard,
                    dashboard_host=LOOPBACK,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env=_worker_setup(),
                )
        else:
            context = ray.init(
                address=options.address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={
                    "working_dir": str(sent.folder),
                    "excludes": list(sent.excluded),
                    **_worker_setup(),
                },
            )
    except Exception as error:
        raise ClusterError(_unreachable(options.address, error)) from error
    if not options.dashboard:
        return None
    return dashboard_text(context.dashboard_url, address=options.address)


@contextlib.contextmanager
def _deaf_to_hangups() -> Iterator[None]:
    """Have what is started meanwhile ignore SIGHUP: a terminal that goes tells all of its processes.

    The study takes it, and ends its Ray when what is known has been written.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextlib.contextmanager
def deaf_to_schedulers() -> Iterator[None]:
    """Within a job of SLURM, have what is started meanwhile wait for the study's own end.

    `scancel` and preemption send SIGTERM to every process of a job at once. Ray would be gone before the
    study has asked its trackers for the last time. What is blocked stays so in the processes that are
    started, and the study's guardian ends them.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if SCHEDULER not in os.environ or not is_main:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
