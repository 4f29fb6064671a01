"""Settings of W&B."""

import pytest

from trackers.exports.wandb import end_limit


@pytest.mark.parametrize(
    ("environment", "is_limited"), [({}, True), ({"WANDB_FINISH_TIMEOUT": "600"}, False)]
)
def test_the_wait_for_a_server_at_the_end_is_limited(
    environment: dict[str, str], *, is_limited: bool
) -> None:
    """W&B would wait for ever for an unreachable server; a limit that the user has set is kept."""
    assert (0 < end_limit(environment).get("finish_timeout", 0) <= 60) is is_limited
