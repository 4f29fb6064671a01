"""Changes that a study's Ray makes to its process, and that are undone afterwards."""

import logging
import os
import subprocess
import sys

import pytest
from ray._private.authentication.authentication_token_setup import enable_token_auth_by_default
from ray._raylet import (  # type: ignore[attr-defined]
    get_authentication_mode,
)
from ray.air._internal import usage
from ray.tune import Callback

from study.machines.local.environment import QUIET
from study.machines.local.signal_shielding import SCHEDULER, blocking_sigterm_under_slurm
from study.machines.ray_session import quiet_process


def test_a_process_gets_its_own_ray_settings_back() -> None:
    """Environment variables, log levels and the mode of authentication are a study's only while it runs.

    With the study's mode of authentication, a cluster without a token could not be reached afterwards.
    """
    name, *others = QUIET
    own = os.environ.get(name)
    before = dict(os.environ)
    logger = logging.getLogger("ray.tune")
    level, mode = logger.level, get_authentication_mode()

    with quiet_process():
        enable_token_auth_by_default()  # as ray.init does
        meanwhile = [os.environ[each] for each in others]
        muted = logger.level

    assert meanwhile == [QUIET[each] if each not in before else before[each] for each in others]
    assert muted == logging.CRITICAL
    assert os.environ.get(name) == own
    assert dict(os.environ) == before
    assert logger.level == level
    assert get_authentication_mode() == mode


def test_a_ray_within_a_slurm_job_ignores_sigterm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes started within a job have SIGTERM blocked; outside a job, and in this process, it is not."""

    def is_blocked() -> bool:
        code = "import signal; print(signal.SIGTERM in signal.pthread_sigmask(0, []))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return done.stdout.strip() == b"True"

    monkeypatch.setenv(SCHEDULER, "7")
    with blocking_sigterm_under_slurm():
        within = is_blocked()
    monkeypatch.delenv(SCHEDULER)
    with blocking_sigterm_under_slurm():
        elsewhere = is_blocked()

    assert (within, elsewhere, is_blocked()) == (True, False, False)


def test_tune_reports_no_callbacks_to_its_developers() -> None:
    """For its usage statistics, it would load MLflow and others before the first trial."""
    before = usage.tag_callbacks

    with quiet_process():
        assert usage.tag_callbacks([Callback()]) is False

    assert usage.tag_callbacks is before
