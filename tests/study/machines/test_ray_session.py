"""A study's Ray leaves the process that ran it as it was."""

import logging
import os

from ray._private.authentication.authentication_token_setup import AUTH_MODE_ENV_VAR

from study.machines.ray_session import QUIET, quiet_process


def test_a_process_gets_its_own_ray_back() -> None:
    """Variables and levels of logs are a study's while it runs; what the user had set is kept all along."""
    name, *others = QUIET
    own = os.environ.get(name)
    before = dict(os.environ)
    logger = logging.getLogger("ray.tune")
    level = logger.level

    with quiet_process():
        os.environ[AUTH_MODE_ENV_VAR] = "token"  # as Ray does
        meanwhile = [os.environ[each] for each in others]
        muted = logger.level

    assert meanwhile == [QUIET[each] if each not in before else before[each] for each in others]
    assert muted == logging.CRITICAL
    assert os.environ.get(name) == own
    assert dict(os.environ) == before
    assert logger.level == level
