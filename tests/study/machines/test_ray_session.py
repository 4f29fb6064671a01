"""A study's Ray leaves the process that ran it as it was."""

import logging
import os

from ray._private.authentication.authentication_token_setup import enable_token_auth_by_default
from ray._raylet import (  # type: ignore[attr-defined]
    get_authentication_mode,
)

from study.machines.ray_session import QUIET, quiet_process


def test_a_process_gets_its_own_ray_back() -> None:
    """Variables, levels of logs and the way of authentication are a study's while it runs.

    With the study's way, a cluster without a token could not be reached afterwards.
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
