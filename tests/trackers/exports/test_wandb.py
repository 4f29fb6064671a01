"""What is said to W&B besides the energies."""

import pytest

from trackers.exports.wandb import end_limit


@pytest.mark.parametrize(
    ("environment", "is_ours"), [({}, True), ({"WANDB_FINISH_TIMEOUT": "600"}, False)]
)
def test_a_server_that_is_away_keeps_no_program_from_ending(
    environment: dict[str, str], *, is_ours: bool
) -> None:
    """W&B's own way is to wait for it for good; a limit of the user's stays."""
    assert (0 < end_limit(environment).get("finish_timeout", 0) <= 60) is is_ours
